import { Type } from 'typebox'
import { Check } from 'typebox/value'

// A file of its own for the reason that ../proof/shapes.ts has.

const File = Type.Object({
  type: Type.Literal('lethe.tenant_deletion'),
  certificate: Type.String(),
  keys: Type.Object({ keys: Type.Array(Type.Object({})) }),
})

/** Whether a file is the certificate of a deleted tenant. */
export function isDeletionFile(file: unknown): boolean {
  return Check(File, file)
}

const Claims = Type.Object({
  type: Type.Literal('lethe.tenant_deletion'),
  version: Type.Literal(1),
  tenant: Type.String(),
  deleted_at: Type.String(),
  people: Type.Integer(),
  tables: Type.Array(Type.Object({ table: Type.String(), rows: Type.Integer() })),
})

/** Whether a signed document states the deletion of a tenant, with all that is read of it. */
export function areDeletionClaims(claims: unknown): boolean {
  return Check(Claims, claims)
}
