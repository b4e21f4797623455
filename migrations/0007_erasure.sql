-- Keys of the installation that sign certificates. The private part is wrapped by the master key.
create table signing_keys (
  kid text primary key,
  public_jwk jsonb not null,
  sealed_private_key bytea not null,
  created_at timestamptz not null default now(),
  -- A retired key signs nothing any more; its public part stays, so that old certificates verify.
  retired_at timestamptz
);
create unique index signing_keys_one_active on signing_keys ((true)) where retired_at is null;
grant select, insert, update on signing_keys to lethe_app;
grant select on signing_keys to lethe_auditor;

-- Keys of a tenant, wrapped by the master key: the one that hashes identifiers for tombstones and certificates.
create table tenant_keys (
  tenant_id uuid not null references tenants,
  purpose text not null check (purpose in ('identifier_hash')),
  sealed_key bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, purpose)
);
call separate_tenants('tenant_keys');

create table erasure_requests (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  operation text not null check (operation in ('purge', 'anonymize')),
  initiated_from text not null check (initiated_from in ('command_line', 'console', 'api', 'identity_provider', 'policy', 'ledger')),
  requested_by uuid,
  reason text,
  -- Opens the subjects' identifiers, wrapped by the master key; destroyed when the request ends.
  sealed_key bytea,
  map_version text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, requested_by) references users
);
create index erasure_requests_created_at on erasure_requests (tenant_id, created_at, id);
create index erasure_requests_unfinished on erasure_requests (tenant_id, id) where finished_at is null;
create index erasure_requests_requested_by on erasure_requests (tenant_id, requested_by) where requested_by is not null;
create index erasure_requests_reason_text on erasure_requests using gin (reason gin_trgm_ops) where reason is not null;
call separate_tenants('erasure_requests');

create table erasure_subjects (
  tenant_id uuid not null,
  request_id uuid not null,
  -- The internal id. No foreign key: the row outlives the person's.
  user_id uuid not null,
  state text not null default 'queued' check (
    state in ('queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'done', 'failed', 'rejected', 'cancelled')
  ),
  -- The identifiers under the request's key, for tombstones and verification; destroyed when the request ends.
  sealed_identifiers bytea,
  -- What the data map found about the person, per table, when the person was erased.
  counts jsonb,
  error_code text,
  error_reason text,
  erased_at timestamptz,
  finished_at timestamptz,
  primary key (tenant_id, request_id, user_id),
  foreign key (tenant_id, request_id) references erasure_requests
);
create index erasure_subjects_state on erasure_subjects (tenant_id, request_id, state);
-- A person is in one unfinished request at a time.
create unique index erasure_subjects_pending on erasure_subjects (tenant_id, user_id)
  where state in ('queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'failed');
call separate_tenants('erasure_subjects');

create table erasure_steps (
  tenant_id uuid not null,
  request_id uuid not null,
  step text not null check (step in ('resolve', 'erase', 'propagate', 'verify', 'certify', 'search', 'notify')),
  state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
  removed bigint not null default 0,
  retained bigint not null default 0,
  shared bigint not null default 0,
  failed bigint not null default 0,
  started_at timestamptz,
  finished_at timestamptz,
  error_code text,
  error_reason text,
  primary key (tenant_id, request_id, step),
  foreign key (tenant_id, request_id) references erasure_requests
);
call separate_tenants('erasure_steps');

-- The receipt: what the erasure did to which table.
create table erasure_receipts (
  tenant_id uuid not null,
  request_id uuid not null,
  table_name text not null,
  effect text not null,
  row_count bigint not null,
  primary key (tenant_id, request_id, table_name, effect),
  foreign key (tenant_id, request_id) references erasure_requests
);
call separate_tenants('erasure_receipts');

-- The certificate is number 0; what becomes known later is a signed addendum with the next number.
create table erasure_certificates (
  tenant_id uuid not null,
  request_id uuid not null,
  number integer not null,
  kid text not null references signing_keys,
  jws text not null,
  issued_at timestamptz not null default now(),
  primary key (tenant_id, request_id, number),
  foreign key (tenant_id, request_id) references erasure_requests
);
call separate_tenants('erasure_certificates');

-- Keyed hashes of a purged person's identifiers: sync and imports recognise the person without anybody storing who it was.
create table tombstones (
  tenant_id uuid not null references tenants,
  kind text not null check (kind in ('email', 'login_name', 'directory_object_id', 'ref', 'external_identity_id')),
  hash bytea not null,
  request_id uuid not null,
  user_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, kind, hash, user_id)
);
create index tombstones_request_id on tombstones (tenant_id, request_id, user_id);
call separate_tenants('tombstones');

-- What was erased, by internal id only, to be repeated after a restored backup. No column here can hold free text.
create table erasure_ledger (
  tenant_id uuid not null references tenants,
  request_id uuid not null,
  user_id uuid not null,
  operation text not null check (operation in ('purge', 'anonymize')),
  map_version text not null check (map_version ~ '^[0-9a-f]{16}$'),
  erased_at timestamptz not null default now(),
  primary key (tenant_id, user_id, request_id)
);
create index erasure_ledger_erased_at on erasure_ledger (tenant_id, erased_at);
call separate_tenants('erasure_ledger');

create policy owner_lists on erasure_requests for select to current_user using (true);

-- The ids of the unfinished requests of all tenants, and nothing else: a starting worker takes them up again.
create function unfinished_erasure_requests() returns table (tenant_id uuid, request_id uuid)
language sql stable security definer set search_path = pg_catalog, public
as $$
  select r.tenant_id, r.id from public.erasure_requests r where r.finished_at is null
$$;
