import { characterEntities } from 'character-entities'
import { characterEntitiesLegacy } from 'character-entities-legacy'

/** Signs that are no letters and stand in or beside identifiers all the same. */
const signs = new Set(['\u2018', '\u2019'])

/**
 * The named character references of the HTML Standard (section 13.5) that stand for one ASCII character, letter, mark or
 * digit, or for an apostrophe, as a TypeScript file. The others only end a word, as their own spelling does.
 */
export function htmlReferencesFile(): string {
  const kept = Object.entries(characterEntities)
    .filter(([, text]) => [...text].length === 1 && (/[\0-\x7f\p{L}\p{M}\p{N}]/u.test(text) || signs.has(text)))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const names = new Set(kept.map(([name]) => name))
  const table = kept.map(([name, text]) => `${name} ${text.codePointAt(0)?.toString(16)}`)
  return `// Made by "npm run generate" from the packages character-entities and character-entities-legacy.

/** Names of HTML's character references, each with its code point in hexadecimal. */
export const referenceTable =
  '${table.join(',')}'

/** Those that HTML reads without a semicolon, too. */
export const referencesWithoutSemicolon =
  '${characterEntitiesLegacy
    .filter((name) => names.has(name))
    .sort()
    .join(',')}'
`
}
