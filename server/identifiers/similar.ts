import { fold, rangesOf } from './fold.ts'
import { readableDomain } from './identifier-key.ts'
import { canonicalDecompositions, caseFoldings, compatibilityDecompositions, defaultIgnorables } from './tables.ts'

/**
 * Letters of different scripts that look alike in one of their cases, as people and fonts confuse them; a choice of
 * confusables.txt (Unicode Technical Standard 39), folded. Besides: the dashes and apostrophes that text processors put
 * in the place of those on a keyboard.
 */
const confusables: readonly [letters: string, plain: string][] = [
  ['авсԁеԍһніјкӏмоорԛѕтѵԝхуү', 'abcdeghhijklmoopqstvwxyy'],
  ['αβεζηικμνορτυχ', 'abezhikmvoptyx'],
  ['ցհոօզս', 'ghnoqu'],
  ['ᎠᎡᎢᎪᎫᎬᎳᎷᎻᏀᏃᏏᏒᏔᏙᏚᏞᏟᏢᏦᏴ', 'drtajewmhgzbrwvslcpkb'],
  ['ıɑɡɩ', 'iagi'],
  ['‐‑‒–—―−', '-------'],
  ['‘’‛ʼʹ′＇', "'''''''"],
  ['。', '.'],
]

const plainLetters = new Map<number, string>()
for (const [letters, plain] of confusables) {
  const plains = [...plain]
  for (const [at, letter] of [...letters].entries()) plainLetters.set(letter.codePointAt(0) ?? 0, plains[at] ?? letter)
}

/** U+0307, the dot that stays behind the i when the Turkish capital İ is folded. */
const dotAbove = 0x307

/**
 * The common key of identifiers that are easily confused, made from their keys. Compatibility forms (full-width
 * letters, ligatures), invisible characters, the dot of a Turkish İ, look-alike letters, and the form of a domain make
 * no difference. Accents and other marks count, because they tell names apart and are vowels in many scripts. It never
 * selects a person. It protects users with a similar identifier, warns, and lists candidates. An ASCII key without
 * A-labels is its own. In PostgreSQL `lethe_similar` computes it.
 */
export function similarKey(key: string): string {
  const at = key.lastIndexOf('@') + 1
  const readable = at === 0 ? key : `${key.slice(0, at)}${readableDomain(key.slice(at))}`
  if (/^[\0-\x7f]*$/.test(readable)) return readable
  let similar = ''
  for (const character of readable) similar += similarAlone(character)
  return fold(similar)
}

/** What a character of a key becomes in the similar key, before it is joined with its neighbors. */
export function similarAlone(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0
  return isDropped(codePoint) ? '' : fold(parts(codePoint))
}

/** The code points that no similar key has by themselves, as ranges. */
export function droppedRanges(): [first: number, last: number][] {
  return rangesOf([...defaultIgnorables, dotAbove])
}

/** Those of folded texts that become something else, but are not dropped. */
export function similarExceptions(): number[] {
  const candidates = [
    ...canonicalDecompositions.keys(),
    ...compatibilityDecompositions.keys(),
    ...plainLetters.keys(),
    ...caseFoldings.keys(),
  ]
  return [...new Set(candidates)]
    .sort((a, b) => a - b)
    .filter((codePoint) => {
      const character = String.fromCodePoint(codePoint)
      return fold(character) === character && !isDropped(codePoint) && similarAlone(character) !== character
    })
}

/** The dot is dropped only where it is a character of its own: a ż keeps it. */
function isDropped(codePoint: number): boolean {
  return codePoint === dotAbove || defaultIgnorables.has(codePoint)
}

function parts(codePoint: number): string {
  if (defaultIgnorables.has(codePoint)) return ''
  const plain = plainLetters.get(codePoint)
  if (plain !== undefined) return plain
  const further =
    canonicalDecompositions.get(codePoint) ?? compatibilityDecompositions.get(codePoint) ?? caseFoldings.get(codePoint)
  return further === undefined ? String.fromCodePoint(codePoint) : further.map(parts).join('')
}
