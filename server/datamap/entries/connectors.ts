import { actor, code, fact, key, mention, type RoomMap, sealed } from '../vocabulary.ts'

export const connectorsMap: RoomMap<'connectors'> = {
  connectors: {
    holds: 'Where users are pulled from: an address, who is told of failures, and in whose name it runs.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      name: mention('text'),
      kind: code,
      address: mention('text'),
      notify_emails: mention('addresses'),
      run_as: actor('null', 'same'),
      every_minutes: fact,
      with_roles: fact,
      least_percent: fact,
      // Destroyed where an erased person's identifier is in it.
      sealed_credentials: sealed,
      credentials_kind: code,
      enabled: fact,
      disabled_because: code,
      next_run_at: fact,
      last_rows: fact,
      asking_rows: fact,
      confirmed_rows: fact,
      created_at: fact,
      changed_at: fact,
    },
  },
}
