import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { dumpDatabase, newTenant, placesOf, type TenantRows } from '../../../test/rows.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { retryErasure } from '../requests/retry-erasure.ts'
import { runErasure } from './run-erasure.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
})

const jane = {
  email: 'jane.canary@acme.example',
  login_name: 'i:0#.f|membership|jane.canary',
  ref: 'canary-4711',
  external_identity_id: 'idp|canary-42',
  directory_object_id: 'd0000000-0000-4000-8000-00000000abcd',
}
const canaries = ['jane.canary', 'canary-4711', 'canary-42', '00000000abcd']

async function expectNoTraces(): Promise<void> {
  const dump = await dumpDatabase(test.owner)
  for (const canary of canaries) {
    expect(placesOf(dump, canary)).toEqual([])
    expect(test.log().toLowerCase()).not.toContain(canary)
  }
}

describe('after a purge', () => {
  it('nothing is left that the sealed identifiers could be opened with, nor they themselves', async () => {
    const id = await rows.deletedUser(jane)
    await test.stopWorkers()
    const request = await test.order(rows.tenant, [id])
    const sealed = () =>
      test.owner.query(
        `select r.sealed_key is not null as key, s.sealed_identifiers is not null as identifiers
         from erasure_requests r join erasure_subjects s on s.request_id = r.id where r.id = $1`,
        [request],
      )
    expect((await sealed()).rows).toEqual([{ key: true, identifiers: false }])
    await test.startWorkers()
    await test.ended(rows.tenant, request)
    expect((await sealed()).rows).toEqual([{ key: false, identifiers: false }])
  })

  it('the person is known by keyed hashes only, each identifier by one', async () => {
    const id = await rows.deletedUser(jane)
    // What is looked for afterwards is found before.
    const before = await dumpDatabase(test.owner)
    for (const canary of canaries) expect(placesOf(before, canary)).not.toEqual([])
    await test.purge(rows.tenant, [id])
    const { rows: stones } = await test.owner.query<{ kind: string; length: number; user_id: string }>(
      'select kind, length(hash), user_id from tombstones where tenant_id = $1 order by kind',
      [rows.tenant],
    )
    expect(stones).toEqual(
      ['directory_object_id', 'email', 'external_identity_id', 'login_name', 'ref'].map((kind) => ({
        kind,
        length: 32,
        user_id: id,
      })),
    )
    await expectNoTraces()
  })

  it('the ledger has the person by internal id, and the queue has nothing', async () => {
    const id = await rows.deletedUser(jane)
    const { id: request } = await test.purge(rows.tenant, [id])
    const { rows: ledger } = await test.owner.query('select * from erasure_ledger where tenant_id = $1', [rows.tenant])
    expect(ledger).toMatchObject([{ user_id: id, request_id: request, operation: 'purge' }])
    // The search ends the request inside of its job; give the queue the moment to take the job away.
    await test.stopWorkers()
    await test.startWorkers()
    const { rows: jobs } = await test.owner.query('select * from graphile_worker._private_jobs')
    expect(jobs).toEqual([])
  })
})

describe('a failure whose message holds an identifier', () => {
  it('leaves ids and codes in the queue, in the log and in the reason, and nothing else', async () => {
    await test.owner.query(`
      create table gossip (tenant_id uuid not null, user_id uuid not null, foreign key (tenant_id, user_id) references users on delete cascade);
      create function gossip() returns trigger language plpgsql as $$
      begin
        raise exception E'cannot let go of %\\n    at %', 'jane.canary@acme.example', 'jane.canary@acme.example'
          using detail = 'Key (ref)=(canary-4711)', hint = 'canary-42', table = 'gossip', constraint = 'gossip_fkey';
      end $$;
      create trigger gossip before delete on gossip for each row execute function gossip()`)
    const id = await rows.deletedUser(jane)
    await rows.insert('gossip', { user_id: id })
    const { id: request, state, failures } = await test.purge(rows.tenant, [id])
    expect(state).toBe('failed')
    expect(failures).toEqual([
      {
        userId: id,
        code: 'sqlstate.P0001',
        reason: 'the database refused the erasure (table gossip, constraint gossip_fkey)',
      },
    ])
    await test.owner.query('drop table gossip')
    await test.inTenant(rows.tenant, (tx) => retryErasure(tx, request))
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
    await expectNoTraces()
  })

  it('leaves a code in the queue and the place in the log where the job as a whole fails', async () => {
    await test.owner.query(`
      create function gossip_about_steps() returns trigger language plpgsql as $$
      begin
        if new.step = 'search' and new.state = 'running' then
          raise exception E'cannot let go of %\\n    at %', 'jane.canary@acme.example', 'jane.canary@acme.example'
            using detail = 'Key (ref)=(canary-4711)', hint = 'canary-42';
        end if;
        return new;
      end $$;
      create trigger gossip before update on erasure_steps for each row execute function gossip_about_steps()`)
    const id = await rows.deletedUser(jane)
    const request = await test.order(rows.tenant, [id])
    const failed = async () => {
      const { rows: jobs } = await test.owner.query<{ last_error: string; payload: object }>(
        'select last_error, payload from graphile_worker._private_jobs where last_error is not null and locked_at is null',
      )
      return jobs
    }
    while ((await failed()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await failed()).toEqual([{ last_error: 'P0001', payload: {} }])
    expect(test.log()).toMatch(/"task":"search","code":"P0001"/)
    expect(test.log()).toMatch(/"stack":\[" {4}at .*run-search\.ts/)
    await expectNoTraces()

    // Whoever starts the workers again has put it right: nobody waits for the queue's next attempt.
    await test.stopWorkers()
    await test.owner.query('drop trigger gossip on erasure_steps')
    await test.startWorkers()
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
    await expectNoTraces()
  })
})

it('jobs carry ids only', async () => {
  await test.stopWorkers()
  const person = await rows.deletedUser(jane)
  const request = await test.order(rows.tenant, [person])
  const { rows: jobs } = await test.owner.query<{ payload: object; key: string | null }>(
    'select payload, key from graphile_worker._private_jobs',
  )
  expect(jobs).toEqual([{ payload: { tenant: rows.tenant, request, operation: 'purge', person }, key: null }])
  await test.startWorkers()
  await test.ended(rows.tenant, request)
})

it('one search waits, however many requests wait for it, and ends them all', async () => {
  await test.stopWorkers()
  const requests: string[] = []
  for (let person = 0; person < 3; person++) {
    const request = await test.order(rows.tenant, [await rows.deletedUser()])
    await runErasure(test.app.database, { tenant: rows.tenant, request })
    requests.push(request)
  }
  const { rows: searches } = await test.owner.query(
    `select from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
     where t.identifier = 'search'`,
  )
  expect(searches).toHaveLength(1)
  await test.startWorkers()
  for (const request of requests) expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
})

it('a job that has nothing to do ends without a trace', async () => {
  await test.inTenant(rows.tenant, async (tx) => {
    enqueue(tx, 'erase', { tenant: rows.tenant, request: 'd0000000-0000-4000-8000-000000000000' })
    enqueue(tx, 'search', {})
  })
  const left = async () => (await test.owner.query('select from graphile_worker._private_jobs')).rowCount
  while ((await left()) !== 0) await new Promise((resolve) => setTimeout(resolve, 20))
})
