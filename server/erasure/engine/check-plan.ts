import { canLookUp, findMentions, type Mention } from '../../personal-data/find-mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { markPlanChanged } from '../plans/mark-plan-changed.ts'
import { digestOfParts, partsByPerson } from '../plans/plan-parts.ts'
import type { Batch, BatchPlan } from './claim-batch.ts'
import { findIdentifiersHeldByOthers } from './identifiers-held-by-others.ts'
import type { BatchSubjects } from './lock-and-check.ts'

/** The people who may be erased under their plan. */
export type Confirmed = {
  subjects: BatchSubjects
  /** Identifiers held by others of exactly these people, where the plan asked for them. */
  heldByOthers?: Promise<Set<string>>
  /** The mentions of exactly these people, where the plan covers them: they need no second look-up. */
  mentions?: readonly Mention[]
}

/**
 * The phase after the lock, for people who are erased under the plan of a preview. It counts what the plan covers by the
 * statement that made the preview, and compares the digests. A person with other rows now stays untouched, in
 * the state `plan_changed`, with the numbers of the plan and of now. The people are locked, so no other transaction can
 * add rows between this and the act. Without a plan it sends nothing.
 */
export async function checkPlan(tx: TenantTransaction, batch: Batch, subjects: BatchSubjects): Promise<Confirmed> {
  const { plan, request, prefetched } = batch
  // What a request knows of a contact is sealed from its beginning, so that does not tell who was erased before.
  const erased = new Set(batch.subjects.filter((subject) => subject.erased).map(({ id }) => id))
  const checked = subjects.ids.filter((id) => !erased.has(id))
  if (plan === null || prefetched.planned === undefined || checked.length === 0) return { subjects }
  const rows = await prefetched.planned
  const mentions = plan.coversMentions ? await findPlannedMentions(tx, batch, plan, subjects, checked) : undefined
  const found = partsByPerson(checked, rows, mentions)
  const planned = new Map(batch.subjects.map(({ id, plannedDigest }) => [id, plannedDigest]))
  const changed = new Map([...found].filter(([id, parts]) => planned.get(id)?.equals(digestOfParts(parts)) !== true))
  if (changed.size > 0) {
    await markPlanChanged(tx, { request, plan: plan.id, found: changed })
    return { subjects: without(subjects, changed) }
  }
  const held = erased.size === 0 ? mentions?.held : undefined
  const isWhole = batch.operation === 'purge' && plan.people === subjects.ids.length && erased.size === 0
  return {
    subjects,
    ...(held !== undefined && { heldByOthers: Promise.resolve(held) }),
    ...(isWhole && mentions !== undefined && { mentions: mentions.found }),
  }
}

/** The mentions of the people of the batch in rows of everyone outside of the plan. */
async function findPlannedMentions(
  tx: TenantTransaction,
  { request, operation, subjects: claimed }: Batch,
  plan: BatchPlan,
  { ids, identifiers }: BatchSubjects,
  checked: readonly string[],
): Promise<NonNullable<Parameters<typeof partsByPerson>[2]> & { held: Set<string> }> {
  const wanted = new Map(checked.map((id) => [id, identifiers.get(id) ?? []]))
  const values = [...wanted.values()].flat()
  const gone = plan.people === claimed.length ? claimed.map(({ id }) => id) : await readPeople(tx, plan.id)
  const looking = canLookUp(values) ? findMentions(tx, operation, values, gone) : undefined
  const holding = findIdentifiersHeldByOthers(tx, { request, identifiers: values, people: ids })
  // More identifiers than the preview had: whole tables are read, which needs the connection to itself.
  const [held, lookedUp] = await Promise.all([holding, looking])
  const all = lookedUp ?? (await findMentions(tx, operation, values, gone))
  const own = new Map([...wanted].map(([id, theirs]) => [id, theirs.filter(({ value }) => !held.has(value))]))
  return { found: all, identifiers: own, held }
}

async function readPeople(tx: TenantTransaction, plan: string): Promise<string[]> {
  const { rows } = await tx.query<{ user_id: string }>(
    'select user_id from erasure_plan_subjects where tenant_id = $1 and plan_id = $2 order by user_id',
    [tx.tenantId, plan],
    'people_of_plan',
  )
  return rows.map(({ user_id }) => user_id)
}

function without(subjects: BatchSubjects, left: ReadonlyMap<string, unknown>): BatchSubjects {
  const identifiers = new Map([...subjects.identifiers].filter(([id]) => !left.has(id)))
  return { ...subjects, ids: [...identifiers.keys()], identifiers }
}
