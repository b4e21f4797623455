import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createConnector, enableConnector, requestRun } from '../server/connectors/connectors.ts'
import { endKilledRuns } from '../server/import-runs/record-run.ts'
import { openTestApplication, type TestApplication } from './application.ts'
import { effort } from './effort.ts'
import { newTenant, type TenantRows } from './rows.ts'
import { startWorkerProcess } from './workers.ts'

const lethe = fileURLToPath(new URL('../bin/lethe.mjs', import.meta.url))
const pinnedNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))

const people = effort(3000, 8000)

let test: TestApplication
let rows: TenantRows
let folder: string
let file: string
beforeAll(async () => {
  test = await openTestApplication()
  folder = mkdtempSync(path.join(tmpdir(), 'lethe-killed-imports-'))
  file = path.join(folder, 'people.csv')
  const lines = Array.from({ length: people }, (_, number) => `r-${number},p-${number}@example.org,Person ${number}`)
  writeFileSync(file, `ref,email,display_name\n${lines.join('\n')}\n`)
})
afterAll(async () => {
  await test.close()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  rows = await newTenant(test.owner)
})

type Run = {
  id: string
  finished: boolean
  error_code: string | null
  rows_read: string
  logged: number
  file: boolean
}

const runs = async () =>
  (
    await test.owner.query<Run>(
      `select r.id, r.finished_at is not null as finished, r.error_code, r.rows_read, (
         select count(*)::int from import_run_rows l where l.tenant_id = r.tenant_id and l.run_id = r.id
       ) as logged, exists (
         select from import_run_chunks f where f.tenant_id = r.tenant_id and f.run_id = r.id
       ) as file
       from import_runs r where r.tenant_id = $1 order by r.started_at`,
      [rows.tenant],
    )
  ).rows
const imported = async () =>
  (
    await test.owner.query<{ n: number }>(
      'select count(*)::int as n from users where tenant_id = $1 and ref is not null',
      [rows.tenant],
    )
  ).rows[0]?.n

/** Waits until another process sends such a statement for the import of this tenant, while its run has not ended. */
async function caught(statement: string): Promise<boolean> {
  for (;;) {
    const [run] = await runs()
    if (run?.finished === true) return false
    const { rowCount } = await test.owner.query(
      `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query ~ $1`,
      [statement],
    )
    if (run !== undefined && rowCount !== null && rowCount > 0) return true
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

const nothing = { finished: true, error_code: 'import_run.interrupted', rows_read: '0', logged: 0, file: false }
const whole = { finished: true, error_code: null, rows_read: String(people), logged: people, file: true }

describe('kill -9 in the middle of an import', () => {
  const environment = () => ({
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DATABASE_|LETHE_)/.test(name))),
    DATABASE_URL: test.appUrl,
    LETHE_MASTER_KEY: test.database.masterKey.toString('base64'),
    LETHE_TENANT: rows.tenant,
  })
  const start = () => spawn(pinnedNode, [lethe, 'import', 'users', file], { env: environment(), stdio: 'ignore' })

  const moments = [
    ['while it writes its log', 'insert into import_run_rows'],
    ['while it reads the file', 'staged_users'],
    ['while it writes users', 'insert into users'],
  ] as const

  it.each(moments.slice(0, effort(1, moments.length)))(
    '%s leaves nothing of it, and its run is marked as interrupted; another import does all',
    async (_, statement) => {
      const child = start()
      if (await caught(statement)) {
        await kill(child)
        // A run gets a minute to begin, before it counts as killed.
        await test.owner.query(
          `update import_runs set started_at = now() - interval '2 minutes' where tenant_id = $1`,
          [rows.tenant],
        )
        await expect
          .poll(
            async () => {
              await endKilledRuns(test.database)
              return await runs()
            },
            { timeout: 20_000 },
          )
          .toMatchObject([nothing])
        expect(await imported()).toBe(0)
      } else await once(child, 'close')
      const again = start()
      await once(again, 'close')
      expect((await runs()).at(-1)).toMatchObject(whole)
      expect(await imported()).toBe(people)
    },
  )
})

describe('kill -9 in the middle of the run of a connector', () => {
  it('leaves nothing of it; another worker marks it as interrupted, and runs the connector again, once', async () => {
    const admin = await rows.administrator()
    const connector = await test.inTenant(rows.tenant, async (tx) => {
      const { id } = await createConnector(tx, { name: 'HR', kind: 'folder', address: file, runAs: admin })
      await enableConnector(tx, id)
      return id
    })
    process.env.LETHE_CONNECTOR_FOLDERS = folder
    const worker = await startWorkerProcess({
      name: 'killed importer',
      databaseUrl: test.appUrl,
      masterKey: test.app.masterKey,
    })
    delete process.env.LETHE_CONNECTOR_FOLDERS
    await test.inTenant(rows.tenant, (tx) => requestRun(tx, connector))
    const isCaught = await caught('insert into users')
    await worker.kill()
    expect(isCaught).toBe(true)
    expect(await imported()).toBe(0)
    expect(await runs()).toMatchObject([{ finished: false, rows_read: '0', logged: 0, file: false }])

    test.app.config = { ...test.app.config, connectorFolders: [{ folder }] }
    await test.startWorkers()
    await expect.poll(runs, { timeout: 30_000 }).toMatchObject([nothing, whole])
    await test.stopWorkers()
    expect(await imported()).toBe(people)
    const { rows: left } = await test.owner.query('select last_rows, asking_rows from connectors where id = $1', [
      connector,
    ])
    expect(left).toEqual([{ last_rows: String(people), asking_rows: null }])
  })
})
