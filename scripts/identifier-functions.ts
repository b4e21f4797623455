import { foldedAlone, foldedDecomposition, joiningRanges, rangesOf } from '../server/identifiers/fold.ts'
import { droppedRanges, similarAlone, similarExceptions } from '../server/identifiers/similar.ts'
import {
  canonicalDecompositions,
  caseFoldings,
  combiningClasses,
  compositionExclusions,
} from '../server/identifiers/tables.ts'
import { whiteSpace } from '../server/platform/validation/trim.ts'

/**
 * The SQL functions of server/identifiers, as the migration has them that made them: they compute the same, and depend
 * neither on the database's locale nor on PostgreSQL's own Unicode tables. They read no table of the database, because
 * generated columns are computed while a dump is restored, with an empty search path: hence `public.` and the tables
 * inside.
 */
export function identifierFunctions(): string {
  return `${foldFunctions()}${keyFunctions()}${similarFunctions()}`
}

/** `lethe_fold(text)` and what it stands on. */
function foldFunctions(): string {
  const joins = `[${joiningRanges().map(rangeInSql).join('')}]`
  const others = `[^${joins.slice(1)}`
  const changing = characterClass([...alone().map(([character]) => character), ...charactersOf(joiningRanges())])
  return `
-- What a text folds to in which nothing joins what precedes: each character by itself.
create function lethe_fold_apart(value text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  result text := lower(value collate "C");
  signs text[];
  sign text;
begin
  if length(result) > 64 then
    -- A text has few different letters, however long it is.
    signs := array(
      select distinct letters.sign
      from string_to_table(regexp_replace(result collate "C", '[\\x01-\\x7f]+', '', 'g'), null) letters (sign)
    );
  else
    signs := string_to_array(result, null);
  end if;
  foreach sign in array signs loop
    if ascii(sign) > 127 then
      -- What a letter folds to folds to itself.
      result := replace(result, sign, coalesce(
        '${jsonObject(alone())}'::jsonb
          ->> sign,
        sign
      ));
    end if;
  end loop;
  return result;
end
$$;

-- The one character that NFC makes of two, or null. Hangul is computed (chapter 3.12).
create function lethe_composition(before text, behind text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  one int := ascii(before);
  two int := ascii(behind);
begin
  if one between 4352 and 4370 and two between 4449 and 4469 then
    return chr(44032 + ((one - 4352) * 21 + two - 4449) * 28);
  end if;
  if one between 44032 and 55203 and (one - 44032) % 28 = 0 and two between 4520 and 4546 then
    return chr(one + two - 4519);
  end if;
  return '${jsonObject(compositions())}'::jsonb
    ->> (before || behind);
end
$$;

-- Decomposes, folds, sorts the marks and composes again (The Unicode Standard, chapter 3, D145, D109, D117).
create function lethe_fold_joined(value text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  signs text[] := '{}';
  classes int[] := '{}';
  result text[] := '{}';
  whole text;
  sign text;
  class int;
  unsorted boolean := false;
  starter int := 0;
  last_class int := 0;
  joined text;
begin
  foreach whole in array string_to_array(value, null) loop
    foreach sign in array string_to_array(coalesce(
      '${jsonObject(decompositions())}'::jsonb
        ->> whole,
      whole
    ), null) loop
      class := coalesce(
        ('${jsonObject(classes())}'::jsonb
          ->> sign)::int,
        0
      );
      unsorted := unsorted or (class <> 0 and class < last_class);
      last_class := class;
      signs := signs || sign;
      classes := classes || class;
    end loop;
  end loop;
  last_class := 0;
  if unsorted then
    select array_agg(given.sign order by unit, given.class, position), array_agg(given.class order by unit, given.class, position)
    into signs, classes
    from (
      select listed.sign, listed.class, position, sum((listed.class = 0)::int) over (order by position) as unit
      from unnest(signs, classes) with ordinality listed (sign, class, position)
    ) given;
  end if;
  for at in 1 .. cardinality(signs) loop
    sign := signs[at];
    class := classes[at];
    -- The iota below sorts as a mark and is a letter when folded.
    if ascii(sign) = 837 then
      sign := chr(953);
      class := 0;
    end if;
    joined := null;
    if starter > 0 and (starter = cardinality(result) or (last_class <> 0 and last_class < class)) then
      joined := public.lethe_composition(result[starter], sign);
    end if;
    if joined is not null then
      result[starter] := joined;
    else
      result := result || sign;
      if class = 0 then
        starter := cardinality(result);
      end if;
      last_class := class;
    end if;
  end loop;
  return array_to_string(result, '');
end
$$;

-- What is beyond ASCII: most texts are folded as they are, beside their ASCII; most others have nothing that joins what
-- precedes; of the rest only such places take the long way.
create function lethe_fold_wide(value text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  part text;
  result text := '';
begin
  if value collate "C" !~ '${changing}' then
    return lower(value collate "C");
  end if;
  if value collate "C" !~ '${joins}' then
    return public.lethe_fold_apart(value);
  end if;
  for part in
    select match[1]
    from regexp_matches(value collate "C", '(${others}?${joins}+|${others}+(?!${joins}))', 'g') with ordinality found (match, position)
    order by position
  loop
    if part collate "C" ~ '${joins}' then
      result := result || public.lethe_fold_joined(part);
    else
      result := result || public.lethe_fold_apart(part);
    end if;
  end loop;
  return result;
end
$$;

-- The form that all spellings of a text share; the same as fold of server/identifiers/fold.ts.
create function lethe_fold(value text) returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if octet_length(value) = length(value) then
    return lower(value collate "C");
  end if;
  return public.lethe_fold_wide(value);
end
$$;
`
}

