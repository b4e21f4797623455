import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import type { Database } from '../platform/database/pool.ts'
import { onBehalfOf, type TenantTransaction } from '../platform/database/transaction.ts'
import { tenancyError } from '../tenancy/errors.ts'
import { createTenantWith, findTenant, type Tenant } from '../tenancy/tenants.ts'
import { hirePeople } from './hire-people.ts'
import { awardSkills, discuss, enrollPeople, handIn, openCatalogs, recordLearning } from './leave-traces.ts'
import type { Making } from './making.ts'
import { openCourses } from './open-courses.ts'
import { randomFrom } from './random.ts'

export const demoTenantName = 'Demo Academy'

const seed = 5108
const suspendedCount = 8

/**
 * Loads the tenant of the demo: an academy of 300 people who never were, with all that people leave behind. The same on
 * every machine, with times counted back from now. Loads all of it or nothing; where the tenant exists, nothing.
 * `onLoad` is called when there is something to load.
 *
 * Throws the signal's reason when it is aborted.
 */
export async function loadDemo(
  database: Database,
  options: { signal?: AbortSignal; onLoad?: () => void } = {},
): Promise<{ tenant: Tenant; loaded: boolean }> {
  try {
    return await createTenantWith(database, { name: demoTenantName, kind: 'enterprise' }, async (tx, tenant) => {
      options.onLoad?.()
      await fillAcademy(tx, options.signal)
      return { tenant, loaded: true }
    })
  } catch (error) {
    if (!tenancyError.is(error, 'tenant.name_taken')) throw error
    return { tenant: await findTenant(database, demoTenantName), loaded: false }
  }
}

async function fillAcademy(tx: TenantTransaction, signal: AbortSignal | undefined): Promise<void> {
  const making = await beginMaking(tx)
  const places = await openCourses(making)
  const enrollments = await enrollPeople(making, places)
  const everything = { ...places, enrollments }
  const steps = [
    () => recordLearning(making, enrollments),
    () => discuss(making, everything),
    () => handIn(making, enrollments),
    () => awardSkills(making, everything),
    () => openCatalogs(making, everything),
    () => sayGoodbye(making),
  ]
  for (const step of steps) {
    signal?.throwIfAborted()
    await step()
  }
}

async function beginMaking(tx: TenantTransaction): Promise<Making> {
  const now = Date.now()
  const random = randomFrom(seed)
  const ago = (days: number) => new Date(now - days * 86_400_000)
  const people = await hirePeople({ tx, random, ago })
  const leavers = people.filter(({ left }) => left > 0)
  return {
    tx,
    random,
    people,
    leavers,
    ago,
    when: (person, within) => ago(person.left + (1 + random.below(within * 24 - 1)) / 24),
    mention: (text) => text.replace('{who}', () => random.pick(random.chance(50) ? leavers : people).email),
  }
}

/** Suspends a few, and deletes those who left, each on the day of leaving. */
async function sayGoodbye({ tx, random, people, leavers, ago }: Making): Promise<void> {
  const staying = people.filter(({ left, roles }) => left === 0 && roles.length === 1)
  for (const { id } of random.some(staying, suspendedCount)) await suspendUser(tx, id)
  const [first] = people
  for (const { id, left } of leavers) {
    await deleteUsers(onBehalfOf(tx, { from: 'console', userId: first?.id }), { userIds: [id], at: ago(left) })
  }
  // Everybody was last here some hours ago, or some hours before leaving.
  await tx.query(
    `update users set last_seen_at = coalesce(deleted_at, $2) - make_interval(hours => 1 + length(display_name) % 20)
     where tenant_id = $1`,
    [tx.tenantId, ago(0)],
  )
}
