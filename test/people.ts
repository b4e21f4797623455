import { createUser } from '../server/people/accounts/create-user.ts'
import type { User } from '../server/people/accounts/user.ts'
import type { UserFields } from '../server/people/accounts/user-fields.ts'
import { inTenant, type TenantTransaction } from '../server/platform/database/transaction.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

/** A database with one tenant, for a file of tests. */
export type TestTenant = TestDatabase & {
  tenantId: string
  /** Runs in a transaction of the tenant. */
  run<T>(work: (tx: TenantTransaction) => Promise<T>): Promise<T>
  /** The same, in the name of a user. */
  as<T>(user: User, work: (tx: TenantTransaction) => Promise<T>): Promise<T>
  /** Creates a user, committed. */
  user(fields?: UserFields): Promise<User>
}

let tenants = 0

export async function createTestTenant(): Promise<TestTenant> {
  const test = await createTestDatabase()
  tenants += 1
  const tenant = await createTenant(test.database, { name: `Tenant ${tenants}`, kind: 'enterprise' })
  const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(test.database, tenant.id, work)
  return {
    ...test,
    tenantId: tenant.id,
    run,
    as: (user, work) => inTenant(test.database, tenant.id, work, { initiator: { from: 'console', userId: user.id } }),
    user: (fields = {}) => run((tx) => createUser(tx, fields)),
  }
}

/** A catalog with one course, one training plan and one session of the course, and a group. */
export async function createPlaces(tx: TenantTransaction) {
  await tx.query(`set local lethe_test.fixture = 'yes'`)
  const { rows } = await tx.query<{ group: string; catalog: string; course: string; plan: string; session: string }>(
    `with g as (
       insert into directory_groups (tenant_id, display_name) values ($1::uuid, 'Group') returning id
     ), c as (
       insert into catalogs (tenant_id, title) values ($1::uuid, 'Catalog') returning id
     ), course as (
       insert into courses (tenant_id, catalog_id, title) select $1::uuid, id, 'Course' from c returning id
     ), plan as (
       insert into training_plans (tenant_id, catalog_id, title) select $1::uuid, id, 'Plan' from c returning id
     ), session as (
       insert into sessions (tenant_id, course_id, title) select $1::uuid, id, 'Session' from course returning id
     )
     select g.id as "group", c.id as catalog, course.id as course, plan.id as plan, session.id as session
     from g, c, course, plan, session`,
    [tx.tenantId],
  )
  const [places] = rows
  if (places === undefined) throw new Error('Nothing was created')
  return places
}
