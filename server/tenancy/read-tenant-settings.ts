import type { TenantTransaction } from '../platform/database/transaction.ts'
import { tenancyError } from './errors.ts'
import { settingsColumns, type TenantSettings } from './update-tenant.ts'

/** The settings of the transaction's tenant. Throws `tenant.not_found`. */
export async function readTenantSettings(tx: TenantTransaction): Promise<TenantSettings> {
  const { rows } = await tx.query<TenantSettings>(`select ${settingsColumns} from tenants where id = $1`, [tx.tenantId])
  const [settings] = rows
  if (settings === undefined) throw tenancyError('tenant.not_found', { tenant: tx.tenantId })
  return settings
}
