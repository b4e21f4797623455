import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runErasure } from '../server/erasure/engine/run-erasure.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { announceEvents } from '../server/events/announce-events.ts'
import { findByAnyIdentifier } from '../server/people/accounts/find-users.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { createEndpoint } from '../server/webhooks/endpoints.ts'
import { type Clone, type Loaded, settle, withClone } from './databases.ts'
import { median, type Row } from './report.ts'
import { sized } from './size.ts'

const rounds = sized(5, 1)
const warmUp = 1
const deliveries = sized(10_000, 200)
const lookUps = sized(3000, 100)
const erasures = sized(60, 4)
const callers = 8
const leavers = (rounds + warmUp) * 2 * erasures
/** Until the worker process has taken deliveries, in milliseconds. */
const untilBusy = sized(2000, 1200)

/**
 * Look-ups of users and purges of one, by several callers, against the same without deliveries. Meanwhile a worker process
 * of its own sends deliveries to two receivers. One answers after two seconds, the other refuses connections. By turns, so
 * that a drift of the machine hits both.
 */
export async function benchDeliveries(loaded: Loaded): Promise<Row[]> {
  return await withClone(loaded, 'lethe_bench_deliveries', async (clone) => {
    const worker = await startWorker(clone)
    try {
      return await measure(loaded, clone, worker)
    } finally {
      worker.end()
    }
  })
}

type Worker = { ports: string[]; say: (line: 'start' | 'stop') => Promise<number>; end: () => void }

async function startWorker({ app }: Clone): Promise<Worker> {
  const script = fileURLToPath(new URL('deliveries-worker.ts', import.meta.url))
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [
    script,
    app.database.url(),
    app.masterKey.toString('base64'),
  ])
  child.stderr.pipe(process.stderr)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the worker process ended')
    return String(value)
  }
  return {
    ports: (await next()).split(' '),
    async say(line) {
      child.stdin.write(`${line}\n`)
      return Number(await next())
    },
    end: () => void child.stdin.end(),
  }
}

async function measure(loaded: Loaded, { app, owner }: Clone, worker: Worker): Promise<Row[]> {
  const { tenant } = loaded
  const { database } = app
  const { rows } = await owner.query<{ id: string; ref: string }>(
    `select id, ref from users where tenant_id = $1 and state = 'active' and ref is not null order by md5(id::text) limit $2`,
    [tenant, leavers + 1000],
  )
  const [known, leaving] = [rows.slice(leavers), rows.slice(0, leavers).map(({ id }) => id)]
  const settings = { webhookNetworks: ['127.0.0.0/8'], webhookPlainHttp: true }
  await inTenant(database, tenant, async (tx) => {
    for (const port of worker.ports) {
      const url = `http://127.0.0.1:${port}/`
      await createEndpoint(tx, { name: 'Receiver', url, events: ['user.updated'] }, settings)
    }
    announceEvents(
      tx,
      Array.from({ length: deliveries / 2 }, (_, index) => ({
        kind: 'user.updated' as const,
        userId: known[index % known.length]?.id ?? '',
      })),
    )
  })
  await inTenant(database, tenant, (tx) => deleteUsers(tx, { userIds: leaving }))
  await settle(owner)
  const lookUp = (number: number) =>
    inTenant(database, tenant, (tx) => findByAnyIdentifier(tx, known[number % known.length]?.ref ?? ''), {
      readOnly: true,
    })
  const erase = async () => {
    const userIds = leaving.splice(0, 1)
    const { request } = await inTenant(database, tenant, (tx) => requestErasure(tx, { operation: 'purge', userIds }))
    await runErasure(database, { tenant, request })
  }
  const kinds = [
    { what: 'look-ups', times: lookUps, work: lookUp },
    { what: 'purges of one', times: erasures, work: erase },
  ].map((kind) => ({ ...kind, floors: [] as number[], ours: [] as number[] }))
  let sent = 0
  for (let round = -warmUp; round < rounds; round++) {
    for (const { times, work, floors, ours } of kinds) {
      const floor = await perSecond(times, work)
      // Everything is due, as after a receiver was away for long.
      await owner.query(
        `update webhook_deliveries set due_at = now(), attempts = 0 where tenant_id = $1 and state = 'pending'`,
        [tenant],
      )
      await worker.say('start')
      await new Promise((resolve) => setTimeout(resolve, untilBusy))
      const mine = await perSecond(times, work)
      sent = await worker.say('stop')
      if (round < 0) continue
      floors.push(floor)
      ours.push(mine)
    }
  }
  if (sent === 0) throw new Error('the worker process delivered nothing')
  return kinds.map(({ what, floors, ours }) => {
    const ratio = median(ours.map((mine, round) => mine / (floors[round] ?? 0)))
    const say = (values: number[]) => `${Math.round(median(values)).toLocaleString('en-US')}/s`
    return {
      what: `${what} beside ${deliveries.toLocaleString('en-US')} deliveries`,
      floor: say(floors),
      ours: say(ours),
      ratio,
      target: '>= 0.9',
      met: ratio >= 0.9,
    }
  })
}

async function perSecond(times: number, work: (number: number) => Promise<unknown>): Promise<number> {
  const started = performance.now()
  let number = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (number < times) await work(number++)
    }),
  )
  return (times * 1000) / (performance.now() - started)
}