/** The white space of `trim`, as PostgreSQL writes it in a string with escapes. */
const whiteSpaceInSql = whiteSpace.map((codePoint) => `\\u${codePoint.toString(16).padStart(4, '0')}`).join('')

/** `lethe_identifier_key(text)`, `lethe_login_key(text)` and what they stand on. */
function keyFunctions(): string {
  return `
-- Punycode (RFC 3492) of one label, without the prefix xn--; the same as encodePunycode.
create function lethe_punycode(label text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  input int[] := array(select ascii(sign) from string_to_table(label, null) with ordinality signs (sign, position) order by position);
  result text := coalesce(
    (select string_agg(chr(sign), '' order by position) from unnest(input) with ordinality signs (sign, position) where sign < 128),
    ''
  );
  basic int := length(result);
  handled int := basic;
  n int := 128;
  delta int := 0;
  bias int := 72;
  upcoming int;
  sign int;
  q int;
  k int;
  t int;
begin
  if basic > 0 then
    result := result || '-';
  end if;
  while handled < cardinality(input) loop
    select min(given) into upcoming from unnest(input) given where given >= n;
    delta := delta + (upcoming - n) * (handled + 1);
    n := upcoming;
    foreach sign in array input loop
      if sign < n then
        delta := delta + 1;
      end if;
      if sign = n then
        q := delta;
        k := 36;
        loop
          t := least(greatest(k - bias, 1), 26);
          exit when q < t;
          result := result || substr('abcdefghijklmnopqrstuvwxyz0123456789', t + (q - t) % (36 - t) + 1, 1);
          q := (q - t) / (36 - t);
          k := k + 36;
        end loop;
        result := result || substr('abcdefghijklmnopqrstuvwxyz0123456789', q + 1, 1);
        delta := case when handled = basic then delta / 700 else delta / 2 end;
        delta := delta + delta / (handled + 1);
        k := 0;
        while delta > 455 loop
          delta := delta / 35;
          k := k + 36;
        end loop;
        bias := k + 36 * delta / (delta + 38);
        delta := 0;
        handled := handled + 1;
      end if;
    end loop;
    delta := delta + 1;
    n := n + 1;
  end loop;
  return result;
end
$$;

-- A domain as it stands in DNS; the same as domainKey.
create function lethe_domain_key(domain text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  label text;
  part text;
  folded text;
  result text[] := '{}';
begin
  foreach label in array string_to_array(domain, '.') loop
    folded := '';
    for part in
      select match[1]
      from regexp_matches(label collate "C", '([\\u00df\\u1e9e\\u03c2]|[^\\u00df\\u1e9e\\u03c2]+)', 'g') with ordinality found (match, position)
      order by position
    loop
      folded := folded || case ascii(part)
        when 223 then part
        when 7838 then chr(223)
        when 962 then part
        else public.lethe_fold(part)
      end;
    end loop;
    if octet_length(folded) <> length(folded) and length(folded) <= 63 then
      folded := 'xn--' || public.lethe_punycode(folded);
    end if;
    result := result || folded;
  end loop;
  return array_to_string(result, '.');
end
$$;

create function lethe_identifier_key_wide(value text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  trimmed text := btrim(value, E'${whiteSpaceInSql}');
  behind int := strpos(reverse(trimmed), '@') - 1;
begin
  if behind < 1 or behind >= length(trimmed) - 1 then
    return public.lethe_fold(trimmed);
  end if;
  return public.lethe_fold(left(trimmed, -behind)) || public.lethe_domain_key(right(trimmed, behind));
end
$$;

-- The key of an identifier: two are the same exactly if they have the same key. The same as identifierKey.
create function lethe_identifier_key(value text) returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if octet_length(value) = length(value) then
    return lower(btrim(value, E' \\t\\n\\u000b\\f\\r') collate "C");
  end if;
  return public.lethe_identifier_key_wide(value);
end
$$;

-- The key of a login name, which may be a claims string: what counts is the part behind the last bar.
create function lethe_login_key(value text) returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if strpos(value, '|') = 0 then
    return public.lethe_identifier_key(value);
  end if;
  return public.lethe_identifier_key(right(value, strpos(reverse(value), '|') - 1));
end
$$;
`
}

