import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { accessPage } from '../server/access/access-page.ts'
import { compileDataMap } from '../server/datamap/compile.ts'
import { dataMap } from '../server/datamap/data-map.ts'
import { statementListing } from '../server/datamap/statement-listing.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import {
  readSchema,
  type Schema,
  schemaConstants,
  schemaFactsOf,
  schemaListing,
} from '../server/platform/database/read-schema.ts'
import { useTestServer } from '../test/server.ts'
import { htmlReferencesFile } from './html-references.ts'
import { unicodeTables } from './unicode-tables.ts'

// Writes what is derived from the migrated database: the types of the query builder, the facts that the data map is
// compiled with, and two listings for people: of the tables, and of the statements compiled from the map; besides, the
// page of who may do what, and the tables of Unicode from the package that pins their version. With --check it writes nothing and fails where a file differs.

const factsFile = 'server/datamap/generated/schema-facts.gen.ts'
const documentFile = 'docs/openapi.json'
const statementsFile = 'docs/erasure-statements.sql'
const check = process.argv.includes('--check')
const server = await useTestServer()
const name = `lethe_generate_${process.pid}`
const url = server.ownerUrlOf(name)
try {
  await migrate({ ownerUrl: url })
  const { files, unsound } = await generated(url)
  const differing: string[] = []
  for (const [file, make] of files) {
    const path = new URL(`../${file}`, import.meta.url)
    // The program cannot be loaded with facts that do not fit the map.
    if (check && differing.includes(factsFile) && file === documentFile) continue
    const content = await make()
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
  if (unsound !== undefined) {
    process.stderr.write(`${statementsFile} is left as it is: ${unsound}. Correct the data map and generate again.\n`)
    process.exitCode = 1
  }
} finally {
  await server.dropDatabase(name)
  await server.release()
}

/** `unsound`: why the data map does not compile against this schema. */
async function generated(
  databaseUrl: string,
): Promise<{ files: [file: string, make: () => string | Promise<string>][]; unsound: string | undefined }> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const schema = await readSchema(client)
    const statements = compiledStatements(schema)
    return {
      files: [
        ['server/platform/database/generated/schema.gen.ts', () => kyselyTypes(databaseUrl)],
        [factsFile, () => schemaConstants(schema)],
        ['docs/schema.txt', () => schemaListing(schema)],
        ['docs/access.md', accessPage],
        ['server/identifiers/generated/unicode.gen.ts', unicodeTables],
        ['server/identifiers/generated/html-references.gen.ts', htmlReferencesFile],
        ...('text' in statements ? [[statementsFile, () => statements.text] satisfies [string, () => string]] : []),
        [documentFile, openApiDocument],
      ],
      unsound: 'unsound' in statements ? statements.unsound : undefined,
    }
  } finally {
    await client.end()
  }
}

/** Loads the program only now: it compiles the map at its start, from the facts that have just been written. */
async function openApiDocument(): Promise<string> {
  const program = await import('../server/openapi-document.ts')
  return await program.openApiDocument()
}

/**
 * Compiles from the schema just read, not from the checked-in facts. The author of a new table needs the new types to
 * classify it, so a map that does not fit does not stop the other files.
 */
function compiledStatements(schema: Schema): { text: string } | { unsound: string } {
  try {
    return { text: statementListing(compileDataMap(dataMap, schemaFactsOf(schema))) }
  } catch (error) {
    return { unsound: error instanceof Error ? error.message : String(error) }
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
