import { createHash } from 'node:crypto'
import { v7 as newId } from 'uuid'
import { compiledMap } from '../../datamap/compiled.ts'
import type { Operation } from '../../datamap/plan.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns, type Initiator } from '../../platform/initiator.ts'
import { digestOfParts, type PlanPart, storedPart } from './plan-parts.ts'

/**
 * How long a request may name a plan, in milliseconds. An hour is enough to show a preview to a colleague. A plan that
 * stayed for days could name what its reader has long forgotten.
 */
export const planLifetime = 60 * 60 * 1000

/** What a plan is bound to, besides the tenant, the version of the data map and the requester. */
export type PlanOptions = {
  operation: Operation
  /** The people who are not deleted yet are deleted with the request, and the plan counts as after that. */
  deleteFirst: boolean
}

export type NewPlan = PlanOptions & {
  /** The parts of each person, by internal id. */
  parts: ReadonlyMap<string, readonly PlanPart[]>
  /** Whether the parts cover mentions too. */
  coversMentions: boolean
}

/** The version of the way in which a plan is made; another one makes another digest. */
const planVersion = 1

const peopleAtATime = 1000

/**
 * Stores the plan of a preview, and returns the digest by which a request names it, in hexadecimal, with its end. The same
 * preview has the same digest, and naming it is possible for longer then.
 */
export async function storePlan(tx: TenantTransaction, given: NewPlan): Promise<{ plan: string; expiresAt: Date }> {
  const people = [...given.parts]
    .map(([id, parts]) => ({ id, digest: digestOfParts(parts), parts }))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
  const plan = digestOfPlan(
    tx,
    given,
    people.map(({ id, digest }) => ({ name: id, digest })),
  )
  const { id, expiresAt } = await insertPlan(tx, { ...given, digest: plan, people: people.length })
  for (let from = 0; from < people.length; from += peopleAtATime) {
    const some = people.slice(from, from + peopleAtATime)
    await tx.query(
      `insert into erasure_plan_subjects (tenant_id, plan_id, user_id, digest, parts)
       select $1, $2, given.user_id, given.digest, given.parts::jsonb
       from unnest($3::uuid[], $4::bytea[], $5::text[]) as given (user_id, digest, parts)
       on conflict do nothing`,
      [
        tx.tenantId,
        id,
        some.map((one) => one.id),
        some.map((one) => one.digest),
        some.map((one) => JSON.stringify(one.parts.map(storedPart))),
      ],
      'insert_plan_subjects',
    )
  }
  return { plan, expiresAt }
}

/**
 * The digest by which a request names a plan, in hexadecimal: over everything that the plan is bound to. `people`: a name
 * of each person and the digest of the person's parts, in the order of the names.
 */
export function digestOfPlan(
  tx: TenantTransaction,
  { operation, deleteFirst, coversMentions }: PlanOptions & Pick<NewPlan, 'coversMentions'>,
  people: readonly { name: string; digest: Buffer }[],
): string {
  const requester = requesterDigest(tx.initiator).toString('hex')
  const hash = createHash('sha256').update(
    `lethe plan ${planVersion}\n${tx.tenantId}\n${operation}\n${deleteFirst}\n${coversMentions}\n${compiledMap.version}\n${requester}\n`,
  )
  for (const { name, digest } of people) hash.update(`${name} ${digest.toString('hex')}\n`)
  return hash.digest('hex')
}

/** Inserts a plan without its people, or lets the same one live for longer. Returns its id and its end. */
export async function insertPlan(
  tx: TenantTransaction,
  given: PlanOptions & Pick<NewPlan, 'coversMentions'> & { digest: string; people: number },
): Promise<{ id: string; expiresAt: Date }> {
  const expiresAt = new Date(Date.now() + planLifetime)
  const { rows } = await tx.query<{ id: string }>(
    `insert into erasure_plans (tenant_id, id, digest, operation, delete_first, map_version, requester, people,
       covers_mentions, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (tenant_id, digest) do update set expires_at = excluded.expires_at
     returning id`,
    [
      tx.tenantId,
      newId(),
      given.digest,
      given.operation,
      given.deleteFirst,
      compiledMap.version,
      requesterDigest(tx.initiator),
      given.people,
      given.coversMentions,
      expiresAt,
    ],
    'insert_plan',
  )
  const [plan] = rows
  if (plan === undefined) throw new Error('the plan was just inserted and is not there')
  return { id: plan.id, expiresAt }
}

/**
 * Who a plan belongs to, as a digest: the acting user, else the API key, client or operator, else the way by which the act
 * comes. It holds no reference to a person, so nothing of it has to go with one.
 */
export function requesterDigest(initiator: Initiator): Buffer {
  const { userId, credentialId } = actorColumns(initiator)
  const requester = userId ?? credentialId ?? initiator.from
  return createHash('sha256').update(`lethe requester\n${requester}`).digest()
}
