import { v7 as newId } from 'uuid'
import { record } from '../audit/record.ts'
import type { Database } from '../platform/database/pool.ts'
import {
  inTenant,
  isUuid,
  outsideTenants,
  type TenantTransaction,
  tenantIds,
} from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { inputError } from '../platform/validation/errors.ts'
import { tenancyError } from './errors.ts'
import { requireTenantName } from './tenant-name.ts'

export const tenantKinds = ['enterprise', 'trial'] as const
export type TenantKind = (typeof tenantKinds)[number]

export type Tenant = {
  id: string
  name: string
  kind: TenantKind
  created_at: Date
  /** An erasure from outside took its last administrator, and it has none since. */
  needs_administrator: boolean
}

/** `id`: the id to give it, a UUID that no tenant has; `initiator`: who creates it. */
export type NewTenant = { name: string; kind: TenantKind; id?: string; initiator?: Initiator }

/**
 * Creates a tenant. Names are unique in the installation, and no name looks like an id.
 *
 * Throws `input.invalid` and `tenant.name_taken`.
 */
export async function createTenant(database: Database, options: NewTenant): Promise<Tenant> {
  return await createTenantWith(database, options, (_tx, tenant) => Promise.resolve(tenant))
}

/**
 * Creates a tenant and fills it in the same transaction, so that it comes into being whole or not at all. Returns what
 * `fill` returns; like everything in a transaction, `fill` may run again.
 *
 * Throws like {@link createTenant}, and what `fill` throws.
 */
export async function createTenantWith<T>(
  database: Database,
  options: NewTenant,
  fill: (tx: TenantTransaction, tenant: Tenant) => Promise<T>,
): Promise<T> {
  const name = requireTenantName(options.name)
  if (!tenantKinds.includes(options.kind)) {
    throw inputError('input.invalid', { field: 'kind', expected: `one of ${tenantKinds.join(', ')} is expected` })
  }
  // The tenant's own row belongs to the tenant: the transaction that may insert it is the new tenant's.
  const id = options.id ?? newId()
  const { initiator } = options
  const create = async (tx: TenantTransaction) => {
    const { rows } = await tx.query<Tenant>(
      `insert into tenants (id, name, kind) values ($1::uuid, $2, $3)
       on conflict do nothing
       returning id, name, kind, created_at, false as needs_administrator`,
      [id, name, options.kind],
    )
    const [tenant] = rows
    if (tenant === undefined) throw tenancyError('tenant.name_taken')
    await record(tx, { activity: 'TenantCreated', object: tenant.id, details: { kind: tenant.kind } })
    return await fill(tx, tenant)
  }
  return await inTenant(database, id, create, { ...(initiator && { initiator }) })
}

/** All tenants of the installation, the oldest first: for the operator, who is nobody's user. */
export async function listTenants(database: Database): Promise<Tenant[]> {
  const tenants: Tenant[] = []
  for (const id of await tenantIds(database)) {
    const tenant = await readTenant(database, id)
    if (tenant !== undefined) tenants.push(tenant)
  }
  return tenants
}

/** The tenant of this name or id. Throws `tenant.not_found`. */
export async function findTenant(database: Database, nameOrId: string): Promise<Tenant> {
  const id = isUuid(nameOrId) ? nameOrId : await idOfName(database, nameOrId.trim())
  const tenant = id === undefined ? undefined : await readTenant(database, id)
  if (tenant === undefined) throw tenancyError('tenant.not_found', { tenant: nameOrId })
  return tenant
}

/**
 * The tenant that a command means: the one it names or, where it names none, the only one there is.
 *
 * Throws `tenant.not_found`, and `tenant.needed` where none is named and there is not exactly one.
 */
export async function chooseTenant(database: Database, nameOrId: string | undefined): Promise<Tenant> {
  if (nameOrId !== undefined) return await findTenant(database, nameOrId)
  const ids = await tenantIds(database)
  const [only] = ids
  if (only === undefined || ids.length > 1) throw tenancyError('tenant.needed', { count: ids.length })
  return await findTenant(database, only)
}

async function idOfName(database: Database, name: string): Promise<string | undefined> {
  if (name.includes('\0')) return undefined
  const [row] = await outsideTenants<{ id: string | null }>(database, 'select tenant_id_of_name($1) as id', [name])
  return row?.id ?? undefined
}

async function readTenant(database: Database, id: string): Promise<Tenant | undefined> {
  return await inTenant(database, id, async (tx) => {
    const { rows } = await tx.query<Tenant>(
      `select id, name, kind, created_at,
         administrators_gone_at is not null and not exists (
           select from users where tenant_id = $1 and state = 'active' and 'administrator' = any (roles)
         ) as needs_administrator
       from tenants where id = $1`,
      [id],
    )
    return rows[0]
  })
}
