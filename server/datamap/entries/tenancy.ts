import { actor, code, fact, key, mention, type RoomMap } from '../vocabulary.ts'

export const tenancyMap: RoomMap<'tenants' | 'external_systems'> = {
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
      returning_rows: code,
      erasure_due_days: fact,
      administrators_gone_at: fact,
      approval_required: fact,
      cooling_off_hours: fact,
    },
  },
  external_systems: {
    holds: 'Systems outside of Lethe that hold data about people, and the addresses of those who answer for them.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      name: mention('text'),
      contact_emails: mention('addresses'),
      holds: mention('text'),
      created_at: fact,
    },
  },
}
