import * as packed from './generated/unicode.gen.ts'

/** Maps of code points, as unicode.gen.ts packs them. */
export type Mapping = ReadonlyMap<number, readonly number[]>

/** Reads a mapping that `scripts/unicode-tables.ts` has packed: `key=value+value`, keys as distances, in base 36. */
function unpackMapping(text: string): Mapping {
  const mapping = new Map<number, readonly number[]>()
  let codePoint = 0
  for (const entry of text.split(' ')) {
    const [distance = '', values = ''] = entry.split('=')
    codePoint += Number.parseInt(distance, 36)
    mapping.set(
      codePoint,
      values.split('+').map((value) => Number.parseInt(value, 36)),
    )
  }
  return mapping
}

function unpackSet(text: string): ReadonlySet<number> {
  const set = new Set<number>()
  let last = 0
  for (const range of text.split(' ')) {
    const [distance = '', length = '0'] = range.split('-')
    const first = last + Number.parseInt(distance, 36)
    last = first + Number.parseInt(length, 36)
    for (let codePoint = first; codePoint <= last; codePoint++) set.add(codePoint)
  }
  return set
}

function unpackClasses(text: string): ReadonlyMap<number, number> {
  const classes = new Map<number, number>()
  for (const part of text.split(',')) {
    const [of = '', set = ''] = part.split(':')
    for (const codePoint of unpackSet(set)) classes.set(codePoint, Number.parseInt(of, 36))
  }
  return classes
}

/** CaseFolding.txt, status C and F: the full case folding that no language changes. */
export const caseFoldings = unpackMapping(packed.caseFoldings)

/** Canonical decompositions, one step. Hangul syllables are not in it: they are computed. */
export const canonicalDecompositions = unpackMapping(packed.canonicalDecompositions)

/** Canonical_Combining_Class, where it is not 0. */
export const combiningClasses = unpackClasses(packed.combiningClasses)

/** Full_Composition_Exclusion: what NFC never composes. */
export const compositionExclusions = unpackSet(packed.compositionExclusions)

/** General_Category M: marks that belong to the character before them. */
export const marks = unpackSet(packed.marks)

/** Default_Ignorable_Code_Point: what is not seen. */
export const defaultIgnorables = unpackSet(packed.defaultIgnorables)

/** Compatibility decompositions, one step. */
export const compatibilityDecompositions = unpackMapping(packed.compatibilityDecompositions)
