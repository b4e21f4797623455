import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** A group of the directory through which its members are in a catalog; with a course: in that course of it only. */
export type GroupAccess = { group_id: string; course_id: string | null }

/** The groups through which people are in the catalog, directly or through one of its courses. */
export async function groupsOfCatalog(tx: TenantTransaction, catalogId: string): Promise<GroupAccess[]> {
  const { rows } = await tx.query<GroupAccess>(
    `select group_id, null::uuid as course_id from catalog_groups where tenant_id = $1 and catalog_id = $2
     union all
     select g.group_id, g.course_id from courses c join course_groups g on g.tenant_id = c.tenant_id and g.course_id = c.id
     where c.tenant_id = $1 and c.catalog_id = $2
     order by course_id nulls first, group_id`,
    [tx.tenantId, catalogId],
  )
  return rows
}

/** A catalog or a course that a group opens, and how many of its members have no other way into it. */
export type OpenedPlace = { kind: 'catalog' | 'course'; id: string; title: string; losing: number }

/** What members of a group have through it alone. `user_ids`: the first of them, by id. */
export type AccessOfGroup = { places: OpenedPlace[]; losing: number; user_ids: string[] }

const mostUsers = 1000

/**
 * The catalogs and courses that a group opens, and who would lose them with it: active members who are in none of them by
 * name or through another group. Enrollments do not depend on it.
 */
export async function readAccessOfGroup(tx: TenantTransaction, groupId: string): Promise<AccessOfGroup> {
  const { rows } = await tx.query<AccessOfGroup>(
    `with place as (
       select 'catalog' as kind, c.id, c.title, c.id as catalog_id
       from catalog_groups g join catalogs c on c.tenant_id = g.tenant_id and c.id = g.catalog_id
       where g.tenant_id = $1 and g.group_id = $2
       union all
       select 'course', c.id, c.title, c.catalog_id
       from course_groups g join courses c on c.tenant_id = g.tenant_id and c.id = g.course_id
       where g.tenant_id = $1 and g.group_id = $2
     ), other as (
       select m.group_id, m.user_id
       from group_members mine join group_members m
         on m.tenant_id = mine.tenant_id and m.user_id = mine.user_id and m.group_id <> mine.group_id
       where mine.tenant_id = $1 and mine.group_id = $2 and mine.deletion_id is null and m.deletion_id is null
     ), lost as (
       select p.kind, p.id, m.user_id
       from place p join group_members m on m.tenant_id = $1 and m.group_id = $2 and m.deletion_id is null
       where not exists (
         select from catalog_members c
         where c.tenant_id = $1 and c.catalog_id = p.catalog_id and c.user_id = m.user_id and c.deletion_id is null
       ) and not exists (
         select from catalog_groups g join other o on o.group_id = g.group_id
         where g.tenant_id = $1 and g.catalog_id = p.catalog_id and o.user_id = m.user_id
       ) and not exists (
         select from course_groups g join other o on o.group_id = g.group_id
         where p.kind = 'course' and g.tenant_id = $1 and g.course_id = p.id and o.user_id = m.user_id
       )
     )
     select coalesce((
         select jsonb_agg(
           jsonb_build_object('kind', p.kind, 'id', p.id, 'title', p.title, 'losing', (
             select count(*) from lost where lost.kind = p.kind and lost.id = p.id
           )) order by p.kind, p.title, p.id
         )
         from place p
       ), '[]') as places,
       (select count(distinct user_id)::int from lost) as losing,
       array(select distinct user_id from lost order by user_id limit ${mostUsers}) as user_ids`,
    [tx.tenantId, groupId],
    'access_of_group',
  )
  return rows[0] ?? { places: [], losing: 0, user_ids: [] }
}

/** Closes all catalogs and courses to a group; all stay enrolled. */
export async function closeToGroup(tx: TenantTransaction, groupId: string): Promise<void> {
  const catalogs = await tx.query<{ id: string }>(
    'delete from catalog_groups where tenant_id = $1 and group_id = $2 returning catalog_id as id',
    [tx.tenantId, groupId],
  )
  const courses = await tx.query<{ id: string }>(
    'delete from course_groups where tenant_id = $1 and group_id = $2 returning course_id as id',
    [tx.tenantId, groupId],
  )
  const details = { group: groupId }
  await record(tx, [
    ...catalogs.rows.map(({ id }) => ({ activity: 'CatalogGroupUnassigned' as const, object: id, details })),
    ...courses.rows.map(({ id }) => ({ activity: 'CourseGroupUnassigned' as const, object: id, details })),
  ])
}
