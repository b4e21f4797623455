-- Where users are pulled from: a CSV file in a folder of the server, or at an address in the network.
create table connectors (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  name text not null,
  kind text not null check (kind in ('folder', 'https')),
  -- The path of the file, or the URL. It holds no credentials.
  address text not null,
  -- Addresses that get an e-mail when a run fails or asks.
  notify_emails text[] not null default '{}',
  -- The user in whose name a run acts. Null only after an erasure of that user.
  run_as uuid,
  -- Minutes between two runs. Null: only on request.
  every_minutes integer check (every_minutes between 5 and 44640),
  with_roles boolean not null default false,
  -- A feed with fewer rows than so many percent of the last good one stops the run and asks.
  least_percent integer not null default 80 check (least_percent between 0 and 100),
  -- The user name and password, or the token, under the master key.
  sealed_credentials bytea,
  credentials_kind text check (credentials_kind in ('basic', 'bearer')),
  enabled boolean not null default false,
  disabled_because text check (disabled_because in ('new', 'administrator', 'names_purged_person', 'run_as_not_permitted')),
  next_run_at timestamptz,
  -- Rows of the last good feed.
  last_rows bigint,
  -- Rows of the feed that stopped the last run, until a run is good or somebody confirms.
  asking_rows bigint,
  -- The next run may bring as few rows as this.
  confirmed_rows bigint,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, run_as) references users
);
create index connectors_run_as on connectors (tenant_id, run_as) where run_as is not null;
create index connectors_name_text on connectors using gin (lethe_search_form(name) gin_trgm_ops);
create index connectors_address_text on connectors using gin (lethe_search_form(address) gin_trgm_ops);
create index connectors_notify_emails_text on connectors using gin (lethe_search_form(notify_emails) gin_trgm_ops);
create index connectors_next_run_at on connectors (next_run_at) where enabled;
call separate_tenants('connectors');
create policy owner_lists on connectors for select to current_user using (true);

-- No foreign key: the log of a run stays when its connector is deleted.
alter table import_runs add column connector_id uuid;
create index import_runs_connector_id on import_runs (tenant_id, connector_id, id) where connector_id is not null;

-- The connectors of all tenants that are due: ids only. A job asks this every minute.
create function due_connectors() returns table (tenant_id uuid, connector_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select c.tenant_id, c.id from public.connectors c where c.enabled and c.next_run_at <= now();
end
$$;
