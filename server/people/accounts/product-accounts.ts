import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { Product } from './user.ts'

/** The products of a user; inactive while the delete that took the account away is not undone. */
export type ProductAccount = { product: Product; active: boolean; created_at: Date }

/** Gives the user accounts in exactly these products. */
export async function setProducts(tx: TenantTransaction, userId: string, products: readonly Product[]): Promise<void> {
  await tx.query(
    `with closed as (
       delete from product_accounts where tenant_id = $1 and user_id = $2 and product <> all ($3::text[])
     )
     insert into product_accounts (tenant_id, user_id, product)
     select $1::uuid, $2::uuid, product from unnest($3::text[]) as product
     on conflict (tenant_id, user_id, product) do update set deletion_id = null
     where product_accounts.deletion_id is not null`,
    [tx.tenantId, userId, products],
    'set_products',
  )
}

export async function listProducts(tx: TenantTransaction, userId: string): Promise<ProductAccount[]> {
  const { rows } = await tx.query<ProductAccount>(
    `select product, deletion_id is null as active, created_at from product_accounts
     where tenant_id = $1 and user_id = $2 order by product`,
    [tx.tenantId, userId],
  )
  return rows
}
