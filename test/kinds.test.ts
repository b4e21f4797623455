import { globSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { longFiles, testFiles } from './kinds.ts'
import { filesOnPostgresql15, notOnPostgresql15, onPostgresql15 } from './on-postgresql-15.ts'

const cwd = fileURLToPath(new URL('..', import.meta.url))
const files = testFiles()

it('a file of tests is of the kind that its imports, and those of its fixtures, tell', () => {
  const kindOf = (name: string) => files.find(({ file }) => path.basename(file) === name)?.kind
  expect({
    pure: kindOf('kinds.test.ts'),
    tenant: kindOf('life.test.ts'),
    ownServer: kindOf('embedded.test.ts'),
    shell: kindOf('completion-command.test.ts'),
    page: kindOf('swagger-ui.test.ts'),
  }).toEqual({ pure: 'unit', tenant: 'database', ownServer: 'process', shell: 'process', page: 'browser' })
})

it('every file of tests runs in exactly one project, and what runs at two sizes is among the long ones', () => {
  const long = longFiles()
  expect(new Set(files.map(({ file }) => file)).size).toBe(files.length)
  expect(files.filter(({ file, sized }) => sized && !long.includes(file))).toEqual([])
  expect(long.filter((file) => files.some((one) => one.file === file && !one.sized))).toEqual([])
  expect(long.length).toBeGreaterThan(1)
})

it('a pattern of what runs, or does not run, on PostgreSQL 15 that names no file of tests is an error', () => {
  const names = new Set(files.map(({ file }) => file))
  const idle = Object.keys({ ...onPostgresql15, ...notOnPostgresql15 }).filter(
    (pattern) => !globSync(pattern, { cwd }).some((file) => names.has(file)),
  )
  expect(idle).toEqual([])
})

it('what is taken away from the list of PostgreSQL 15 stands on it, and does not run there', () => {
  const run = filesOnPostgresql15(cwd)
  const named = new Set(Object.keys(onPostgresql15).flatMap((pattern) => globSync(pattern, { cwd })))
  const away = Object.keys(notOnPostgresql15).flatMap((pattern) => globSync(pattern, { cwd }))
  expect(away.filter((file) => run.has(file) || !named.has(file))).toEqual([])
  expect(run.has('test/isolation.test.ts')).toBe(true)
})
