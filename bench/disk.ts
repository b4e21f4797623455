import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { type Application, openApplication } from '../server/application.ts'
import { readConfig } from '../server/config.ts'
import { concludeOnDisk, passLog } from '../server/erasure/disk/pass-log.ts'
import { asOwner, rewriteDatabase } from '../server/erasure/disk/rewrite-database.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { waitForErasure } from '../server/erasure/requests/wait-for-erasure.ts'
import { importUsers } from '../server/imports/users/import-users.ts'
import { createCatalog } from '../server/learning/catalogs/create-catalog.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { startWorkers } from '../server/workers.ts'

// Counts, for docs/disk.md, how many of 100 purged addresses among 6,300 users are in the files of the embedded server at
// each level. The server is stopped for each look. It needs no data set: node bench/disk.ts

const users = 6_300
const purged = 100

const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-bench-disk-'))
await chmod(folder, 0o711)
const open = () => openApplication({ config: readConfig({ LETHE_DATA: folder }) })
const addressOf = (number: number) => `${(number * 7919 + 104_729).toString(36)}.leaver${number}@acme.example`
const isLeaver = (number: number) => number % (users / purged) === 0
const leavers = Array.from({ length: users }, (_, number) => number).filter(isLeaver)

let app = await open()
try {
  const { id: tenant } = await createTenant(app.database, { name: 'Benchmark', kind: 'enterprise' })
  const lines = Array.from({ length: users }, (_, n) => `${addressOf(n)},emp-${n},First${n},Last${n}`)
  await importUsers(app.database, tenant, {
    source: Readable.from([Buffer.from(`email,ref,first_name,last_name\n${lines.join('\n')}\n`)]),
    file: 'users.csv',
  })
  const people = await inTenant(app.database, tenant, async (tx) => {
    for (const number of leavers)
      await createCatalog(tx, { title: `Catalog ${number}`, contactEmails: [addressOf(number)] })
    const { rows } = await tx.query<{ id: string }>(
      'select id from users where tenant_id = $1 and email_key = any($2)',
      [tenant, leavers.map(addressOf)],
    )
    return rows.map(({ id }) => id)
  })
  await inTenant(app.database, tenant, (tx) => deleteUsers(tx, { userIds: people }))
  await asOwner(app, (owner) => owner.query('vacuum (analyze)'))
  const workers = await startWorkers(app, pino({ level: 'silent' }))
  const { request } = await inTenant(app.database, tenant, (tx) =>
    requestErasure(tx, { operation: 'purge', userIds: people }),
  )
  await waitForErasure(app.database, tenant, request, { until: 'ended' })
  await workers.stop()
  app = await look('2: the purge has ended', app)

  await asOwner(app, async (owner) => {
    await owner.query('vacuum (analyze)')
    await owner.query('checkpoint')
  })
  app = await look('2: after "vacuum (analyze)" of everything and a checkpoint', app)

  const options = { lockTimeout: 10_000, tries: 10 }
  await timed('level 3', () => asOwner(app, (owner) => rewriteDatabase(app, owner, { level: 3, ...options })))
  app = await look('3: dead rows and statistics are gone', app)
  await timed('level 4', () => asOwner(app, (owner) => rewriteDatabase(app, owner, { level: 4, ...options })))
  app = await look('4: the tables are rewritten', app)
  await timed('level 5', () => asOwner(app, (owner) => passLog(owner)))
  await concludeOnDisk(app.database)
  app = await look('5: the log is past it', app)
} finally {
  await app.close()
  await rm(folder, { recursive: true, force: true })
}

/** Stops the server, counts the addresses that its files hold, and starts it again. */
async function look(level: string, running: Application): Promise<Application> {
  await running.close()
  const found = { files: new Set<number>(), log: new Set<number>() }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const content = await readFile(path.join(entry.parentPath, entry.name))
    const place = entry.parentPath.includes('pg_wal') ? found.log : found.files
    for (const number of leavers) if (content.includes(addressOf(number))) place.add(number)
  }
  process.stdout.write(`level ${level}: ${found.files.size} in the files, ${found.log.size} in the log\n`)
  return open()
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await work()
  process.stdout.write(`${what} took ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  return result
}
