import {
  actor,
  code,
  deletion,
  fact,
  identifier,
  identity,
  key,
  keyOf,
  mention,
  ofDelete,
  ofRestore,
  type RoomMap,
  reference,
  sealed,
  sealedFor,
  similarOf,
  subject,
} from '../vocabulary.ts'

/** SQL: the custom fields of a user that the tenant lets survive an anonymization. */
const survivingFields = `coalesce((
        select jsonb_object_agg(field.key, field.value)
        from jsonb_each(users.custom_fields) field
        join tenants on tenants.id = users.tenant_id and field.key = any (tenants.surviving_fields)
      ), '{}')`

export const peopleMap: RoomMap<'users' | 'product_accounts' | 'former_identifiers'> = {
  users: {
    holds: 'The people with an account: who they are, how they sign in, their roles and state.',
    about: 'themselves',
    whenAnonymized: {
      state: "'anonymized'",
      anonymized_at: 'now()',
      email_verified: 'false',
      roles: "'{}'",
      former_roles: "'{}'",
      deletion_id: 'null',
      deleted_at: 'null',
      suspended_at: 'null',
      last_seen_at: 'null',
      updated_at: 'now()',
      // Only the fields that the tenant lets survive; none by default.
      custom_fields: survivingFields,
    },
    whenDeleted: {
      state: "'deleted'",
      deleted_at: ofDelete.at,
      deleted_by: ofDelete.userId,
      deleted_by_credential: ofDelete.credentialId,
      former_roles: "array_remove(roles, 'learner')",
      roles: "'{learner}'",
      updated_at: 'now()',
    },
    whenRestored: {
      state: "case when suspended_at is null then 'active' else 'suspended' end",
      deleted_at: 'null',
      deleted_by: 'null',
      deleted_by_credential: 'null',
      roles: `case when ${ofRestore.withRoles} then former_roles || roles else roles end`,
      former_roles: `case when ${ofRestore.withRoles} then '{}' else former_roles end`,
      updated_at: 'now()',
    },
    rights: [
      // A delete keeps the privileged roles as former ones.
      `(
        select string_agg(distinct role collate "C", ' ' order by role collate "C")
        from unnest(case when users.state = 'deleted' then users.former_roles || users.roles else users.roles end || '{learner}') role
      )`,
    ],
    // The requester sees how many people these values single out.
    survives: [`${survivingFields}::text`],
    columns: {
      tenant_id: key,
      id: subject,
      kind: code,
      state: code,
      login_name: identifier('login_name'),
      login_key: keyOf('login_name'),
      login_similar: similarOf('login_name'),
      directory_object_id: identifier('directory_object_id'),
      ref: identifier('ref'),
      ref_key: keyOf('ref'),
      ref_similar: similarOf('ref'),
      email: identifier('email'),
      email_key: keyOf('email'),
      email_similar: similarOf('email'),
      email_verified: fact,
      external_identity_id: identifier('external_identity_id'),
      external_identity_key: keyOf('external_identity_id'),
      external_identity_similar: similarOf('external_identity_id'),
      first_name: identity,
      last_name: identity,
      display_name: identity,
      title: identity,
      job_title: identity,
      department: identity,
      office: identity,
      city: identity,
      country: identity,
      locale: identity,
      time_zone: identity,
      manager_id: actor('null', 'same'),
      // Free to the tenant, so other people's addresses may stand here as well.
      custom_fields: mention('json'),
      roles: code,
      former_roles: code,
      deletion_id: deletion,
      deleted_at: fact,
      deleted_by: actor('null'),
      deleted_by_credential: reference,
      last_seen_at: fact,
      suspended_at: fact,
      anonymized_at: fact,
      created_at: fact,
      updated_at: fact,
    },
  },
  former_identifiers: {
    holds: 'What a person was known by before a rename, under the key of the person, and as a keyed hash.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      user_id: subject,
      kind: fact,
      hash: sealed,
      fold_version: fact,
      sealed_value: sealedFor('user_id'),
      since: fact,
      until: fact,
    },
  },
  product_accounts: {
    holds: 'The products that a person has an account in: Learn, Flow.',
    about: 'person',
    scope: 'person',
    onDelete: 'deactivate',
    anonymize: 'delete',
    columns: { tenant_id: key, user_id: subject, product: code, deletion_id: deletion, created_at: fact },
  },
}
