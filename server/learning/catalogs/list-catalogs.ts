import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requirePresent } from '../require-existing.ts'

export type ListedCatalog = {
  id: string
  title: string
  description: string | null
  contact_emails: string[]
  /** Its key in the data set that it was imported from. */
  external_key: string | null
  created_at: Date
  /** Null: it is not deleted. */
  deleted_at: Date | null
  courses: number
  training_plans: number
  /** Users who were added, administrators included. */
  members: number
  administrators: number
  /** Groups of the directory that the catalog is open to. */
  groups: number
}

// Counted for the page only: the catalogs are chosen first. Members are counted in one pass, because there may be one
// catalog with nearly all of them.
const counted = `select id, title, description, contact_emails, external_key, created_at, deleted_at,
    (select count(*) from courses c where c.tenant_id = $1 and c.catalog_id = catalog.id and c.deleted_at is null) as courses,
    (select count(*) from training_plans p where p.tenant_id = $1 and p.catalog_id = catalog.id and p.deleted_at is null) as training_plans,
    coalesce(members.members, 0) as members, coalesce(members.administrators, 0) as administrators,
    (select count(*) from catalog_groups g where g.tenant_id = $1 and g.catalog_id = catalog.id) as groups
  from chosen catalog
  left join (
    select catalog_id, count(*) as members, count(*) filter (where role = 'administrator') as administrators
    from catalog_members
    where tenant_id = $1 and catalog_id in (select id from chosen) and deletion_id is null
    group by catalog_id
  ) members on members.catalog_id = catalog.id
  order by title, id`

/**
 * The catalogs of the tenant that are not deleted, by title: all of them, or a page of at most `limit` (up to 1000) behind the catalog `after`.
 * `next` goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`, and `catalog.not_found` for `after`.
 */
export async function listCatalogs(
  tx: TenantTransaction,
  options: { limit?: number; after?: string } = {},
): Promise<{ catalogs: ListedCatalog[]; next: string | undefined }> {
  const limit = options.limit && requireWholeNumber('limit', options.limit, { from: 1, to: 1000 })
  const after = options.after === undefined ? undefined : requireUuid('after', options.after)
  if (after !== undefined) await requirePresent(tx, 'catalog', [after])
  const { rows } = await tx.query<ListedCatalog>(
    `with chosen as materialized (
       select id, title, description, contact_emails, external_key, created_at, deleted_at from catalogs
       where tenant_id = $1 and deleted_at is null
         and ($2::uuid is null or (title, id) > (select title, id from catalogs where tenant_id = $1 and id = $2))
       order by title, id
       limit $3
     )
     ${counted}`,
    [tx.tenantId, after ?? null, limit === undefined ? null : limit + 1],
  )
  const catalogs = rows.slice(0, limit)
  return { catalogs, next: rows.length > catalogs.length ? catalogs.at(-1)?.id : undefined }
}

/** One catalog, deleted or not. Throws `input.invalid`, `catalog.not_found`. */
export async function showCatalog(tx: TenantTransaction, catalogId: string): Promise<ListedCatalog> {
  const id = requireUuid('catalogId', catalogId)
  const { rows } = await tx.query<ListedCatalog>(
    `with chosen as materialized (
       select id, title, description, contact_emails, external_key, created_at, deleted_at from catalogs where tenant_id = $1 and id = $2
     )
     ${counted}`,
    [tx.tenantId, id],
  )
  const [catalog] = rows
  if (catalog === undefined) throw learningError('catalog.not_found', { id })
  return catalog
}
