-- Texts as they are compared: escapes read, folded. The indexes that find identifiers in texts are on that form, so neither
-- an escape nor a folded letter can hide a text from them. server/datamap/escapes.ts says what is read, and why.

-- What one escape stands for; the text itself where it is none.
create function lethe_read_escape(escape text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  name text;
  digits text;
  code integer;
begin
  if escape like '\%%' then
    if escape ~ '^%[01]' then
      return chr(31);
    end if;
    return convert_from(decode(replace(escape, '%', ''), 'hex'), 'UTF8');
  end if;
  if escape like '\\%' then
    code := ('x' || substr(escape, 3, 4))::bit(16)::integer;
    if length(escape) = 12 then
      return chr(65536 + (code - 55296) * 1024 + ('x' || substr(escape, 9, 4))::bit(16)::integer - 56320);
    end if;
  elsif escape like '&#%' then
    digits := ltrim(rtrim(substr(lower(escape), case when escape ~ '^&#[xX]' then 4 else 3 end), ';'), '0');
    if length(digits) > 7 then
      code := 0;
    elsif escape ~ '^&#[xX]' then
      code := ('x' || lpad(digits, 8, '0'))::bit(32)::integer;
    else
      code := ('0' || digits)::integer;
    end if;
    if code = 0 or code > 1114111 then
      code := 65533;
    end if;
  else
    name := '{"AElig":"\u00c6","AMP":"&","Aacute":"\u00c1","Abreve":"\u0102","Acirc":"\u00c2","Acy":"\u0410",
"Afr":"\ud835\udd04","Agrave":"\u00c0","Alpha":"\u0391","Amacr":"\u0100","Aogon":"\u0104",
"Aopf":"\ud835\udd38","Aring":"\u00c5","Ascr":"\ud835\udc9c","Atilde":"\u00c3","Auml":"\u00c4","Bcy":"\u0411",
"Bernoullis":"\u212c","Beta":"\u0392","Bfr":"\ud835\udd05","Bopf":"\ud835\udd39","Bscr":"\u212c",
"CHcy":"\u0427","Cacute":"\u0106","CapitalDifferentialD":"\u2145","Cayleys":"\u212d","Ccaron":"\u010c",
"Ccedil":"\u00c7","Ccirc":"\u0108","Cdot":"\u010a","Cfr":"\u212d","Chi":"\u03a7","CloseCurlyQuote":"\u2019",
"Copf":"\u2102","Cscr":"\ud835\udc9e","DD":"\u2145","DJcy":"\u0402","DScy":"\u0405","DZcy":"\u040f",
"Dcaron":"\u010e","Dcy":"\u0414","Delta":"\u0394","Dfr":"\ud835\udd07","DiacriticalGrave":"`",
"DifferentialD":"\u2146","Dopf":"\ud835\udd3b","DotDot":"\u20dc","DownBreve":"\u0311","Dscr":"\ud835\udc9f",
"Dstrok":"\u0110","ENG":"\u014a","ETH":"\u00d0","Eacute":"\u00c9","Ecaron":"\u011a","Ecirc":"\u00ca",
"Ecy":"\u042d","Edot":"\u0116","Efr":"\ud835\udd08","Egrave":"\u00c8","Emacr":"\u0112","Eogon":"\u0118",
"Eopf":"\ud835\udd3c","Epsilon":"\u0395","Escr":"\u2130","Eta":"\u0397","Euml":"\u00cb",
"ExponentialE":"\u2147","Fcy":"\u0424","Ffr":"\ud835\udd09","Fopf":"\ud835\udd3d","Fouriertrf":"\u2131",
"Fscr":"\u2131","GJcy":"\u0403","GT":">","Gamma":"\u0393","Gammad":"\u03dc","Gbreve":"\u011e",
"Gcedil":"\u0122","Gcirc":"\u011c","Gcy":"\u0413","Gdot":"\u0120","Gfr":"\ud835\udd0a","Gopf":"\ud835\udd3e",
"Gscr":"\ud835\udca2","HARDcy":"\u042a","Hacek":"\u02c7","Hat":"^","Hcirc":"\u0124","Hfr":"\u210c",
"HilbertSpace":"\u210b","Hopf":"\u210d","Hscr":"\u210b","Hstrok":"\u0126","IEcy":"\u0415","IJlig":"\u0132",
"IOcy":"\u0401","Iacute":"\u00cd","Icirc":"\u00ce","Icy":"\u0418","Idot":"\u0130","Ifr":"\u2111",
"Igrave":"\u00cc","Im":"\u2111","Imacr":"\u012a","ImaginaryI":"\u2148","Iogon":"\u012e","Iopf":"\ud835\udd40",
"Iota":"\u0399","Iscr":"\u2110","Itilde":"\u0128","Iukcy":"\u0406","Iuml":"\u00cf","Jcirc":"\u0134",
"Jcy":"\u0419","Jfr":"\ud835\udd0d","Jopf":"\ud835\udd41","Jscr":"\ud835\udca5","Jsercy":"\u0408",
"Jukcy":"\u0404","KHcy":"\u0425","KJcy":"\u040c","Kappa":"\u039a","Kcedil":"\u0136","Kcy":"\u041a",
"Kfr":"\ud835\udd0e","Kopf":"\ud835\udd42","Kscr":"\ud835\udca6","LJcy":"\u0409","LT":"<","Lacute":"\u0139",
"Lambda":"\u039b","Laplacetrf":"\u2112","Lcaron":"\u013d","Lcedil":"\u013b","Lcy":"\u041b",
"Lfr":"\ud835\udd0f","Lmidot":"\u013f","Lopf":"\ud835\udd43","Lscr":"\u2112","Lstrok":"\u0141","Mcy":"\u041c",
"Mellintrf":"\u2133","Mfr":"\ud835\udd10","Mopf":"\ud835\udd44","Mscr":"\u2133","Mu":"\u039c","NJcy":"\u040a",
"Nacute":"\u0143","Ncaron":"\u0147","Ncedil":"\u0145","Ncy":"\u041d","NewLine":"\u001f","Nfr":"\ud835\udd11",
"Nopf":"\u2115","Nscr":"\ud835\udca9","Ntilde":"\u00d1","Nu":"\u039d","OElig":"\u0152","Oacute":"\u00d3",
"Ocirc":"\u00d4","Ocy":"\u041e","Odblac":"\u0150","Ofr":"\ud835\udd12","Ograve":"\u00d2","Omacr":"\u014c",
"Omega":"\u03a9","Omicron":"\u039f","Oopf":"\ud835\udd46","OpenCurlyQuote":"\u2018","Oscr":"\ud835\udcaa",
"Oslash":"\u00d8","Otilde":"\u00d5","Ouml":"\u00d6","Pcy":"\u041f","Pfr":"\ud835\udd13","Phi":"\u03a6",
"Pi":"\u03a0","Poincareplane":"\u210c","Popf":"\u2119","Pscr":"\ud835\udcab","Psi":"\u03a8","QUOT":"\"",
"Qfr":"\ud835\udd14","Qopf":"\u211a","Qscr":"\ud835\udcac","Racute":"\u0154","Rcaron":"\u0158",
"Rcedil":"\u0156","Rcy":"\u0420","Re":"\u211c","Rfr":"\u211c","Rho":"\u03a1","Ropf":"\u211d","Rscr":"\u211b",
"SHCHcy":"\u0429","SHcy":"\u0428","SOFTcy":"\u042c","Sacute":"\u015a","Scaron":"\u0160","Scedil":"\u015e",
"Scirc":"\u015c","Scy":"\u0421","Sfr":"\ud835\udd16","Sigma":"\u03a3","Sopf":"\ud835\udd4a",
"Sscr":"\ud835\udcae","THORN":"\u00de","TSHcy":"\u040b","TScy":"\u0426","Tab":"\u001f","Tau":"\u03a4",
"Tcaron":"\u0164","Tcedil":"\u0162","Tcy":"\u0422","Tfr":"\ud835\udd17","Theta":"\u0398",
"Topf":"\ud835\udd4b","TripleDot":"\u20db","Tscr":"\ud835\udcaf","Tstrok":"\u0166","Uacute":"\u00da",
"Ubrcy":"\u040e","Ubreve":"\u016c","Ucirc":"\u00db","Ucy":"\u0423","Udblac":"\u0170","Ufr":"\ud835\udd18",
"Ugrave":"\u00d9","Umacr":"\u016a","UnderBar":"_","Uogon":"\u0172","Uopf":"\ud835\udd4c","Upsi":"\u03d2",
"Upsilon":"\u03a5","Uring":"\u016e","Uscr":"\ud835\udcb0","Utilde":"\u0168","Uuml":"\u00dc","Vcy":"\u0412",
"VerticalLine":"|","Vfr":"\ud835\udd19","Vopf":"\ud835\udd4d","Vscr":"\ud835\udcb1","Wcirc":"\u0174",
"Wfr":"\ud835\udd1a","Wopf":"\ud835\udd4e","Wscr":"\ud835\udcb2","Xfr":"\ud835\udd1b","Xi":"\u039e",
"Xopf":"\ud835\udd4f","Xscr":"\ud835\udcb3","YAcy":"\u042f","YIcy":"\u0407","YUcy":"\u042e","Yacute":"\u00dd",
"Ycirc":"\u0176","Ycy":"\u042b","Yfr":"\ud835\udd1c","Yopf":"\ud835\udd50","Yscr":"\ud835\udcb4",
"Yuml":"\u0178","ZHcy":"\u0416","Zacute":"\u0179","Zcaron":"\u017d","Zcy":"\u0417","Zdot":"\u017b",
"Zeta":"\u0396","Zfr":"\u2128","Zopf":"\u2124","Zscr":"\ud835\udcb5","aacute":"\u00e1","abreve":"\u0103",
"acirc":"\u00e2","acy":"\u0430","aelig":"\u00e6","afr":"\ud835\udd1e","agrave":"\u00e0","alefsym":"\u2135",
"aleph":"\u2135","alpha":"\u03b1","amacr":"\u0101","amp":"&","angst":"\u00c5","aogon":"\u0105",
"aopf":"\ud835\udd52","apos":"''","aring":"\u00e5","ascr":"\ud835\udcb6","ast":"*","atilde":"\u00e3",
"auml":"\u00e4","bcy":"\u0431","bernou":"\u212c","beta":"\u03b2","beth":"\u2136","bfr":"\ud835\udd1f",
"bopf":"\ud835\udd53","bscr":"\ud835\udcb7","bsol":"\\","cacute":"\u0107","caron":"\u02c7","ccaron":"\u010d",
"ccedil":"\u00e7","ccirc":"\u0109","cdot":"\u010b","cfr":"\ud835\udd20","chcy":"\u0447","chi":"\u03c7",
"circ":"\u02c6","colon":":","comma":",","commat":"@","complexes":"\u2102","copf":"\ud835\udd54",
"cscr":"\ud835\udcb8","daleth":"\u2138","dcaron":"\u010f","dcy":"\u0434","dd":"\u2146","delta":"\u03b4",
"dfr":"\ud835\udd21","digamma":"\u03dd","djcy":"\u0452","dollar":"$","dopf":"\ud835\udd55",
"dscr":"\ud835\udcb9","dscy":"\u0455","dstrok":"\u0111","dzcy":"\u045f","eacute":"\u00e9","ecaron":"\u011b",
"ecirc":"\u00ea","ecy":"\u044d","edot":"\u0117","ee":"\u2147","efr":"\ud835\udd22","egrave":"\u00e8",
"ell":"\u2113","emacr":"\u0113","eng":"\u014b","eogon":"\u0119","eopf":"\ud835\udd56","epsi":"\u03b5",
"epsilon":"\u03b5","epsiv":"\u03f5","equals":"=","escr":"\u212f","eta":"\u03b7","eth":"\u00f0",
"euml":"\u00eb","excl":"!","expectation":"\u2130","exponentiale":"\u2147","fcy":"\u0444","ffilig":"\ufb03",
"fflig":"\ufb00","ffllig":"\ufb04","ffr":"\ud835\udd23","filig":"\ufb01","fllig":"\ufb02","fnof":"\u0192",
"fopf":"\ud835\udd57","frac12":"\u00bd","frac13":"\u2153","frac14":"\u00bc","frac15":"\u2155",
"frac16":"\u2159","frac18":"\u215b","frac23":"\u2154","frac25":"\u2156","frac34":"\u00be","frac35":"\u2157",
"frac38":"\u215c","frac45":"\u2158","frac56":"\u215a","frac58":"\u215d","frac78":"\u215e",
"fscr":"\ud835\udcbb","gacute":"\u01f5","gamma":"\u03b3","gammad":"\u03dd","gbreve":"\u011f","gcirc":"\u011d",
"gcy":"\u0433","gdot":"\u0121","gfr":"\ud835\udd24","gimel":"\u2137","gjcy":"\u0453","gopf":"\ud835\udd58",
"grave":"`","gscr":"\u210a","gt":">","half":"\u00bd","hamilt":"\u210b","hardcy":"\u044a","hbar":"\u210f",
"hcirc":"\u0125","hfr":"\ud835\udd25","hopf":"\ud835\udd59","hscr":"\ud835\udcbd","hslash":"\u210f",
"hstrok":"\u0127","iacute":"\u00ed","icirc":"\u00ee","icy":"\u0438","iecy":"\u0435","ifr":"\ud835\udd26",
"igrave":"\u00ec","ii":"\u2148","ijlig":"\u0133","imacr":"\u012b","image":"\u2111","imagline":"\u2110",
"imagpart":"\u2111","imath":"\u0131","imped":"\u01b5","inodot":"\u0131","integers":"\u2124","iocy":"\u0451",
"iogon":"\u012f","iopf":"\ud835\udd5a","iota":"\u03b9","iscr":"\ud835\udcbe","itilde":"\u0129",
"iukcy":"\u0456","iuml":"\u00ef","jcirc":"\u0135","jcy":"\u0439","jfr":"\ud835\udd27","jmath":"\u0237",
"jopf":"\ud835\udd5b","jscr":"\ud835\udcbf","jsercy":"\u0458","jukcy":"\u0454","kappa":"\u03ba",
"kappav":"\u03f0","kcedil":"\u0137","kcy":"\u043a","kfr":"\ud835\udd28","kgreen":"\u0138","khcy":"\u0445",
"kjcy":"\u045c","kopf":"\ud835\udd5c","kscr":"\ud835\udcc0","lacute":"\u013a","lagran":"\u2112",
"lambda":"\u03bb","lbrace":"{","lbrack":"[","lcaron":"\u013e","lcedil":"\u013c","lcub":"{","lcy":"\u043b",
"lfr":"\ud835\udd29","ljcy":"\u0459","lmidot":"\u0140","lopf":"\ud835\udd5d","lowbar":"_","lpar":"(",
"lscr":"\ud835\udcc1","lsqb":"[","lsquo":"\u2018","lstrok":"\u0142","lt":"<","mcy":"\u043c",
"mfr":"\ud835\udd2a","micro":"\u00b5","midast":"*","mopf":"\ud835\udd5e","mscr":"\ud835\udcc2","mu":"\u03bc",
"nacute":"\u0144","napos":"\u0149","naturals":"\u2115","ncaron":"\u0148","ncedil":"\u0146","ncy":"\u043d",
"nfr":"\ud835\udd2b","njcy":"\u045a","nopf":"\ud835\udd5f","nscr":"\ud835\udcc3","ntilde":"\u00f1",
"nu":"\u03bd","num":"#","oacute":"\u00f3","ocirc":"\u00f4","ocy":"\u043e","odblac":"\u0151","oelig":"\u0153",
"ofr":"\ud835\udd2c","ograve":"\u00f2","ohm":"\u03a9","omacr":"\u014d","omega":"\u03c9","omicron":"\u03bf",
"oopf":"\ud835\udd60","order":"\u2134","orderof":"\u2134","ordf":"\u00aa","ordm":"\u00ba","oscr":"\u2134",
"oslash":"\u00f8","otilde":"\u00f5","ouml":"\u00f6","pcy":"\u043f","percnt":"%","period":".",
"pfr":"\ud835\udd2d","phi":"\u03c6","phiv":"\u03d5","phmmat":"\u2133","pi":"\u03c0","piv":"\u03d6",
"planck":"\u210f","planckh":"\u210e","plankv":"\u210f","plus":"+","popf":"\ud835\udd61","primes":"\u2119",
"pscr":"\ud835\udcc5","psi":"\u03c8","qfr":"\ud835\udd2e","qopf":"\ud835\udd62","qscr":"\ud835\udcc6",
"quaternions":"\u210d","quest":"?","quot":"\"","racute":"\u0155","rationals":"\u211a","rbrace":"}",
"rbrack":"]","rcaron":"\u0159","rcedil":"\u0157","rcub":"}","rcy":"\u0440","real":"\u211c","realine":"\u211b",
"realpart":"\u211c","reals":"\u211d","rfr":"\ud835\udd2f","rho":"\u03c1","rhov":"\u03f1",
"ropf":"\ud835\udd63","rpar":")","rscr":"\ud835\udcc7","rsqb":"]","rsquo":"\u2019","rsquor":"\u2019",
"sacute":"\u015b","scaron":"\u0161","scedil":"\u015f","scirc":"\u015d","scy":"\u0441","semi":";",
"sfr":"\ud835\udd30","shchcy":"\u0449","shcy":"\u0448","sigma":"\u03c3","sigmaf":"\u03c2","sigmav":"\u03c2",
"softcy":"\u044c","sol":"/","sopf":"\ud835\udd64","sscr":"\ud835\udcc8","straightepsilon":"\u03f5",
"straightphi":"\u03d5","sup1":"\u00b9","sup2":"\u00b2","sup3":"\u00b3","szlig":"\u00df","tau":"\u03c4",
"tcaron":"\u0165","tcedil":"\u0163","tcy":"\u0442","tdot":"\u20db","tfr":"\ud835\udd31","theta":"\u03b8",
"thetasym":"\u03d1","thetav":"\u03d1","thorn":"\u00fe","topf":"\ud835\udd65","tscr":"\ud835\udcc9",
"tscy":"\u0446","tshcy":"\u045b","tstrok":"\u0167","uacute":"\u00fa","ubrcy":"\u045e","ubreve":"\u016d",
"ucirc":"\u00fb","ucy":"\u0443","udblac":"\u0171","ufr":"\ud835\udd32","ugrave":"\u00f9","umacr":"\u016b",
"uogon":"\u0173","uopf":"\ud835\udd66","upsi":"\u03c5","upsih":"\u03d2","upsilon":"\u03c5","uring":"\u016f",
"uscr":"\ud835\udcca","utilde":"\u0169","uuml":"\u00fc","varepsilon":"\u03f5","varkappa":"\u03f0",
"varphi":"\u03d5","varpi":"\u03d6","varrho":"\u03f1","varsigma":"\u03c2","vartheta":"\u03d1","vcy":"\u0432",
"verbar":"|","vert":"|","vfr":"\ud835\udd33","vopf":"\ud835\udd67","vscr":"\ud835\udccb","wcirc":"\u0175",
"wfr":"\ud835\udd34","wopf":"\ud835\udd68","wscr":"\ud835\udccc","xfr":"\ud835\udd35","xi":"\u03be",
"xopf":"\ud835\udd69","xscr":"\ud835\udccd","yacute":"\u00fd","yacy":"\u044f","ycirc":"\u0177","ycy":"\u044b",
"yfr":"\ud835\udd36","yicy":"\u0457","yopf":"\ud835\udd6a","yscr":"\ud835\udcce","yucy":"\u044e",
"yuml":"\u00ff","zacute":"\u017a","zcaron":"\u017e","zcy":"\u0437","zdot":"\u017c","zeetrf":"\u2128",
"zeta":"\u03b6","zfr":"\ud835\udd37","zhcy":"\u0436","zopf":"\ud835\udd6b","zscr":"\ud835\udccf"}'::jsonb ->> rtrim(substr(escape, 2), ';');
    if name is not null and escape like '%;' then
      return name;
    end if;
    -- The longest name that is read without a semicolon.
    name := substring(escape from '^&(?:AElig|AMP|Aacute|Acirc|Agrave|Aring|Atilde|Auml|Ccedil|ETH|Eacute|Ecirc|Egrave|Euml|GT|Iacute|Icirc|Igrave|Iuml|LT|Ntilde|Oacute|Ocirc|Ograve|Oslash|Otilde|Ouml|QUOT|THORN|Uacute|Ucirc|Ugrave|Uuml|Yacute|aacute|acirc|aelig|agrave|amp|aring|atilde|auml|ccedil|eacute|ecirc|egrave|eth|euml|frac12|frac14|frac34|gt|iacute|icirc|igrave|iuml|lt|micro|ntilde|oacute|ocirc|ograve|ordf|ordm|oslash|otilde|ouml|quot|sup1|sup2|sup3|szlig|thorn|uacute|ucirc|ugrave|uuml|yacute|yuml)');
    if name is not null and substr(escape, length(name) + 1, 1) <> '='
      and (name !~ '^&(?:ETH|eth|micro|ordf|ordm|thorn|THORN)$' or substr(escape, length(name) + 1, 1) !~ '[0-9a-zA-Z]')
    then
      return public.lethe_read_escape(name || ';') || substr(escape, length(name) + 1);
    end if;
    return escape;
  end if;
  return case when code < 32 then chr(31) when code between 55296 and 57343 then chr(65533) else chr(code) end;
