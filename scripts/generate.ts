import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { migrate } from '../server/platform/database/migrate.ts'
import { readSchema, schemaConstants, schemaListing } from '../server/platform/database/read-schema.ts'
import { useTestServer } from '../test/server.ts'

// Writes what is derived from the migrated database: the types of the query builder, the facts that the data map is
// compiled with, and a listing for people. With --check it writes nothing and fails where a file differs.

const check = process.argv.includes('--check')
const server = await useTestServer()
const name = `lethe_generate_${process.pid}`
const url = server.ownerUrlOf(name)
try {
  await migrate({ ownerUrl: url })
  const differing: string[] = []
  for (const [file, content] of await generated(url)) {
    const path = new URL(`../${file}`, import.meta.url)
    const present = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    if (present === content) continue
    differing.push(file)
    if (!check) await writeFile(path, content)
  }
  if (differing.length === 0) process.stdout.write('Generated files are up to date.\n')
  else if (check) {
    process.stderr.write(`Not what the migrations make: ${differing.join(', ')}. Run "npm run generate" and commit.\n`)
    process.exitCode = 1
  } else process.stdout.write(`Wrote ${differing.join(', ')}.\n`)
} finally {
  await server.dropDatabase(name)
  await server.release()
}

async function generated(databaseUrl: string): Promise<[file: string, content: string][]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const schema = await readSchema(client)
    return [
      ['server/platform/database/schema.gen.ts', kyselyTypes(databaseUrl)],
      ['server/datamap/schema-facts.gen.ts', schemaConstants(schema)],
      ['docs/schema.txt', schemaListing(schema)],
    ]
  } finally {
    await client.end()
  }
}

function kyselyTypes(databaseUrl: string): string {
  const run = spawnSync(
    process.execPath,
    [
      'node_modules/kysely-codegen/dist/cli/bin.js',
      '--dialect=postgres',
      `--url=${databaseUrl}`,
      '--date-parser=string',
      '--numeric-parser=number',
      '--type-mapping={"int8":"number"}',
      '--exclude-pattern=graphile_worker.jobs',
      '--log-level=error',
      '--print',
    ],
    { encoding: 'utf8' },
  )
  if (run.status !== 0) throw new Error(`kysely-codegen failed: ${run.stderr}`)
  return run.stdout
}
