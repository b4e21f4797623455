-- When the person was last seen here: signed in, used a session, or stood in an imported file. Tells namesakes apart.
alter table users add column last_seen_at timestamptz;

-- The accounts of operating systems that commands were run by. The audit trail holds ids of them, because its entries
-- never change and the name may be that of a person who is erased.
create table system_accounts (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  name text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
-- Not unique: two names that were scrubbed may be alike.
create index system_accounts_name on system_accounts (tenant_id, name);
create index system_accounts_name_text on system_accounts using gin (lethe_search_form(name) gin_trgm_ops);
call separate_tenants('system_accounts');
