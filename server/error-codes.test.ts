import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { odataErrorFormat } from './apis/learn365/error-format.ts'
import { problems } from './apis/problems.ts'
import { thriveErrorFormat } from './apis/thrive/error-format.ts'
import { commandError } from './cli/errors.ts'
import { errorCodes } from './error-codes.ts'
import { exitCodes, type LetheError } from './platform/errors.ts'

type Entry = { kind: string; message: (details: never) => string; hint?: (details: never) => string | undefined }
type Errors = { (code: string, details?: unknown): LetheError; table: Record<string, Entry> }

const folder = new URL('./', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8')
const sources = globSync('**/*.ts', { cwd: folder }).filter((file) => !/\.(test|gen)\.ts$/.test(file))

/** Every table of the server, found by its file: what `error-codes.ts` leaves out is found as well. */
const tables = await Promise.all(
  sources
    .filter((file) => /(^|\/)errors\.ts$/.test(file))
    .sort()
    .map(async (file) => {
      const exported: Record<string, unknown> = await import(new URL(file, folder).href)
      const [[name, errors] = ['', undefined], ...others] = Object.entries(exported).filter(
        ([, value]) => typeof value === 'function' && 'table' in value,
      )
      expect(others, `${file} has one table`).toEqual([])
      return { file, name, errors: errors as Errors }
    }),
)
const entries = tables.flatMap(({ file, name, errors }) =>
  Object.entries(errors.table).map(([code, entry]) => ({ file, name, errors, code, entry })),
)

/** Details that every message accepts: each is a list of one word, which a sentence shows as that word. */
const anyDetails = new Proxy({}, { get: () => ['word'] })

/** What only a reader at a terminal can follow: a command of `lethe`, or an option. */
const commandLine = /"lethe |(?<![\w-])--[a-z]/

describe('the codes of errors', () => {
  it('stand in one table each', () => {
    const codes = entries.map(({ code }) => code)
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([])
    expect(codes.length).toBeGreaterThan(150)
  })

  it('are all in the union, except for those of the command line', () => {
    const expected = entries.filter(({ file }) => file !== 'cli/errors.ts').map(({ code }) => code)
    expect(errorCodes).toEqual(expected.sort())
    expect(Object.keys(commandError.table).filter((code) => errorCodes.some((known) => known === code))).toEqual([])
  })

  it('are listed in the OpenAPI document', () => {
    const document = JSON.parse(read('../docs/openapi.json'))
    const { schemas } = document.components
    expect(schemas.ErrorCode['x-extensible-enum']).toEqual(errorCodes)
    const reference = { $ref: '#/components/schemas/ErrorCode' }
    expect(schemas.Problem.properties.code).toEqual(reference)
    expect(schemas.ODataError.properties.error.properties.code).toEqual(reference)
  })

  it('are all made somewhere', () => {
    const code = sources.map(read).join('\n')
    const made = new Set(
      [...code.matchAll(/\b(\w+Error)\(\s*'([a-z_]+\.[a-z_]+)'/g)].map(([, name, of]) => `${name} ${of}`),
    )
    expect(entries.filter(({ name, code }) => !made.has(`${name} ${code}`)).map(({ code }) => code)).toEqual([])
  })

  it('have a kind with an exit code, and begin with a noun', () => {
    for (const { code, entry } of entries) {
      expect(exitCodes).toHaveProperty(entry.kind)
      expect(code).toMatch(/^[a-z][a-z_]*\.[a-z][a-z_]*$/)
    }
  })
})

describe('the messages of errors', () => {
  it('name no command and no option: that is what hints are for', () => {
    // The source of a message has the sentences of all its branches.
    expect(entries.filter(({ entry }) => commandLine.test(String(entry.message))).map(({ code }) => code)).toEqual([])
  })

  it('stand apart from hints that all name a command or an option', () => {
    const hinting = entries.filter(({ entry }) => entry.hint !== undefined)
    expect(hinting.length).toBeGreaterThan(20)
    expect(hinting.filter(({ entry }) => !commandLine.test(String(entry.hint))).map(({ code }) => code)).toEqual([])
  })

  it('reach callers of an API without the hint, in every format', () => {
    for (const { code, errors } of entries) {
      const error = errors(code, anyDetails)
      for (const { body } of [problems, odataErrorFormat, thriveErrorFormat]) {
        const answer = JSON.stringify(body(error, { status: 400, requestId: 'r' }))
        expect(JSON.parse(answer)).not.toHaveProperty('hint')
        expect(answer, code).not.toMatch(/\\"lethe |--[a-z]/)
      }
    }
  })

  it('say where the error was made, not where its table is', () => {
    const [first] = entries
    const { stack } = first?.errors(first.code, anyDetails) ?? {}
    expect(stack?.split('\n')[1]).toMatch(/error-codes\.test\.ts/)
  })
})
