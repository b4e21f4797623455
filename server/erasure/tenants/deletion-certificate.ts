import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { certificateError } from '../proof/errors.ts'
import type { TenantRows } from './preview-tenant-deletion.ts'

/** What the certificate of a deleted tenant states. It has the id of the tenant, and neither its name nor any person. */
export type TenantDeletionClaims = {
  type: 'lethe.tenant_deletion'
  version: 1
  tenant: string
  kind: string
  tenant_created_at: string
  deleted_at: string
  initiated_from: string
  /** Hash of the data map that the deletion worked by. */
  data_map: string
  /** Users in any state. */
  people: number
  /** What was deleted from which table, in rows. */
  tables: TenantRows[]
  /** Every table was counted again afterwards. */
  verification: { rows_left: 0 }
  /** How far the tenant's audit trail was sealed: the place and the hash of the last entry. */
  audit: { sequence: number; hash: string | null }
}

/** The file of such a certificate: all that an offline check needs. */
export type TenantDeletionFile = { type: 'lethe.tenant_deletion'; certificate: string; keys: JSONWebKeySet }

/** The file as the certificate of a deleted tenant; undefined where it is none. */
export async function asTenantDeletionFile(file: unknown): Promise<TenantDeletionFile | undefined> {
  const { isDeletionFile } = await import('./deletion-shapes.ts')
  return isDeletionFile(file) ? (file as TenantDeletionFile) : undefined
}

/**
 * Verifies the certificate of a deleted tenant without a database, by the given keys or those of the file. Answers what it
 * states and the name of the key. Throws `certificate.invalid`.
 */
export async function verifyTenantDeletion(
  { certificate, keys }: TenantDeletionFile,
  trusted?: JSONWebKeySet,
): Promise<{ claims: TenantDeletionClaims; kid: string }> {
  try {
    const keySet = createLocalJWKSet(trusted ?? keys)
    const { payload, protectedHeader } = await compactVerify(certificate, keySet, { algorithms: ['EdDSA'] })
    const claims: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    const { areDeletionClaims } = await import('./deletion-shapes.ts')
    if (!areDeletionClaims(claims)) throw new TypeError('not the certificate of a deleted tenant')
    return { claims: claims as TenantDeletionClaims, kid: protectedHeader.kid ?? '' }
  } catch (error) {
    const reason = 'it is not the certificate of a deleted tenant, signed by one of the given keys'
    throw certificateError('certificate.invalid', { reason }, error)
  }
}
