import { randomUUID } from 'node:crypto'
import { type AuditRecord, record } from '../server/audit/record.ts'
import { sealWaiting } from '../server/audit/seal-audit.ts'
import { verifyAudit } from '../server/audit/verify-audit.ts'
import { createUser } from '../server/people/accounts/create-user.ts'
import { newKey } from '../server/platform/crypto/seal.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { type Database, openDatabase } from '../server/platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../server/platform/database/transaction.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { type Place, urlOf } from './databases.ts'
import { median, milliseconds, type Row } from './report.ts'

const writers = 8
/** Short rounds, by turns: whatever else the machine does meanwhile hits both sides of a pair alike. */
const entriesPerWriter = 80
const pairs = 31
const rounds = 7
const bulk = 5000

/**
 * Writing of the audit trail by parallel writers, a transaction for each entry, against plain inserts of the same rows
 * in the same transactions. It measures entries of both kinds in turn, entries without values, and entries with values
 * about a person who already has a key. Then one statement for many entries, sealing and verification, by themselves.
 */
export async function benchAudit(place: Place): Promise<Row[]> {
  const name = 'lethe_bench_audit'
  const [ownerUrl, appUrl] = [urlOf(place.ownerUrl, name), urlOf(place.appUrl, name)]
  await migrate({ ownerUrl, appUrl })
  const database = await openDatabase({ url: appUrl, masterKey: newKey() })
  try {
    const { id: tenant } = await createTenant(database, { name: 'Benchmark', kind: 'enterprise' })
    const people: string[] = []
    while (people.length < 200) people.push((await inTenant(database, tenant, (tx) => createUser(tx, {}))).id)
    const plain: AuditRecord = { activity: 'CourseCreated', object: randomUUID(), details: { catalog: randomUUID() } }
    const about = (number: number): AuditRecord => ({
      activity: 'UserUpdated',
      object: people[number % people.length],
      details: { columns: ['city'] },
      values: { before: { city: 'Bern' }, after: { city: 'Basel' } },
    })
    const rows = [
      await compare(database, tenant, 'audit: 8 writers, half with values about people', (number) =>
        number % 2 === 0 ? plain : about(number),
      ),
      await compare(database, tenant, 'audit: 8 writers, none with values', () => plain),
      await compare(database, tenant, 'audit: 8 writers, all with values', about),
    ]
    await measureRest(place, database, tenant)
    return rows
  } finally {
    await database.close()
  }
}

async function compare(
  database: Database,
  tenant: string,
  what: string,
  entry: (number: number) => AuditRecord,
): Promise<Row> {
  // The very rows that record writes, to be written again as they are.
  await inTenant(database, tenant, (tx) =>
    record(
      tx,
      Array.from({ length: 200 }, (_, number) => entry(number)),
    ),
  )
  const copies = await inTenant(database, tenant, async (tx) => {
    const { rows } = await tx.query(
      `select initiated_from, actor_kind, actor_id, activity, object_kind, object_id, subject_id, contact_hash, details, sealed_values
       from audit_entries where tenant_id = $1 order by id desc limit 200`,
      [tenant],
    )
    return rows.map((row) => Object.values(row))
  })
  const floors: number[] = []
  const ours: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    floors.push(
      await parallel(database, tenant, (tx, number) => insertPlainly(tx, copies[number % copies.length] ?? [])),
    )
    ours.push(await parallel(database, tenant, (tx, number) => record(tx, entry(number))))
  }
  const ratio = median(floors.map((floor, pair) => (ours[pair] ?? 0) / floor))
  return {
    what,
    floor: perSecond(median(floors)),
    ours: perSecond(median(ours)),
    ratio,
    target: '>= 0.7',
    met: ratio >= 0.7,
  }
}

/** Entries a second. */
async function parallel(
  database: Database,
  tenant: string,
  write: (tx: TenantTransaction, number: number) => Promise<void>,
): Promise<number> {
  const started = performance.now()
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let number = 0; number < entriesPerWriter; number++) {
        await inTenant(database, tenant, (tx) => write(tx, writer * entriesPerWriter + number))
      }
    }),
  )
  return (writers * entriesPerWriter * 1000) / (performance.now() - started)
}

function insertPlainly(tx: TenantTransaction, values: unknown[]): Promise<void> {
  tx.send(
    `insert into audit_entries (tenant_id, id, at, initiated_from, actor_kind, actor_id, activity, object_kind, object_id,
       subject_id, contact_hash, details, sealed_values)
     values ($1, uuid_v7(), clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [tx.tenantId, ...values],
    'plain_insert',
  )
  return Promise.resolve()
}

async function measureRest(place: Place, database: Database, tenant: string): Promise<void> {
  await sealWaiting(database, { tenant })
  const object = randomUUID()
  const many = Array.from({ length: bulk }, (): AuditRecord => ({ activity: 'UserPurged', object }))
  const times = { record: [] as number[], seal: [] as number[], sealOne: [] as number[] }
  const timed = async (list: number[], work: () => Promise<unknown>) => {
    const started = performance.now()
    await work()
    list.push(performance.now() - started)
  }
  for (let round = 0; round < rounds; round++) {
    await timed(times.record, () => inTenant(database, tenant, (tx) => record(tx, many)))
    await timed(times.seal, () => sealWaiting(database, { tenant }))
    for (let number = 0; number < 20; number++) {
      await inTenant(database, tenant, (tx) => record(tx, { activity: 'UserPurged', object }))
      await timed(times.sealOne, () => sealWaiting(database, { tenant }))
    }
  }
  const verified: number[] = []
  let sealed = 0
  await timed(verified, async () => {
    const found = await verifyAudit(database, tenant)
    if (found.problems.length > 0) throw new Error('the trail of the benchmark does not verify')
    sealed = found.sealed
  })
  place.log(
    `audit: ${bulk} entries recorded in ${milliseconds(median(times.record))}, sealed in ${milliseconds(median(times.seal))}; ` +
      `one entry sealed in ${milliseconds(median(times.sealOne))}; ` +
      `${sealed.toLocaleString('en-US')} verified in ${milliseconds(median(verified))}`,
  )
}

function perSecond(count: number): string {
  return `${Math.round(count).toLocaleString('en-US')}/s`
}
