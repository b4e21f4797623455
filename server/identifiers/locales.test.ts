import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identifierFunctions } from '../../scripts/identifier-functions.ts'
import { sampled } from '../../test/effort.ts'
import { characters } from '../../test/identifier-texts.ts'
import { startedTestServer } from '../../test/server.ts'
import { fold, joinsBackwards } from './fold.ts'
import { identifierKey } from './identifier-key.ts'
import { similarKey } from './similar.ts'

// Every assigned character of Unicode 17, in the locales that change most.

/** Those that neither fold, nor join what precedes, nor resemble another: several of them can stand in one domain. */
const isInert = (character: string) =>
  fold(character) === character &&
  similarKey(character) === character &&
  !joinsBackwards(character.codePointAt(0) ?? 0) &&
  !/[\0-\x7f]/.test(character)
const inert = characters.filter(isInert)
const changing = characters.filter((character) => !isInert(character))

function inGroups(all: readonly string[], size: number): string[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size).join(''))
}

const server = startedTestServer()
const admin = new pg.Client({ connectionString: server.ownerUrlOf('postgres') })
await admin.connect()
const { rows } = await admin.query<{ version: number }>(`select current_setting('server_version_num')::int as version`)
const isNew = (rows[0]?.version ?? 0) >= 170000

const locales: [title: string, clause: string][] = isNew
  ? [
      ['builtin C.UTF-8', `locale_provider builtin builtin_locale 'C.UTF-8'`],
      ['Turkish of ICU', `locale_provider icu icu_locale 'tr-TR'`],
    ]
  : [
      ['Turkish of libc', `lc_collate 'tr_TR.UTF-8' lc_ctype 'tr_TR.UTF-8'`],
      ['Turkish of ICU', `locale_provider icu icu_locale 'tr-TR'`],
    ]

afterAll(() => admin.end())

describe.each(locales)('in the locale %s', (_title, clause) => {
  const name = `lethe_locale_${randomBytes(6).toString('hex')}`
  const client = new pg.Client({ connectionString: server.ownerUrlOf(name) })
  beforeAll(async () => {
    await admin.query(`create database ${name} encoding 'UTF8' ${clause} template template0`)
    await client.connect()
    await client.query(identifierFunctions())
  })
  afterAll(async () => {
    await client.end()
    await server.dropDatabase(name)
  })

  it.each<[string, string[]]>([
    [
      'at the start, in the middle and at the end',
      characters.map((character) => `${character}Na.${character}\u0323.aN${character}`),
    ],
    ['in the domain', [...changing, ...inGroups(inert, 20)].map((label) => `a@B${label}c.example`)],
  ])('a character has %s of an identifier the keys that the code has', { timeout: 600_000 }, async (_place, all) => {
    const tried = sampled(all, 10)
    for (let from = 0; from < tried.length; from += 20_000) {
      const written = tried.slice(from, from + 20_000)
      const found = await client.query<{ key: string; similar: string }>(
        `select key, lethe_similar(key) as similar
         from unnest($1::text[]) with ordinality given (written, position),
           lateral (select lethe_identifier_key(written) as key offset 0) keys
         order by position`,
        [written],
      )
      const wrong = written.filter((identifier, at) => {
        const key = identifierKey('ref', identifier)
        return found.rows[at]?.key !== key || found.rows[at]?.similar !== similarKey(key)
      })
      expect(wrong).toEqual([])
    }
  })
})
