import { foldedAlone, foldedDecomposition, joiningRanges } from './fold.ts'
import { canonicalDecompositions, caseFoldings, combiningClasses, compositionExclusions } from './tables.ts'

/**
 * The SQL of `lethe_fold(text)` and of what it stands on: the same as `fold`, and like that independent of the database's
 * locale and of PostgreSQL's own Unicode tables. No table of the database is read, because generated columns are computed
 * while a dump is restored, with an empty search path: hence `public.` and the tables inside.
 */
export function foldFunctions(): string {
  const joins = `[${joiningRanges().map(rangeInSql).join('')}]`
  const others = `[^${joins.slice(1)}`
  return `
-- What one character folds to where nothing joins it to the one before.
create function lethe_fold_apart(value text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  result text;
begin
  select string_agg(
    coalesce(
      '${jsonObject(alone())}'::jsonb
        ->> sign,
      sign
    ),
    '' order by position
  )
  into result
  from string_to_table(value, null) with ordinality signs (sign, position);
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
  signs text[];
  classes int[];
  result text[] := '{}';
  sign text;
  class int;
  starter int := 0;
  last_class int := 0;
  joined text;
begin
  select array_agg(sorted.sign order by unit, sorted.class, position), array_agg(sorted.class order by unit, sorted.class, position)
  into signs, classes
  from (
    select classified.sign, classified.class, position,
      sum((classified.class = 0)::int) over (order by position) as unit
    from (
      select parts.sign, position,
        coalesce(
          ('${jsonObject(classes())}'::jsonb
            ->> parts.sign)::int,
          0
        ) as class
      from string_to_table((
        select string_agg(
          coalesce(
            '${jsonObject(decompositions())}'::jsonb
              ->> whole.sign,
            whole.sign
          ),
          '' order by whole.position
        )
        from string_to_table(value, null) with ordinality whole (sign, position)
      ), null) with ordinality parts (sign, position)
    ) classified
  ) sorted;
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

-- What is beyond ASCII: most texts have nothing that joins what precedes; of the others only such places take the long way.
create function lethe_fold_wide(value text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
  part text;
  result text := '';
begin
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

/** A range for a bracket expression of PostgreSQL's regular expressions. */
export function rangeInSql([first, last]: readonly [number, number]): string {
  return first === last ? signInSql(first) : `${signInSql(first)}-${signInSql(last)}`
}

function signInSql(codePoint: number): string {
  return codePoint > 0xffff
    ? `\\U${codePoint.toString(16).padStart(8, '0')}`
    : `\\u${codePoint.toString(16).padStart(4, '0')}`
}
