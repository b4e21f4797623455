-- Who may come in: people with a password, programs with a key or as an OAuth client, and the operators.

-- Certificates and access tokens are signed with keys of their own: neither can be taken for the other.
alter table signing_keys add column purpose text not null default 'certificate' check (purpose in ('certificate', 'token'));
alter table signing_keys alter column purpose drop default;
drop index signing_keys_one_active;
create unique index signing_keys_one_active on signing_keys (purpose) where retired_at is null;

create table passwords (
  tenant_id uuid not null,
  user_id uuid not null,
  -- argon2id with its parameters and salt, in the PHC string format.
  hash text not null,
  changed_at timestamptz not null default now(),
  primary key (tenant_id, user_id),
  foreign key (tenant_id, user_id) references users
);
call separate_tenants('passwords');

-- A browser in which a person is signed in. It ends by being deleted; the token itself is only in the browser.
create table sign_in_sessions (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  token_hash bytea not null,
  created_at timestamptz not null default now(),
  -- Written once a minute at most.
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users
);
create unique index sign_in_sessions_token_hash on sign_in_sessions (tenant_id, token_hash);
create index sign_in_sessions_user_id on sign_in_sessions (tenant_id, user_id);
create index sign_in_sessions_expires_at on sign_in_sessions (tenant_id, expires_at);
call separate_tenants('sign_in_sessions');

-- Attempts to sign in since the last that succeeded, per name, whether somebody has that name or not: so that neither the
-- answer nor the delay tells. The name is a keyed hash; rows are deleted a day after the last attempt.
create table sign_in_failures (
  tenant_id uuid not null references tenants,
  login_hash bytea not null,
  -- Whose name it was, so that the row goes with the person.
  user_id uuid,
  failures integer not null,
  last_failed_at timestamptz not null default now(),
  locked_until timestamptz,
  primary key (tenant_id, login_hash),
  foreign key (tenant_id, user_id) references users
);
create index sign_in_failures_user_id on sign_in_failures (tenant_id, user_id) where user_id is not null;
create index sign_in_failures_last_failed_at on sign_in_failures (tenant_id, last_failed_at);
call separate_tenants('sign_in_failures');

-- Keys of programs. api_key: Learn365's, with any user name. thrive: the API secret, with the tenant id as user name.
create table api_keys (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  kind text not null default 'api_key' check (kind in ('api_key', 'thrive')),
  name text not null,
  -- The beginning of the key, by which people tell keys apart.
  prefix text not null,
  secret_hash bytea not null,
  access text not null check (access in ('read_only', 'full_control')),
  -- Who answers for the key: who made it, later the heir. Null: made at the command line.
  owner_id uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users
);
-- Not unique, because a unique index is led by the tenant; two keys with one hash of 256 random bits do not happen.
create index api_keys_secret_hash on api_keys (secret_hash);
create index api_keys_owner_id on api_keys (tenant_id, owner_id) where owner_id is not null;
create index api_keys_name_text on api_keys using gin (name gin_trgm_ops);
call separate_tenants('api_keys');
create policy owner_lists on api_keys for select to current_user using (true);

-- Whose key this is, if it may be used now: ids only. A key is sent without its tenant, so this looks across tenants.
create function live_api_key(hash bytea) returns table (tenant_id uuid, key_id uuid)
language sql stable security definer set search_path = pg_catalog, public
as $$
  select k.tenant_id, k.id from public.api_keys k
  where k.secret_hash = hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
$$;

create table oauth_clients (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  name text not null,
  secret_hash bytea not null,
  scopes text[] not null check (scopes <@ '{api/all,api/read,api/write,api/webhooks}'::text[] and scopes <> '{}'),
  owner_id uuid,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  last_used_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users
);
create index oauth_clients_owner_id on oauth_clients (tenant_id, owner_id) where owner_id is not null;
create index oauth_clients_name_text on oauth_clients using gin (name gin_trgm_ops);
call separate_tenants('oauth_clients');
create policy owner_lists on oauth_clients for select to current_user using (true);

-- The client's id again, if its tokens may be used now. One statement outside of a transaction, because every request
-- with a token asks it.
create function live_oauth_client(client_tenant uuid, client_id uuid) returns uuid
language sql stable security definer set search_path = pg_catalog, public
as $$
  select c.id from public.oauth_clients c
  where c.tenant_id = client_tenant and c.id = client_id and c.revoked_at is null
$$;

-- Operators run the installation and are users of no tenant. Their names are no e-mail addresses, so that nothing of a
-- person who is forgotten stands here.
create table operators (
  id uuid primary key default uuid_v7(),
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  hash text not null,
  changed_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);
create table operator_sessions (
  id uuid primary key default uuid_v7(),
  operator_id uuid not null references operators on delete cascade,
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index operator_sessions_operator_id on operator_sessions (operator_id);
create table operator_sign_in_failures (
  login_hash bytea primary key,
  failures integer not null,
  last_failed_at timestamptz not null default now(),
  locked_until timestamptz
);
grant select, insert, update, delete on operators, operator_sessions, operator_sign_in_failures to lethe_app;
grant select on operators, operator_sessions, operator_sign_in_failures to lethe_auditor;
