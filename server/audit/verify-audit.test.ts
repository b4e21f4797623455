import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { calculateJwkThumbprint } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { effort } from '../../test/effort.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { rotateSigningKey } from '../access/rotate-signing-key.ts'
import { sign } from '../keyring/jws.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { newKey, seal } from '../platform/crypto/seal.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { type ChainedEntry, chainedColumns, chainHash } from './chain.ts'
import type { CheckpointClaims } from './checkpoint.ts'
import { installationTrail } from './installation-trail.ts'
import { listAudit } from './list-audit.ts'
import { record } from './record.ts'
import { sealAudit, sealWaiting } from './seal-audit.ts'
import { type AuditProblem, verifyAudit } from './verify-audit.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())

const verify = (tenant: string) => verifyAudit(test.app.database, tenant)
const write = (tenant: string, number: number) =>
  inTenant(test.database, tenant, (tx) => record(tx, { activity: 'CourseCreated', details: { number } }))

describe('sealing', () => {
  it('gives every entry a place once, however many writers and sealers there are', async () => {
    const { tenant } = await newTenant(test.owner)
    const jobs = Array.from({ length: 60 }, (_, number) =>
      number % 6 === 5 ? sealWaiting(test.app.database, { tenant }) : write(tenant, number),
    )
    await Promise.all(jobs)
    await sealWaiting(test.app.database, { tenant })
    expect(await verify(tenant)).toMatchObject({ sealed: 50, unsealed: 0, problems: [], head: { sequence: 50 } })
  })

  it('takes an entry whose transaction began before and commits after what is sealed already', async () => {
    const { tenant } = await newTenant(test.owner)
    const { promise: waiting, resolve: commit } = Promise.withResolvers<void>()
    const { promise: isRecorded, resolve: recorded } = Promise.withResolvers<void>()
    const late = inTenant(test.database, tenant, async (tx) => {
      await record(tx, { activity: 'SkillCreated' })
      recorded()
      await waiting
    })
    await isRecorded
    for (let number = 0; number < 3; number++) await write(tenant, number)
    await sealWaiting(test.app.database, { tenant })
    expect(await verify(tenant)).toMatchObject({ sealed: 3, unsealed: 0, problems: [] })
    commit()
    await late
    expect(await verify(tenant)).toMatchObject({ sealed: 3, unsealed: 1, problems: [] })
    await sealWaiting(test.app.database, { tenant })
    expect(await verify(tenant)).toMatchObject({ sealed: 4, unsealed: 0, problems: [], head: { sequence: 4 } })
  })

  it('includes what the transaction itself recorded, and answers the head of the chain', async () => {
    const { tenant } = await newTenant(test.owner)
    const head = await inTenant(test.database, tenant, async (tx) => {
      await record(tx, { activity: 'SkillCreated' })
      return await sealAudit(tx)
    })
    expect(head).toMatchObject({ sequence: 1, sealed: 1, more: false })
    expect((await verify(tenant)).head).toEqual({ sequence: 1, hash: head.hash })
    expect(await inTenant(test.database, tenant, sealAudit)).toEqual({ ...head, sealed: 0 })
  })

  it('goes on in the trail of the installation after the signing key has changed, and without any tenant', async () => {
    const empty = await openTestApplication()
    try {
      expect((await empty.owner.query('select from tenants')).rowCount).toBe(0)
      for (const purpose of ['certificate', 'token'] as const) {
        await rotateSigningKey(empty.database, purpose)
        await sealWaiting(empty.app.database, { tenant: installationTrail })
      }
      const { entries } = await empty.inTenant(installationTrail, (tx) => listAudit(tx))
      expect(entries).toMatchObject(
        ['token', 'certificate'].map((purpose) => ({
          activity: 'SigningKeyRotated',
          object: { kind: 'installation', id: null },
          details: { purpose },
        })),
      )
      const verified = await verifyAudit(empty.app.database, installationTrail)
      expect(verified).toMatchObject({ sealed: 2, checkpoints: 2, problems: [] })
    } finally {
      await empty.close()
    }
  })

  it('goes on after the signing key has changed, and its change is in the trail of every tenant too', async () => {
    const { tenant } = await newTenant(test.owner)
    await write(tenant, 1)
    await sealWaiting(test.app.database, { tenant })
    await rotateSigningKey(test.database)
    await sealWaiting(test.app.database, { tenant })
    expect(await verify(tenant)).toMatchObject({ sealed: 2, checkpoints: 2, problems: [] })
    const { rows } = await test.owner.query(
      `select count(distinct tenant_id)::int as tenants, (select count(*)::int from tenants) as all
       from audit_entries where activity = 'SigningKeyRotated' and tenant_id <> $1`,
      [installationTrail],
    )
    expect(rows[0]?.tenants).toBe(rows[0]?.all)
  })

  it('is done by the workers for what was recorded anywhere', async () => {
    const { tenant } = await newTenant(test.owner)
    await write(tenant, 1)
    await test.startWorkers()
    try {
      await expect.poll(() => verify(tenant), { timeout: 20_000 }).toMatchObject({ sealed: 1, unsealed: 0 })
    } finally {
      await test.stopWorkers()
    }
  })
})

