-- What previews found, by person, for as long as an erasure request may name it or still waits under it. Digests of keys
-- and counts: nothing in here tells a value of a person.
create table erasure_plans (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  -- SHA-256 in hexadecimal over everything that the plan is bound to; requests name the plan by it.
  digest text not null check (digest ~ '^[0-9a-f]{64}$'),
  operation text not null check (operation in ('purge', 'anonymize')),
  delete_first boolean not null,
  map_version text not null check (map_version ~ '^[0-9a-f]{16}$'),
  -- A digest of who asked for the preview.
  requester bytea not null,
  people integer not null,
  covers_mentions boolean not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (tenant_id, id)
);
create unique index erasure_plans_digest on erasure_plans (tenant_id, digest);
create index erasure_plans_expires_at on erasure_plans (tenant_id, expires_at);
call separate_tenants('erasure_plans');

create table erasure_plan_subjects (
  tenant_id uuid not null,
  plan_id uuid not null,
  -- The internal id. No foreign key: the row says nothing about the person, and goes with the erasure or the plan.
  user_id uuid not null,
  digest bytea not null,
  -- Table, effect, rows and the beginning of a digest of their keys, for each effect: what a changed plan is told by.
  parts jsonb not null,
  primary key (tenant_id, plan_id, user_id),
  foreign key (tenant_id, plan_id) references erasure_plans
);
create index erasure_plan_subjects_user_id on erasure_plan_subjects (tenant_id, user_id);
call separate_tenants('erasure_plan_subjects');

-- The plan under which a person is erased. No foreign key: the plan may be gone once the person is.
alter table erasure_subjects add column plan_id uuid;
-- Where the rows were others than in the plan: table, effect, rows planned and found.
alter table erasure_subjects add column plan_changes jsonb;
create index erasure_subjects_plan_id on erasure_subjects (tenant_id, plan_id) where plan_id is not null;
alter table erasure_subjects drop constraint erasure_subjects_state_check;
alter table erasure_subjects add constraint erasure_subjects_state_check check (
  state in (
    'queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'done', 'failed', 'rejected', 'cancelled', 'plan_changed'
  )
);
