import type { TenantTransaction } from '../platform/database/transaction.ts'

export type ListedCatalog = {
  id: string
  title: string
  description: string | null
  contact_emails: string[]
  created_at: Date
  courses: number
  training_plans: number
  /** Users who were added, administrators included. */
  members: number
  administrators: number
  /** Groups of the directory that the catalog is open to. */
  groups: number
}

/** All catalogs of the tenant, by title. */
export async function listCatalogs(tx: TenantTransaction): Promise<ListedCatalog[]> {
  const { rows } = await tx.query<ListedCatalog>(
    `select id, title, description, contact_emails, created_at,
       (select count(*) from courses c where c.tenant_id = $1 and c.catalog_id = catalog.id) as courses,
       (select count(*) from training_plans p where p.tenant_id = $1 and p.catalog_id = catalog.id) as training_plans,
       members.members, members.administrators,
       (select count(*) from catalog_groups g where g.tenant_id = $1 and g.catalog_id = catalog.id) as groups
     from catalogs catalog
     cross join lateral (
       select count(*) as members, count(*) filter (where role = 'administrator') as administrators
       from catalog_members m where m.tenant_id = $1 and m.catalog_id = catalog.id and m.deletion_id is null
     ) members
     where tenant_id = $1
     order by title, id`,
    [tx.tenantId],
  )
  return rows
}