/** `lethe_similar(text)` and what it stands on. */
function similarFunctions(): string {
  const dropped = `[${droppedRanges().map(rangeInSql).join('')}]`
  // ß and ς stand in domains only; folding them comes last.
  const changing = characterClass([
    ...similar().map(([character]) => character),
    ...charactersOf(droppedRanges()),
    'ß',
    'ς',
  ])
  return `
-- The label of a Punycode, given without the prefix xn--; null where it is none. The same as decodePunycode.
create function lethe_label_of_punycode(punycode text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  delimiter int := length(punycode) - strpos(reverse(punycode), '-') + 1;
  result text := '';
  at int := 1;
  n int := 128;
  i bigint := 0;
  bias int := 72;
  before bigint;
  weight bigint;
  value int;
  k int;
  t int;
  delta bigint;
begin
  if octet_length(punycode) <> length(punycode) or length(punycode) > 59 then
    return null;
  end if;
  if delimiter <= length(punycode) then
    result := left(punycode, delimiter - 1);
    at := delimiter + 1;
  end if;
  while at <= length(punycode) loop
    before := i;
    weight := 1;
    k := 36;
    loop
      value := strpos('abcdefghijklmnopqrstuvwxyz0123456789', substr(punycode, at, 1)) - 1;
      if at > length(punycode) or value < 0 then
        return null;
      end if;
      at := at + 1;
      i := i + value * weight;
      if i > 2147483647 then
        return null;
      end if;
      t := least(greatest(k - bias, 1), 26);
      exit when value < t;
      weight := weight * (36 - t);
      k := k + 36;
    end loop;
    delta := case when before = 0 then (i - before) / 700 else (i - before) / 2 end;
    delta := delta + delta / (length(result) + 1);
    k := 0;
    while delta > 455 loop
      delta := delta / 35;
      k := k + 36;
    end loop;
    bias := k + 36 * delta / (delta + 38);
    n := n + (i / (length(result) + 1))::int;
    if n > 1114111 or n between 55296 and 57343 then
      return null;
    end if;
    i := i % (length(result) + 1);
    result := left(result, i::int) || chr(n) || substr(result, i::int + 1);
    i := i + 1;
  end loop;
  return result;
end
$$;

-- The domain as people read it: A-labels decoded, except one that no spelling leads to. The same as readableDomain.
create function lethe_readable_domain(domain text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  label text;
  decoded text;
  result text[] := '{}';
begin
  foreach label in array string_to_array(domain, '.') loop
    if left(label, 4) = 'xn--' then
      decoded := public.lethe_label_of_punycode(substr(label, 5));
      if public.lethe_domain_key(decoded) = label then
        label := decoded;
      end if;
    end if;
    result := result || label;
  end loop;
  return array_to_string(result, '.');
end
$$;

-- What identifiers that are easily confused share, of their keys; the same as similarKey.
create function lethe_similar(key text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  behind int := strpos(reverse(key), '@') - 1;
  readable text := key;
  result text;
begin
  if strpos(key, 'xn--') > 0 and behind > 0 then
    readable := left(key, -behind) || public.lethe_readable_domain(right(key, behind));
  end if;
  if octet_length(readable) = length(readable) or readable collate "C" !~ '${changing}' then
    return readable;
  end if;
  select string_agg(
    coalesce(
      '${jsonObject(similar())}'::jsonb
        ->> sign,
      sign
    ),
    '' order by position
  )
  into result
  from string_to_table(
    regexp_replace(readable collate "C", '${dropped}', '', 'g'), null
  ) with ordinality signs (sign, position);
  return public.lethe_fold(coalesce(result, ''));
end
$$;

-- The similar key where it is another than the key itself.
create function lethe_other_similar(key text) returns text
language sql immutable strict parallel safe
as $$
  select nullif(public.lethe_similar(key), key)
$$;
`
}

