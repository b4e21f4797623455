-- The time-ordered id of an entry: the microseconds stand in it too, so that the order of the ids is that of the entries.
create function audit_entry_id(at timestamptz) returns uuid
language sql volatile parallel safe
as $$
  select encode(
    int8send(
      ((date_part('epoch', at) * 1000000)::bigint / 1000 << 16) | 28672
      | ((date_part('epoch', at) * 1000000)::bigint % 1000 * 4096 / 1000)
    ) || substring(uuid_send(gen_random_uuid()) from 9),
    'hex'
  )::uuid
$$;

-- Who did what, recorded in the transaction that did it. No foreign keys: entries outlive what they name, and parallel
-- writers share no lock.
create table audit_entries (
  tenant_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  initiated_from text not null,
  actor_kind text not null check (
    actor_kind in ('user', 'api_key', 'client', 'command_line', 'identity_provider', 'policy', 'ledger', 'system')
  ),
  -- A user, or the credential that a program acts with.
  actor_id uuid,
  activity text not null,
  object_kind text not null,
  -- Null where the object is the subject.
  object_id uuid,
  -- The person whom it is about: a user, or a contact by keyed hash.
  subject_id uuid,
  contact_hash bytea,
  -- JSON in its canonical form: numbers, ids and words of the code, never a value about a person.
  details text not null default '{}',
  -- Values about the subject, under the subject's key.
  sealed_values bytea,
  -- Null until the entry is sealed into the chain; then never changed.
  sequence bigint,
  hash bytea,
  primary key (tenant_id, id),
  check (subject_id is null or contact_hash is null),
  check ((sequence is null) = (hash is null))
);
create index audit_entries_activity on audit_entries (tenant_id, activity, id);
create index audit_entries_subject_id on audit_entries (tenant_id, subject_id, id) where subject_id is not null;
create index audit_entries_contact_hash on audit_entries (tenant_id, contact_hash, id) where contact_hash is not null;
create index audit_entries_actor_id on audit_entries (tenant_id, actor_id, id) where actor_id is not null;
-- Each entry is in one of the two: that above, or this one.
create index audit_entries_actor_kind on audit_entries (tenant_id, actor_kind, id) where actor_id is null;
create index audit_entries_object_id on audit_entries (tenant_id, object_id, id) where object_id is not null;
create unique index audit_entries_sequence on audit_entries (tenant_id, sequence) where sequence is not null;
create index audit_entries_unsealed on audit_entries (tenant_id, id) where sequence is null;
call separate_tenants('audit_entries');
-- The application adds entries and seals them; it can neither change nor remove one, nor add one that looks sealed.
revoke insert, update, delete on audit_entries from lethe_app;
grant insert (tenant_id, id, at, initiated_from, actor_kind, actor_id, activity, object_kind, object_id, subject_id,
  contact_hash, details, sealed_values) on audit_entries to lethe_app;
grant update (sequence, hash) on audit_entries to lethe_app;

create function refuse_to_change_sealed() returns trigger
language plpgsql
as $$
begin
  raise exception 'a sealed entry of the audit trail is never changed' using errcode = 'restrict_violation';
end
$$;
create trigger sealed_stays before update on audit_entries
  for each row when (old.sequence is not null) execute function refuse_to_change_sealed();

-- Signed statements of how far the chain reached, each about the entries since the one before.
create table audit_checkpoints (
  tenant_id uuid not null,
  sequence bigint not null,
  jws text not null,
  created_at timestamptz not null,
  primary key (tenant_id, sequence)
);
call separate_tenants('audit_checkpoints');
revoke update, delete on audit_checkpoints from lethe_app;

-- The key of a person, wrapped by the master key. Without it, what the audit trail says about the person is unreadable.
create table person_keys (
  tenant_id uuid not null,
  user_id uuid not null,
  sealed_key bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id),
  foreign key (tenant_id, user_id) references users
);
call separate_tenants('person_keys');

-- The same of contacts, people who are no users: by the keyed hash of an identifier.
create table contact_keys (
  tenant_id uuid not null,
  hash bytea not null,
  sealed_key bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, hash)
);
call separate_tenants('contact_keys');

create policy owner_lists on audit_entries for select to current_user using (true);

-- The ids of the tenants that have entries to be sealed, and nothing else.
create function tenants_with_unsealed_entries() returns setof uuid
language sql stable security definer set search_path = pg_catalog, public
as $$
  select distinct tenant_id from public.audit_entries where sequence is null
$$;

alter table erasure_requests drop constraint erasure_requests_initiated_from_check;
alter table erasure_requests add constraint erasure_requests_initiated_from_check check (
  initiated_from in ('command_line', 'console', 'api', 'identity_provider', 'policy', 'ledger', 'system')
);