describe('an honest history', () => {
  it('never raises an alarm, whatever the order of writers, sealers, late commits and purges', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), many: fc.integer({ min: 1, max: 8 }) }) },
      { weight: 3, arbitrary: fc.constant({ do: 'seal' as const }) },
      { weight: 2, arbitrary: fc.constant({ do: 'hold' as const }) },
      { weight: 2, arbitrary: fc.constant({ do: 'release' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'purge' as const }) },
    )
    await test.startWorkers()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const { tenant } = await newTenant(test.owner)
        const held: { release: () => void; done: Promise<void> }[] = []
        for (const one of steps) {
          if (one.do === 'write')
            await Promise.all(Array.from({ length: one.many }, (_, number) => write(tenant, number)))
          if (one.do === 'seal') await sealWaiting(test.app.database, { tenant })
          if (one.do === 'purge') await purgeSomebody(tenant)
          if (one.do === 'release') await releaseAll(held.splice(0, 1))
          if (one.do === 'hold' && held.length < 3) {
            const { promise: waiting, resolve: release } = Promise.withResolvers<void>()
            const done = inTenant(test.database, tenant, async (tx) => {
              await record(tx, { activity: 'SkillCreated' })
              await waiting
            })
            held.push({ release, done })
          }
          expect((await verify(tenant)).problems).toEqual([])
        }
        await releaseAll(held)
        await sealWaiting(test.app.database, { tenant })
        expect(await verify(tenant)).toMatchObject({ unsealed: 0, problems: [] })
      }),
      { numRuns: effort(4, 12) },
    )
    await test.stopWorkers()
  })

  async function releaseAll(held: { release: () => void; done: Promise<void> }[]): Promise<void> {
    for (const { release } of held) release()
    await Promise.all(held.map(({ done }) => done))
  }

  async function purgeSomebody(tenant: string): Promise<void> {
    const { id } = await inTenant(test.database, tenant, (tx) => createUser(tx, { email: 'somebody@acme.example' }))
    await inTenant(test.database, tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    expect((await test.purge(tenant, [id])).state).toBe('completed')
  }
})

