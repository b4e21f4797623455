import { Type } from 'typebox'
import { proveSubject } from '../../../erasure/proof/subject-proof.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { requireSelector } from '../../../people/accounts/find-users.ts'
import { IdParams } from '../schemas.ts'
import { ProofBody } from './schemas.ts'

const SubjectProofBody = Type.Object(
  {
    type: Type.Literal('lethe.subject_proof'),
    certificates: Type.Array(Type.String()),
    keys: Type.Unsafe<object>({ type: 'object', additionalProperties: true }),
    subject: Type.Object({
      index: Type.Integer({ description: 'The place in the subject list, from 0 on' }),
      line: Type.String({ description: 'The line of the subject list: keyed hashes' }),
      path: Type.Array(Type.String(), {
        description: 'From the line to the signed root: the path of a Merkle tree as in RFC 9162, section 2.1',
      }),
      commitments: Type.String({ description: 'Hashes of the identifiers of this person, which the line covers' }),
      opening: Type.String({ description: 'The key of these hashes, in base64url' }),
    }),
  },
  { description: 'The proof' },
)

/** `/api/v1/erasures/:id/proof` */
export function addSubjectProofRoute(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/api/v1/erasures/:id/proof',
    config: { permission: 'certificates.read', errors: [404, 409] },
    schema: {
      tags: ['Erasures'],
      summary: 'Make the proof about one person of an erasure request',
      description:
        'For an offline check (`lethe certificate verify FILE --email ADDRESS`). The proof names no other person. It changes nothing, and Lethe does not store it.',
      params: IdParams,
      body: ProofBody,
      response: { 200: SubjectProofBody },
    },
    handler: (request) => {
      const { salt, ...named } = request.body
      const { by, value } = requireSelector(named)
      return inTenantOf(request, (tx) =>
        proveSubject(tx, {
          request: request.params.id,
          who: by === 'id' ? { person: value } : { identifier: { kind: by, value } },
          salt: salt === undefined ? undefined : Buffer.from(salt, 'base64url'),
        }),
      )
    },
  })
}
