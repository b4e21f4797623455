import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const fenced = path.join('server', 'platform', 'database', 'wire')

/** What only the inside of `pg` has, by the way in which a program would reach it. */
const privateParts: [string, RegExp][] = [
  ['a file of the package that it does not export', /['"](pg|pg-pool|pg-copy-streams)\/[^'"]*['"]/],
  ['the protocol below pg', /['"]pg-protocol/],
  ['a name that begins with an underscore', /(?<!graphile_worker)\??\._[a-z]/i],
  ['the statements that a connection knows', /\b(parsedStatements|submittedNamedStatements)\b/],
  ['pipelining switched on a live client', /\.pipeline\s*=[^=]/],
  ['the connection below a client', /\.connection\b|\bpg\.Connection\b/],
  ['the class of its queries', /\bpg\.Query\b/],
  ['an object that writes to the connection itself', /\bSubmittable\b/],
  ['the parser on a socket', /listeners\(\s*['"]data['"]/],
]

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(path.join(root, folder), { recursive: true })
  return entries.filter((entry) => /\.(ts|mjs|js)$/.test(entry)).map((entry) => path.join(folder, entry))
}

it('finds private parts of pg in this folder and nowhere else', async () => {
  const found: string[] = []
  const within = new Set<string>()
  for (const folder of ['server', 'bench', 'scripts', 'test', 'bin']) {
    for (const file of await sources(folder)) {
      const text = await readFile(path.join(root, file), 'utf8')
      for (const [what, pattern] of privateParts) {
        if (!pattern.test(text)) continue
        if (file.startsWith(fenced) && !file.endsWith('.test.ts')) within.add(what)
        if (!file.startsWith(fenced)) found.push(`${file}: ${what}`)
      }
    }
  }
  expect(found).toEqual([])
  // All of them stand in README.md.
  expect([...within]).toEqual(['pipelining switched on a live client'])
})

it('stands on exact versions, because these parts may change with any release', async () => {
  const { dependencies, overrides } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'))
  for (const [name, version] of Object.entries({
    pg: dependencies.pg,
    'pg-copy-streams': dependencies['pg-copy-streams'],
    'pg-protocol': overrides['pg-protocol'],
  })) {
    const installed = JSON.parse(await readFile(path.join(root, 'node_modules', name, 'package.json'), 'utf8'))
    expect(installed.version, name).toBe(version)
  }
})