describe('what the owner of the database changes', () => {
  const entries = 24
  let rows: TenantRows
  let other: TenantRows
  /** The places that checkpoints are about. */
  let signed: number[]

  beforeAll(async () => {
    rows = await newTenant(test.owner)
    other = await newTenant(test.owner)
    const user = await rows.user({ email: 'ann@acme.example' })
    for (let number = 1; number <= entries; number++) {
      await inTenant(
        test.database,
        rows.tenant,
        (tx) =>
          record(tx, {
            activity: 'SkillAwarded',
            object: '018f0000-0000-7000-8000-00000000000c',
            subject: user,
            details: { number },
            values: { number },
          }),
        { initiator: { from: 'console', userId: user } },
      )
      if (number % 7 === 0) await sealWaiting(test.app.database, { tenant: rows.tenant })
    }
    await sealWaiting(test.app.database, { tenant: rows.tenant })
    await test.owner.query(
      `create schema kept; create table kept.entries as select * from audit_entries where tenant_id = '${rows.tenant}';
       create table kept.checkpoints as select * from audit_checkpoints where tenant_id = '${rows.tenant}';
       create table kept.keys as select * from signing_keys`,
    )
    const { rows: checkpoints } = await test.owner.query('select sequence::int from kept.checkpoints order by sequence')
    signed = checkpoints.map(({ sequence }) => sequence)
  })

  /** What the verification finds after a change, which is then undone. */
  async function problemsAfter(change: () => Promise<unknown>): Promise<AuditProblem[]> {
    await test.owner.query('set session_replication_role = replica')
    try {
      await change()
      return (await verify(rows.tenant)).problems
    } finally {
      await test.owner.query(
        `delete from audit_entries where tenant_id in ('${rows.tenant}', '${other.tenant}');
         delete from audit_checkpoints where tenant_id = '${rows.tenant}';
         delete from signing_keys where kid not in (select kid from kept.keys);
         insert into audit_entries select * from kept.entries;
         insert into audit_checkpoints select * from kept.checkpoints;
         set session_replication_role = origin`,
      )
    }
  }
  const sql = (text: string, ...values: unknown[]) =>
    test.owner.query(text.replaceAll('OWN', `tenant_id = '${rows.tenant}'`), values)
  const place = fc.integer({ min: 1, max: entries })
  const at = (problems: AuditProblem[]) => problems.map(({ problem, from, to }) => ({ problem, from, to }))
  const only = (problem: AuditProblem['problem'], from: number, to = from) => [{ problem, from, to }]

  it('is nothing at first', async () => {
    expect(await verify(rows.tenant)).toMatchObject({ sealed: entries, unsealed: 0, checkpoints: 4, problems: [] })
    expect(signed).toEqual([7, 14, 21, 24])
  })

  const columns: Record<string, string> = {
    id: 'gen_random_uuid()',
    at: `at + interval '1 microsecond'`,
    initiated_from: `'policy'`,
    actor_kind: `'system'`,
    actor_id: 'null',
    activity: `'SkillRevoked'`,
    object_kind: `'course'`,
    object_id: 'gen_random_uuid()',
    subject_id: 'gen_random_uuid()',
    contact_hash: `'x'::bytea`,
    details: `details || ' '`,
    sealed_values: `set_byte(sealed_values, 0, 255 - get_byte(sealed_values, 0))`,
    hash: `set_byte(hash, 31, 255 - get_byte(hash, 31))`,
  }

  it('is named when it is any column of a sealed entry', async () => {
    const { rows: all } = await test.owner.query(
      `select attname::text as name from pg_attribute where attrelid = 'audit_entries'::regclass and attnum > 0`,
    )
    expect([...Object.keys(columns), 'sequence', 'tenant_id'].sort()).toEqual(all.map(({ name }) => name).sort())
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(columns)), place, async (column, number) => {
        const also = column === 'contact_hash' ? ', subject_id = null' : ''
        const change = () =>
          sql(`update audit_entries set ${column} = ${columns[column]}${also} where OWN and sequence = $1`, number)
        const found = await problemsAfter(change)
        expect(at(found)).toEqual(only('altered', number))
        if (column !== 'at') expect(found[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      }),
      { numRuns: 100, examples: Object.keys(columns).map((column) => [column, 7]) },
    )
  })

  it('is named when it is the place of an entry, or its tenant', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('null', '0', '-5', '900', '9223372036854775807', 'tenant'),
        place,
        async (to, number) => {
          const set =
            to === 'tenant'
              ? `tenant_id = '${other.tenant}'`
              : to === 'null'
                ? 'sequence = null, hash = null'
                : `sequence = ${to}`
          const found = at(
            await problemsAfter(() => sql(`update audit_entries set ${set} where OWN and sequence = $1`, number)),
          )
          expect(found).toContainEqual({ problem: 'removed', from: number, to: number })
          expect(found.filter(({ problem, from }) => problem !== 'removed' && from >= 1 && from <= entries)).toEqual([])
        },
      ),
      { numRuns: effort(15, 60) },
    )
  })

  it('is named when entries are removed, in the middle or at the end, gap or no gap', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 0, max: 9 }), async (from, more) => {
        const to = Math.min(entries, from + more)
        const remove = () => sql('delete from audit_entries where OWN and sequence between $1 and $2', from, to)
        const named = at(await problemsAfter(remove))
        // In pieces, where a checkpoint is about one of them.
        const places = named.flatMap((one) =>
          Array.from({ length: one.to - one.from + 1 }, (_, index) => one.from + index),
        )
        expect(named.every(({ problem }) => problem === 'removed')).toBe(true)
        expect(places).toEqual(Array.from({ length: to - from + 1 }, (_, index) => from + index))
      }),
      { numRuns: effort(15, 60) },
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: entries - 1 }), async (number) => {
        const found = at(
          await problemsAfter(async () => {
            await sql('delete from audit_entries where OWN and sequence = $1', number)
            await sql('update audit_entries set sequence = -sequence where OWN and sequence > $1', number)
            await sql('update audit_entries set sequence = -sequence - 1 where OWN and sequence < 0')
          }),
        )
        expect(found[0]?.from).toBe(number)
      }),
      { numRuns: effort(10, 30) },
    )
  })

  it('is named when an entry is inserted between others', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.boolean(), async (number, fitting) => {
        const found = at(
          await problemsAfter(async () => {
            await sql('update audit_entries set sequence = -sequence where OWN and sequence >= $1', number)
            await sql('update audit_entries set sequence = 1 - sequence where OWN and sequence < 0')
            await sql(
              `insert into audit_entries select * from jsonb_populate_record(null::audit_entries, (
                 select to_jsonb(e) || jsonb_build_object('sequence', $1::int, 'id', gen_random_uuid())
                 from kept.entries e where sequence = 3))`,
              number,
            )
            if (fitting) await fitHash(number)
          }),
        )
        // At the end nothing follows that would tell an inserted entry from an altered one.
        if (number < entries) expect(found[0]).toEqual({ problem: 'inserted', from: number, to: number })
        else expect(found[0]?.to).toBe(number)
      }),
      { numRuns: effort(10, 40) },
    )
  })

  it('is named when two entries change places', async () => {
    const chained = Object.keys(columns).filter((column) => column !== 'hash')
    await fc.assert(
      fc.asyncProperty(place, place, async (one, two) => {
        fc.pre(one !== two)
        const found = at(
          await problemsAfter(async () => {
            await sql(`delete from audit_entries where OWN and sequence in ($1, $2)`, one, two)
            await sql(
              `insert into audit_entries (tenant_id, ${chained.join(', ')}, sequence, hash)
               select a.tenant_id, ${chained.map((column) => `a.${column}`).join(', ')}, b.sequence, b.hash
               from kept.entries a join kept.entries b on (a.sequence, b.sequence) in (($1, $2), ($2, $1))`,
              one,
              two,
            )
          }),
        )
        expect(found.map(({ from }) => from)).toEqual([one, two].sort((a, b) => a - b))
      }),
      { numRuns: effort(10, 30) },
    )
  })

  it('is found when the hashes were computed anew: to the entry, or to the entries of a checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.boolean(), async (number, onwards) => {
        const end = signed.find((last) => last >= number) ?? entries
        const found = at(
          await problemsAfter(async () => {
            await sql(`update audit_entries set activity = 'SkillRevoked' where OWN and sequence = $1`, number)
            for (let next = number; next <= (onwards ? entries : number); next++) await fitHash(next)
          }),
        )
        const first = found[0]
        if (onwards || number === end) {
          const before = signed.filter((last) => last < end).at(-1) ?? 0
          expect(first).toEqual({ problem: 'rewritten', from: before + 1, to: end })
        } else expect(first).toEqual({ problem: 'altered', from: number + 1, to: number + 1 })
      }),
      { numRuns: effort(10, 30) },
    )
  })

  it('is named when it is a checkpoint', async () => {
    const changes: [string, (number: number) => AuditProblem['problem'][]][] = [
      [
        `update audit_checkpoints set jws = substring(jws from 1 for length(jws) - 1) || case right(jws, 1) when 'A' then 'Q' else 'A' end where OWN and sequence = $1`,
        () => ['checkpoint_altered'],
      ],
      [`update audit_checkpoints set jws = '' where OWN and sequence = $1`, () => ['checkpoint_altered']],
      [
        `update audit_checkpoints set created_at = created_at + interval '1 microsecond' where OWN and sequence = $1`,
        () => ['checkpoint_altered'],
      ],
      [
        `update audit_checkpoints set jws = (select jws from kept.checkpoints where sequence <> $1 limit 1) where OWN and sequence = $1`,
        () => ['checkpoint_altered'],
      ],
      [
        'delete from audit_checkpoints where OWN and sequence = $1',
        (number) => [number === entries ? 'unsigned' : 'checkpoint_removed'],
      ],
    ]
    for (const [change, expected] of changes) {
      for (const number of signed) {
        const found = await problemsAfter(() => sql(change, number))
        expect(found.map(({ problem }) => problem)).toEqual(expected(number))
        expect(found[0]?.to).toBe(number)
      }
    }
    for (const number of signed) {
      const found = await problemsAfter(() =>
        sql('update audit_checkpoints set sequence = sequence + 1 where OWN and sequence = $1', number),
      )
      expect(found[0]).toMatchObject({ problem: 'checkpoint_altered', from: number + 1 })
    }
  })

  it('is found when everything is computed anew and signed with a key that somebody added', async () => {
    const found = await problemsAfter(async () => {
      await sql(`update audit_entries set activity = 'SkillRevoked' where OWN and sequence = 5`)
      for (let next = 5; next <= entries; next++) await fitHash(next)
      const { privateKey, publicKey } = generateKeyPairSync('ed25519')
      const publicJwk = publicKey.export({ format: 'jwk' })
      const kid = await calculateJwkThumbprint(publicJwk)
      const foreign = seal(newKey(), Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' }))), 'signing key')
      await sql(
        `insert into signing_keys (kid, purpose, public_jwk, sealed_private_key, retired_at)
         values ($1, 'certificate', $2, $3, now())`,
        kid,
        JSON.stringify({ ...publicJwk, kid, alg: 'EdDSA' }),
        foreign,
      )
      const { rows: checkpoints } = await sql('select sequence::int, jws from audit_checkpoints where OWN')
      for (const { sequence, jws } of checkpoints) {
        const claims = JSON.parse(Buffer.from(jws.split('.')[1], 'base64url').toString()) as CheckpointClaims
        const { rows: now } = await sql('select hash from audit_entries where OWN and sequence = $1', sequence)
        const signedAnew = sign({ kid, privateKey }, { ...claims, hash: now[0].hash.toString('base64url') })
        await sql('update audit_checkpoints set jws = $2 where OWN and sequence = $1', sequence, signedAnew)
      }
    })
    expect(at(found)).toEqual(signed.map((number) => ({ problem: 'checkpoint_altered', from: number, to: number })))
  })

  it('is found when the end is removed with its checkpoints, by whoever noted the head elsewhere', async () => {
    const { head } = await verify(rows.tenant)
    const found: AuditProblem[][] = []
    const without = await problemsAfter(async () => {
      await sql('delete from audit_entries where OWN and sequence > 14')
      await sql('delete from audit_checkpoints where OWN and sequence > 14')
      found.push((await verifyAudit(test.app.database, rows.tenant, { noted: head })).problems)
    })
    expect(without).toEqual([])
    expect(found.map(at)).toEqual([only('removed', 15, entries)])
    expect((await verifyAudit(test.app.database, rows.tenant, { noted: head })).problems).toEqual([])
    const other = { ...head, hash: 'A'.repeat(43) }
    expect(at((await verifyAudit(test.app.database, rows.tenant, { noted: other })).problems)).toEqual(
      only('rewritten', 1, entries),
    )
  })

  it('stays found after the trail went on, and after the people in it are gone', async () => {
    const removed = await problemsAfter(async () => {
      await sql('delete from audit_entries where OWN and sequence > 20')
      await test.owner.query('set session_replication_role = origin')
      await write(rows.tenant, 99)
      await sealWaiting(test.app.database, { tenant: rows.tenant })
      await test.owner.query('delete from person_keys where tenant_id = $1', [rows.tenant])
      await test.owner.query('set session_replication_role = replica')
    })
    expect(at(removed)).toEqual([...only('removed', 21), ...only('removed', 22, 24)])
  })

  /** Gives the entry the hash that follows from it and the one before. */
  async function fitHash(sequence: number): Promise<void> {
    const { rows: entry } = await sql(
      `select ${chainedColumns} from audit_entries where OWN and sequence = $1`,
      sequence,
    )
    const { rows: before } = await sql('select hash from audit_entries where OWN and sequence = $1', sequence - 1)
    const hash = chainHash(rows.tenant, sequence, before[0]?.hash ?? Buffer.alloc(32), entry[0] as ChainedEntry)
    await sql('update audit_entries set hash = $2 where OWN and sequence = $1', sequence, hash)
  }
})

it('finds nothing in an empty trail', async () => {
  const { tenant } = await newTenant(test.owner)
  expect(await verify(tenant)).toEqual({
    sealed: 0,
    unsealed: 0,
    checkpoints: 0,
    head: { sequence: 0, hash: null },
    problems: [],
  })
  const nothing = (tx: TenantTransaction) => sealAudit(tx)
  expect(await inTenant(test.database, tenant, nothing)).toEqual({ sequence: 0, hash: null, sealed: 0, more: false })
})
