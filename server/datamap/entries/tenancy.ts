import { actor, code, fact, key, type RoomMap } from '../vocabulary.ts'

export const tenancyMap: RoomMap<'tenants'> = {
  tenants: {
    holds: 'The tenants: name, kind, who created them.',
    about: 'other',
    columns: {
      id: key,
      name: fact,
      kind: code,
      created_by: actor('null'),
      created_at: fact,
      surviving_fields: fact,
      singled_out_below: fact,
      returning_members: code,
      erasure_due_days: fact,
      administrators_gone_at: fact,
    },
  },
}