end
$$;

-- The text with its escapes read, at any depth: rounds over the whole text, until one changes nothing. References without a
-- semicolon are read only once nothing else is left, since an escape may hold their next digit.
create function lethe_read_escapes(value text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  form text := value;
  before text;
  start text;
  rest text;
  escape text;
  sign text;
  complete boolean := true;
begin
  for round in 1..64 loop
    before := form;
    if strpos(form, '\') > 0 then
      -- Any number of backslashes is one.
      form := regexp_replace(regexp_replace(form, '\\{2,}', '\\', 'g'), '\\(["/])', '\1', 'g');
    end if;
    if strpos(form, '%25') > 0 then
      -- A percent sign may be encoded any number of times.
      form := regexp_replace(form, '%(?:25)+(?=[0-9a-fA-F]{2})', '%', 'g');
    end if;
    if form ~ '%[0-9a-fA-F][0-9a-fA-F]|\\[uU][0-9a-fA-F]{4}|&[a-zA-Z#]' then
      -- A text has few different escapes, so each one is read wherever it stands, and what stands for nothing is passed over.
      -- Not so where there are backslashes, of which several are one, depending on when they are read, nor where references
      -- end where the next sign says.
      start := form;
      rest := form;
      escape := '';
      for different in 1..32 loop
        exit when strpos(form, '\') > 0;
        escape := substring(
          rest from case
            when complete then '\\[uU](?:[dD][89abAB][0-9a-fA-F]{2}\\[uU][dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4})|%[0-7][0-9a-fA-F]|%(?:[cC][2-9a-fA-F]|[dD][0-9a-fA-F])%[89abAB][0-9a-fA-F]|%[eE]0%[abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][1-9a-cA-CefEF]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][dD]%[89][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]0%[9abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF][1-3]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]4%8[0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|&#(?:[0-9]{1,32}|[xX][0-9a-fA-F]{1,32});|&[a-zA-Z][a-zA-Z0-9]*;'
            else '\\[uU](?:[dD][89abAB][0-9a-fA-F]{2}\\[uU][dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4})|%[0-7][0-9a-fA-F]|%(?:[cC][2-9a-fA-F]|[dD][0-9a-fA-F])%[89abAB][0-9a-fA-F]|%[eE]0%[abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][1-9a-cA-CefEF]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][dD]%[89][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]0%[9abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF][1-3]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]4%8[0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|&#(?:[0-9]{1,32}|[xX][0-9a-fA-F]{1,32});?|&[a-zA-Z][a-zA-Z0-9]*[;=]?'
          end
        );
        exit when escape is null;
        sign := public.lethe_read_escape(escape);
        if sign = escape then
          rest := case
            when right(escape, 1) in (';', '=') then replace(rest, escape, chr(31))
            else substr(rest, strpos(rest, escape) + length(escape))
          end;
        else
          exit when not complete;
          form := replace(form, escape, sign);
          rest := replace(rest, escape, sign);
        end if;
      end loop;
    else
      escape := null;
    end if;
    if escape is not null then
      form := start;
      select string_agg(
        case when length(token) > 2 and token ~ '^[\\%&]' then public.lethe_read_escape(token) else token end, '' order by place
      )
      into form
      from (
        select parts[1] as token, place
        from regexp_matches(
          form,
          case
            when complete then '\\[uU](?:[dD][89abAB][0-9a-fA-F]{2}\\[uU][dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4})|%[0-7][0-9a-fA-F]|%(?:[cC][2-9a-fA-F]|[dD][0-9a-fA-F])%[89abAB][0-9a-fA-F]|%[eE]0%[abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][1-9a-cA-CefEF]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][dD]%[89][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]0%[9abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF][1-3]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]4%8[0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|&#(?:[0-9]{1,32}|[xX][0-9a-fA-F]{1,32});|&[a-zA-Z][a-zA-Z0-9]*;|[^\\%&]+|[\\%&]'
            else '\\[uU](?:[dD][89abAB][0-9a-fA-F]{2}\\[uU][dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4})|%[0-7][0-9a-fA-F]|%(?:[cC][2-9a-fA-F]|[dD][0-9a-fA-F])%[89abAB][0-9a-fA-F]|%[eE]0%[abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][1-9a-cA-CefEF]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][dD]%[89][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]0%[9abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF][1-3]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[fF]4%8[0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]|&#(?:[0-9]{1,32}|[xX][0-9a-fA-F]{1,32});?|&[a-zA-Z][a-zA-Z0-9]*[;=]?|[^\\%&]+|[\\%&]'
          end,
          'g'
        ) with ordinality as matched (parts, place)
      ) tokens;
    end if;
    if form = before then
      exit when not complete or strpos(form, '&') = 0;
      complete := false;
    end if;
  end loop;
  return form;
end
$$;

-- What is compared. Of plain ASCII, as nearly all texts are, the lower case.
create function lethe_search_form(value text) returns text
language sql immutable parallel safe
return case
  when octet_length(value) = length(value) and value !~ '[\\%&]' then lower(value collate "C")
  else lethe_fold(lethe_read_escapes(value))
end;

-- The same of several texts, each of which ends in the end of a word.
create function lethe_search_form(texts text[]) returns text
language sql immutable parallel safe
return lethe_search_form(array_to_string(texts, chr(10)));

-- Columns that may mention people.
drop index api_keys_name_text;
create index api_keys_name_text on api_keys using gin (lethe_search_form(name) gin_trgm_ops);
drop index assessment_attempts_feedback_text;
create index assessment_attempts_feedback_text on assessment_attempts using gin (lethe_search_form(feedback) gin_trgm_ops) where feedback is not null;
drop index assessments_title_text;
create index assessments_title_text on assessments using gin (lethe_search_form(title) gin_trgm_ops);
drop index catalogs_title_text;
create index catalogs_title_text on catalogs using gin (lethe_search_form(title) gin_trgm_ops);
drop index catalogs_description_text;
create index catalogs_description_text on catalogs using gin (lethe_search_form(description) gin_trgm_ops) where description is not null;
drop index catalogs_contact_emails;
create index catalogs_contact_emails on catalogs using gin (lethe_search_form(contact_emails) gin_trgm_ops);
drop index courses_title_text;
create index courses_title_text on courses using gin (lethe_search_form(title) gin_trgm_ops);
drop index courses_description_text;
create index courses_description_text on courses using gin (lethe_search_form(description) gin_trgm_ops) where description is not null;
drop index courses_contact_emails;
create index courses_contact_emails on courses using gin (lethe_search_form(contact_emails) gin_trgm_ops);
drop index courses_reply_to_email;
create index courses_reply_to_email on courses using gin (lethe_search_form(reply_to_email) gin_trgm_ops) where reply_to_email is not null;
drop index directory_groups_display_name_text;
create index directory_groups_display_name_text on directory_groups using gin (lethe_search_form(display_name) gin_trgm_ops);
drop index directory_groups_description_text;
create index directory_groups_description_text on directory_groups using gin (lethe_search_form(description) gin_trgm_ops) where description is not null;
drop index enrollments_note_text;
create index enrollments_note_text on enrollments using gin (lethe_search_form(note) gin_trgm_ops) where note is not null;
drop index erasure_requests_reason_text;
create index erasure_requests_reason_text on erasure_requests using gin (lethe_search_form(reason) gin_trgm_ops) where reason is not null;
drop index idempotent_requests_body_text;
create index idempotent_requests_body_text on idempotent_requests using gin (lethe_search_form(body) gin_trgm_ops) where body is not null;
drop index modules_title_text;
create index modules_title_text on modules using gin (lethe_search_form(title) gin_trgm_ops);
drop index notifications_subject_text;
create index notifications_subject_text on notifications using gin (lethe_search_form(subject) gin_trgm_ops);
drop index notifications_body_text;
create index notifications_body_text on notifications using gin (lethe_search_form(body) gin_trgm_ops);
drop index notifications_data_text;
create index notifications_data_text on notifications using gin (lethe_search_form(data::text) gin_trgm_ops);
drop index oauth_clients_name_text;
create index oauth_clients_name_text on oauth_clients using gin (lethe_search_form(name) gin_trgm_ops);
drop index posts_body_text;
create index posts_body_text on posts using gin (lethe_search_form(body) gin_trgm_ops);
drop index ratings_comment_text;
create index ratings_comment_text on ratings using gin (lethe_search_form(comment) gin_trgm_ops) where comment is not null;
drop index sessions_title_text;
create index sessions_title_text on sessions using gin (lethe_search_form(title) gin_trgm_ops);
drop index sessions_location_text;
create index sessions_location_text on sessions using gin (lethe_search_form(location) gin_trgm_ops) where location is not null;
drop index sessions_contact_emails;
create index sessions_contact_emails on sessions using gin (lethe_search_form(contact_emails) gin_trgm_ops);
drop index skill_levels_title_text;
create index skill_levels_title_text on skill_levels using gin (lethe_search_form(title) gin_trgm_ops);
drop index skill_levels_description_text;
create index skill_levels_description_text on skill_levels using gin (lethe_search_form(description) gin_trgm_ops) where description is not null;
drop index skill_scale_sets_title_text;
create index skill_scale_sets_title_text on skill_scale_sets using gin (lethe_search_form(title) gin_trgm_ops);
drop index skills_title_text;
create index skills_title_text on skills using gin (lethe_search_form(title) gin_trgm_ops);
drop index skills_description_text;
create index skills_description_text on skills using gin (lethe_search_form(description) gin_trgm_ops) where description is not null;
drop index submission_files_name_text;
create index submission_files_name_text on submission_files using gin (lethe_search_form(name) gin_trgm_ops);
drop index submissions_comment_text;
create index submissions_comment_text on submissions using gin (lethe_search_form(comment) gin_trgm_ops) where comment is not null;
drop index submissions_feedback_text;
create index submissions_feedback_text on submissions using gin (lethe_search_form(feedback) gin_trgm_ops) where feedback is not null;
drop index training_plans_title_text;
create index training_plans_title_text on training_plans using gin (lethe_search_form(title) gin_trgm_ops);
drop index training_plans_description_text;
create index training_plans_description_text on training_plans using gin (lethe_search_form(description) gin_trgm_ops) where description is not null;
drop index training_plans_contact_emails;
create index training_plans_contact_emails on training_plans using gin (lethe_search_form(contact_emails) gin_trgm_ops);
drop index user_skills_revoke_reason_text;
create index user_skills_revoke_reason_text on user_skills using gin (lethe_search_form(revoke_reason) gin_trgm_ops) where revoke_reason is not null;
drop index users_custom_fields_text;
create index users_custom_fields_text on users using gin (lethe_search_form(custom_fields::text) gin_trgm_ops);

-- Texts that were not searched by index before, and longer identifiers of people who stay.
create index assessments_kind_text on assessments using gin (lethe_search_form(kind) gin_trgm_ops);
create index issued_certificates_number_text on issued_certificates using gin (lethe_search_form(number) gin_trgm_ops) where number is not null;
create index modules_kind_text on modules using gin (lethe_search_form(kind) gin_trgm_ops);
create index submission_files_media_type_text on submission_files using gin (lethe_search_form(media_type) gin_trgm_ops);
create index users_identity_text on users using gin (lethe_search_form(array[first_name, last_name, display_name, title, job_title, department, office, city, country, locale, time_zone]) gin_trgm_ops);
create index users_identifiers_text on users using gin (lethe_search_form(array[login_name, ref, email, external_identity_id]) gin_trgm_ops);
