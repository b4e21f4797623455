create table tenants (
  id uuid primary key default uuid_v7(),
  name text not null unique,
  kind text not null check (kind in ('enterprise', 'trial')),
  created_by uuid,
  created_at timestamptz not null default now()
);
call separate_tenants('tenants', 'id');
-- The two functions below run as the owner, who is subject to the separation like everybody else.
create policy owner_lists on tenants for select to current_user using (true);

-- The ids of all tenants, and nothing else about them: for the operator's list and for choosing the only tenant there is.
create function tenant_ids() returns setof uuid
language sql stable security definer set search_path = pg_catalog, public
as $$
  select id from public.tenants order by created_at, id
$$;

-- The id of the tenant of this name, and nothing else about it.
create function tenant_id_of_name(tenant_name text) returns uuid
language sql stable security definer set search_path = pg_catalog, public
as $$
  select id from public.tenants where name = tenant_name
$$;

create table users (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  kind text not null default 'internal' check (kind in ('internal', 'external')),
  state text not null default 'active' check (state in ('active', 'suspended', 'deleted', 'anonymized')),
  -- Not unique: two people can have one login name (seeds/000).
  login_name text,
  login_key text generated always as (normal_login_name(login_name)) stored,
  -- Unique per tenant, stays for life.
  directory_object_id uuid,
  ref text,
  ref_key text generated always as (normal_identifier(ref)) stored,
  email text,
  email_key text generated always as (normal_identifier(email)) stored,
  email_verified boolean not null default false,
  external_identity_id text,
  external_identity_key text generated always as (normal_identifier(external_identity_id)) stored,
  first_name text,
  last_name text,
  display_name text,
  title text,
  job_title text,
  department text,
  office text,
  city text,
  country text,
  locale text,
  time_zone text,
  manager_id uuid,
  custom_fields jsonb not null default '{}' check (jsonb_typeof(custom_fields) = 'object'),
  roles text[] not null default '{learner}'
    check (roles <@ '{administrator,privacy_officer,integration_administrator,author,instructor,manager,learner}'::text[]),
  -- Roles that a delete took away; a restore gives them back only when asked to.
  former_roles text[] not null default '{}',
  -- One delete marks everything that it makes inactive with its id, so that the restore finds exactly that again.
  deletion_id uuid,
  deleted_at timestamptz,
  deleted_by uuid,
  suspended_at timestamptz,
  anonymized_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, manager_id) references users,
  foreign key (tenant_id, deleted_by) references users,
  check ((state = 'deleted') = (deleted_at is not null)),
  check ((state = 'deleted') = (deletion_id is not null)),
  check ((state = 'anonymized') = (anonymized_at is not null))
);
create unique index users_directory_object_id on users (tenant_id, directory_object_id);
create unique index users_ref on users (tenant_id, ref);
create index users_login_key on users (tenant_id, login_key);
create index users_email_key on users (tenant_id, email_key);
create index users_ref_key on users (tenant_id, ref_key) where ref_key is not null;
create index users_external_identity_key on users (tenant_id, external_identity_key) where external_identity_key is not null;
create index users_manager_id on users (tenant_id, manager_id) where manager_id is not null;
create index users_deleted_by on users (tenant_id, deleted_by) where deleted_by is not null;
-- User Cleanup lists deleted users by the time of their deletion.
create index users_deleted_at on users (tenant_id, deleted_at, id) where state = 'deleted';
create index users_administrators on users (tenant_id, created_at) where 'administrator' = any (roles);
create index users_custom_fields_text on users using gin ((custom_fields::text) gin_trgm_ops);
call separate_tenants('users');

alter table tenants add foreign key (id, created_by) references users (tenant_id, id);
create index tenants_created_by on tenants (id, created_by) where created_by is not null;

create table product_accounts (
  tenant_id uuid not null,
  user_id uuid not null,
  product text not null check (product in ('learn', 'flow')),
  deletion_id uuid,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id, product),
  foreign key (tenant_id, user_id) references users
);
call separate_tenants('product_accounts');

create table notifications (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  kind text not null,
  subject text not null,
  body text not null default '',
  data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  read_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users
);
create index notifications_user_id on notifications (tenant_id, user_id, created_at);
create index notifications_subject_text on notifications using gin (subject gin_trgm_ops);
create index notifications_body_text on notifications using gin (body gin_trgm_ops);
create index notifications_data_text on notifications using gin ((data::text) gin_trgm_ops);
call separate_tenants('notifications');
