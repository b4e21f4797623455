import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identifierFunctions } from '../../scripts/identifier-functions.ts'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { sampled } from '../../test/effort.ts'
import { characters, foldedTexts, identifierTexts } from '../../test/identifier-texts.ts'
import { fold } from './fold.ts'
import { identifierKey } from './identifier-key.ts'
import { similarKey } from './similar.ts'

let base: TestDatabase
beforeAll(async () => {
  base = await createTestDatabase()
})
afterAll(() => base.close())

describe('lethe_fold', () => {
  async function foldsInSql(texts: readonly string[]): Promise<string[]> {
    const result = await base.owner.query<{ folded: string }>(
      `select lethe_fold(written) as folded from unnest($1::text[]) with ordinality given (written, position)
       order by position`,
      [texts],
    )
    return result.rows.map((row) => row.folded)
  }

  it('is the same as fold, for every assigned character behind a letter and a mark, and between Korean letters', async () => {
    const all = sampled(characters, 10)
    for (let from = 0; from < all.length; from += 20_000) {
      const texts = all.slice(from, from + 20_000).map((character) => `aΆ\u0345${character}\u0301ᄀ${character}ᆨ`)
      const folded = await foldsInSql(texts)
      expect(texts.filter((written, at) => folded[at] !== fold(written))).toEqual([])
    }
  }, 600_000)

  it('is the same as fold, for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(foldedTexts, { maxLength: 60 }), async (texts) => {
        const kept = texts.map((written) => written.replaceAll('\0', ''))
        expect(await foldsInSql(kept)).toEqual(kept.map(fold))
      }),
    )
  })
})

describe('the functions of the database', () => {
  async function inSql(texts: readonly string[]) {
    const { rows } = await base.owner.query<{ key: string; login: string; similar: string }>(
      `select lethe_identifier_key(written) as key, lethe_login_key(written) as login,
         lethe_similar(lethe_identifier_key(written)) as similar
       from unnest($1::text[]) with ordinality given (written, position) order by position`,
      [texts],
    )
    return rows
  }

  const inCode = (texts: readonly string[]) =>
    texts.map((text) => ({
      key: identifierKey('email', text),
      login: identifierKey('login_name', text),
      similar: similarKey(identifierKey('email', text)),
    }))

  it('are what the generator writes from the tables of today', async () => {
    const migration = await readFile(new URL('../../migrations/0019_identifiers.sql', import.meta.url), 'utf8')
    expect(migration).toContain(identifierFunctions())
  })

  it('have the same keys as the code, for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(identifierTexts, { maxLength: 80 }), async (texts) => {
        expect(await inSql(texts)).toEqual(inCode(texts))
      }),
    )
  })
})
