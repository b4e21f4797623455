import type { TenantTransaction } from '../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../platform/validation/page.ts'
import { openReference, sealReference } from './reference.ts'

/** What the receiver of an endpoint knows a user by. */
export type RegisteredReference = { user_id: string; reference: string }

/** Stores references, each in place of the one before; null removes it. The users are locked. */
export async function storeReferences(
  tx: TenantTransaction,
  endpointId: string,
  references: readonly { userId: string; reference: string | null }[],
): Promise<void> {
  await tx.query(
    `insert into webhook_references (tenant_id, endpoint_id, user_id, sealed_reference)
     select $1, $2, given.* from unnest($3::uuid[], $4::bytea[]) as given
     on conflict (tenant_id, endpoint_id, user_id) do update set sealed_reference = excluded.sealed_reference`,
    [
      tx.tenantId,
      endpointId,
      references.map(({ userId }) => userId),
      references.map(({ reference }) => reference && sealReference(tx, reference)),
    ],
  )
}

/** A page of the references of an endpoint, in the order of the users' ids. Throws `input.invalid`. */
export async function listReferences(
  tx: TenantTransaction,
  endpointId: string,
  options: Paging = {},
): Promise<{ references: RegisteredReference[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { rows } = await tx.query<{ id: string; sealed_reference: Buffer }>(
    `select user_id as id, sealed_reference from webhook_references
     where tenant_id = $1 and endpoint_id = $2 and sealed_reference is not null and ($3::uuid is null or user_id > $3)
     order by user_id limit $4`,
    [tx.tenantId, endpointId, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return {
    references: page.map(({ id, sealed_reference }) => ({
      user_id: id,
      reference: openReference(tx, sealed_reference),
    })),
    next,
  }
}
