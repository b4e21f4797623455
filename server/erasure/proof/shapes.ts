import { Type } from 'typebox'
import { Check } from 'typebox/value'

// What is read of files from elsewhere must be there. This is a file of its own because the library of schemas takes
// longer to load than most commands take to run: who checks such a file loads it then.

/** Whoever brings a key of their own may sign anything with it: what is read of a statement must be there. */
const Statement = Type.Union([
  Type.Object({
    type: Type.Literal('lethe.erasure_certificate'),
    version: Type.Integer(),
    tenant: Type.String(),
    request: Type.String(),
    operation: Type.Enum(['purge', 'anonymize']),
    requested_at: Type.String(),
    certified_at: Type.String(),
    data_map: Type.String(),
    subjects: Type.Object({
      total: Type.Integer(),
      done: Type.Integer(),
      failed: Type.Integer(),
      digest: Type.String(),
      root: Type.Optional(Type.String()),
    }),
    effects: Type.Array(Type.Object({ table: Type.String(), effect: Type.String(), rows: Type.Integer() })),
    shared_identifiers: Type.Integer(),
    verification: Type.Object({ rows_left: Type.Integer(), mentions_left: Type.Integer() }),
  }),
  Type.Object({
    type: Type.Literal('lethe.erasure_addendum'),
    version: Type.Integer(),
    tenant: Type.String(),
    request: Type.String(),
    certificate: Type.String(),
    added_at: Type.String(),
    search: Type.Optional(
      Type.Object({
        tables: Type.Integer(),
        columns: Type.Integer(),
        bytes: Type.Integer(),
        identifiers: Type.Integer(),
        unreadable: Type.Array(Type.String()),
        findings: Type.Array(Type.Object({ table: Type.String(), column: Type.String(), rows: Type.Integer() })),
      }),
    ),
    backups: Type.Optional(
      Type.Object({ oldest: Type.String(), kind: Type.Enum(['dump', 'files']), declared_at: Type.String() }),
    ),
    acknowledgements: Type.Optional(
      Type.Array(
        Type.Object({
          receiver: Type.Enum(['external_system', 'webhook']),
          id: Type.String(),
          acknowledged_at: Type.String(),
        }),
      ),
    ),
  }),
])

const Place = Type.Object({
  number: Type.Integer(),
  previous: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  outstanding: Type.Array(Type.Enum(['search', 'disk', 'backups'])),
  disk: Type.Object({ level: Type.Integer({ minimum: 1, maximum: 5 }), reached_at: Type.String() }),
})

/** Whether a signed document is a statement of an erasure request, with all that is read of it. */
export function isStatement(claims: unknown): boolean {
  return Check(Statement, claims) && (claims.version === 1 || Check(Place, claims))
}

const Proof = Type.Object({
  type: Type.Literal('lethe.subject_proof'),
  subject: Type.Object({
    index: Type.Integer({ minimum: 0 }),
    line: Type.String(),
    path: Type.Array(Type.String()),
    commitments: Type.String(),
    opening: Type.String(),
  }),
})

/** Whether a file is a proof about one person, rather than a certificate. */
export function isSubjectProof(file: unknown): boolean {
  return Check(Proof, file)
}
