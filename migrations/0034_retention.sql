-- A retention policy: purges users so many days after they were deleted.
create table retention_policies (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  name text not null,
  -- Days of 24 hours between the delete and the purge.
  days integer not null check (days between 0 and 36500),
  -- The time of day, in UTC, after which a worker runs it.
  daily_at time not null,
  enabled boolean not null default false,
  -- The person in whose name it runs. Null: no person.
  owner_id uuid,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users
);
create index retention_policies_owner_id on retention_policies (tenant_id, owner_id) where owner_id is not null;
create index retention_policies_enabled on retention_policies (tenant_id, daily_at) where enabled;
create index retention_policies_name_text on retention_policies using gin (lethe_search_form(name) gin_trgm_ops);
call separate_tenants('retention_policies');

-- The directory groups whose members a policy leaves out.
create table retention_excluded_groups (
  tenant_id uuid not null,
  policy_id uuid not null,
  group_id uuid not null,
  primary key (tenant_id, policy_id, group_id),
  foreign key (tenant_id, policy_id) references retention_policies,
  foreign key (tenant_id, group_id) references directory_groups
);
create index retention_excluded_groups_group_id on retention_excluded_groups (tenant_id, group_id);
call separate_tenants('retention_excluded_groups');

-- What each run of a policy found and requested. No foreign key to the policy: the report stays when the policy is deleted.
create table retention_runs (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  policy_id uuid not null,
  -- The day, in UTC, whose run it is. Null: a person or a program ran it.
  scheduled_on date,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  -- It looked for people who were deleted at this time or before.
  deleted_before timestamptz not null,
  found integer not null check (found >= 0),
  -- Of the found people: members of excluded groups, people with a pending erasure, and those of the request.
  excluded integer not null check (excluded >= 0),
  pending integer not null check (pending >= 0),
  requested integer not null check (requested >= 0),
  -- Of the requested people: those whom a legal hold covers.
  held integer not null check (held >= 0),
  request_id uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, request_id) references erasure_requests
);
create unique index retention_runs_scheduled_on on retention_runs (tenant_id, policy_id, scheduled_on)
  where scheduled_on is not null;
create index retention_runs_policy_id on retention_runs (tenant_id, policy_id, id);
create index retention_runs_request_id on retention_runs (tenant_id, request_id) where request_id is not null;
call separate_tenants('retention_runs');