function similar(): [string, string][] {
  return similarExceptions().map((codePoint) => {
    const character = String.fromCodePoint(codePoint)
    return [character, similarAlone(character)]
  })
}

function alone(): [string, string][] {
  const characters = [...new Set([...canonicalDecompositions.keys(), ...caseFoldings.keys()])]
    .sort((a, b) => a - b)
    .map((codePoint) => String.fromCodePoint(codePoint))
  return characters
    .map((character): [string, string] => [character, foldedAlone(character)])
    .filter(([character, folded]) => folded !== character)
}

function decompositions(): [string, string][] {
  return [...new Set([...canonicalDecompositions.keys(), ...caseFoldings.keys()])]
    .sort((a, b) => a - b)
    .map((codePoint): [string, string] => [
      String.fromCodePoint(codePoint),
      String.fromCodePoint(...foldedDecomposition(codePoint)),
    ])
    .filter(([character, folded]) => folded !== character)
}

function classes(): [string, number][] {
  return [...combiningClasses].sort(([a], [b]) => a - b).map(([codePoint, of]) => [String.fromCodePoint(codePoint), of])
}

/** Only those of folded letters: nothing else is left when they are composed. */
function compositions(): [string, string][] {
  return [...canonicalDecompositions]
    .filter(([codePoint, parts]) => parts.length === 2 && !compositionExclusions.has(codePoint))
    .map(([codePoint, parts]): [string, string] => [String.fromCodePoint(...parts), String.fromCodePoint(codePoint)])
    .filter(([, whole]) => foldedAlone(whole) === whole)
}

/** A JSON object in ASCII, in lines that can be read in a diff, for a text constant of SQL. */
export function jsonObject(entries: readonly (readonly [string, string | number])[]): string {
  const lines: string[] = []
  let line = '{'
  for (const [key, value] of entries) {
    const entry = `${ascii(JSON.stringify(key))}:${ascii(JSON.stringify(value))},`
    if (line.length + entry.length > 118) {
      lines.push(line)
      line = ''
    }
    line += entry
  }
  lines.push(`${line.replace(/,$/, '')}}`)
  return lines.join('\n').replaceAll("'", "''")
}

function ascii(text: string): string {
  return text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function charactersOf(ranges: readonly (readonly [number, number])[]): string[] {
  return ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index)),
  )
}

function characterClass(characters: readonly string[]): string {
  const ranges = rangesOf(characters.map((character) => character.codePointAt(0) ?? 0))
  return `[${ranges.map(rangeInSql).join('')}]`
}

/** A range for a bracket expression of PostgreSQL's regular expressions. */
export function rangeInSql([first, last]: readonly [number, number]): string {
  return first === last ? signInSql(first) : `${signInSql(first)}-${signInSql(last)}`
}

function signInSql(codePoint: number): string {
  return codePoint > 0xffff
    ? `\\U${codePoint.toString(16).padStart(8, '0')}`
    : `\\u${codePoint.toString(16).padStart(4, '0')}`
}
