import { findHolders } from '../../people/identifiers/holders.ts'
import { afterDelete, countPlannedRows } from '../../personal-data/affected-rows.ts'
import { findMentions } from '../../personal-data/find-mentions.ts'
import { lockSubjects } from '../../personal-data/subjects.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { digestOfParts, type PlanPart, partsByPerson } from './plan-parts.ts'
import type { Plan } from './require-plan.ts'

const peopleAtATime = 500

/**
 * Locks the people of a plan, and returns those whose parts differ by now, with these parts. For a delete that comes with
 * the request: it leaves out users that the plan does not fit any more. People who are gone are not returned.
 */
export async function findChanged(tx: TenantTransaction, plan: Plan): Promise<Map<string, PlanPart[]>> {
  const { id, operation, userIds, coversMentions } = plan
  const changed = new Map<string, PlanPart[]>()
  for (let from = 0; from < userIds.length; from += peopleAtATime) {
    const some = userIds.slice(from, from + peopleAtATime)
    const subjects = await lockSubjects(tx, some)
    const people = subjects.map((subject) => subject.id)
    const undeleted = subjects.filter(({ state }) => state !== 'deleted').map((subject) => subject.id)
    const counted = await countPlannedRows(tx, operation, { people, gone: userIds, plan: null })
    const identifiers = new Map(subjects.map((subject) => [subject.id, subject.identifiers]))
    let mentions: Parameters<typeof partsByPerson>[2]
    if (coversMentions) {
      const all = [...identifiers.values()].flat()
      const shared = await findHolders(
        tx,
        all.map(({ value }) => value),
        userIds,
      )
      const own = new Map(
        [...identifiers].map(([one, theirs]) => [one, theirs.filter(({ value }) => !shared.has(value))]),
      )
      mentions = { found: await findMentions(tx, operation, [...own.values()].flat(), userIds), identifiers: own }
    }
    const parts = partsByPerson(people, afterDelete(counted, undeleted), mentions)
    const { rows } = await tx.query<{ user_id: string; digest: Buffer }>(
      `select user_id, digest from erasure_plan_subjects
       where tenant_id = $1 and plan_id = $2 and user_id = any ($3::uuid[])`,
      [tx.tenantId, id, people],
      'digests_of_plan',
    )
    const planned = new Map(rows.map(({ user_id, digest }) => [user_id, digest]))
    for (const [person, found] of parts) {
      if (planned.get(person)?.equals(digestOfParts(found)) !== true) changed.set(person, found)
    }
  }
  return changed
}
