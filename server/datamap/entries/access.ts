import {
  actor,
  code,
  fact,
  key,
  mention,
  outsideName,
  type RoomMap,
  reference,
  sealed,
  subject,
} from '../vocabulary.ts'

type AccessTable =
  | 'passwords'
  | 'sign_in_sessions'
  | 'sign_in_failures'
  | 'api_keys'
  | 'oauth_clients'
  | 'operators'
  | 'operator_sessions'
  | 'operator_sign_in_failures'

const operators =
  'Operators run the installation and are users of no tenant; their names are chosen for the task and are no e-mail ' +
  'addresses. "lethe operator remove" deletes everything about one but the id in audit trails.'

export const accessMap: RoomMap<AccessTable> = {
  passwords: {
    holds: 'The password of a person, hashed with argon2id.',
    about: 'person',
    anonymize: 'delete',
    columns: { tenant_id: key, user_id: subject, hash: sealed, changed_at: fact },
  },
  sign_in_sessions: {
    holds: 'The browsers in which a person is signed in.',
    about: 'person',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      token_hash: sealed,
      created_at: fact,
      last_used_at: fact,
      expires_at: fact,
    },
  },
  sign_in_failures: {
    holds: 'Attempts to sign in that failed, by keyed hash of the name, until a day after the last one.',
    about: 'other',
    columns: {
      tenant_id: key,
      login_hash: sealed,
      // Empty where nobody has the name; else the row says no more than that the person has it.
      user_id: actor('remove'),
      failures: fact,
      last_failed_at: fact,
      locked_until: fact,
    },
  },
  api_keys: {
    holds: 'Keys of programs, hashed, and who answers for them.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      kind: code,
      // People name keys as they like, after themselves too.
      name: mention('text'),
      prefix: code,
      secret_hash: sealed,
      access: code,
      owner_id: actor('reassign'),
      created_at: fact,
      expires_at: fact,
      revoked_at: fact,
      last_used_at: fact,
    },
  },
  oauth_clients: {
    holds: 'Programs that get access tokens, with hashed secrets, and who answers for them.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      name: mention('text'),
      secret_hash: sealed,
      scopes: code,
      owner_id: actor('reassign'),
      created_at: fact,
      revoked_at: fact,
      last_used_at: fact,
    },
  },
  operators: {
    holds: 'The operators of the installation, with hashed passwords.',
    about: 'nobody',
    because: operators,
    columns: { id: key, name: outsideName, hash: sealed, changed_at: fact, created_at: fact },
  },
  operator_sessions: {
    holds: 'The browsers in which an operator is signed in.',
    about: 'nobody',
    because: operators,
    columns: {
      id: key,
      operator_id: reference,
      token_hash: sealed,
      created_at: fact,
      last_used_at: fact,
      expires_at: fact,
    },
  },
  operator_sign_in_failures: {
    holds: 'Attempts to sign in as an operator that failed, by keyed hash of the name.',
    about: 'nobody',
    because: operators,
    columns: { login_hash: sealed, failures: fact, last_failed_at: fact, locked_until: fact },
  },
}
