-- An export of everything that is held about a person, kept for somebody to fetch until it expires.
create table exports (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  -- Null: at the command line, or by a program.
  ordered_by uuid,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'ready', 'failed')),
  -- The key of the content, wrapped by the master key. Each attempt to write the content has its own; there is content
  -- only while there is a key.
  sealed_key bytea,
  -- Bytes of the archive, as far as it is written.
  size bigint not null default 0,
  rows_written bigint not null default 0,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  expires_at timestamptz not null,
  error_code text,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, ordered_by) references users
);
create index exports_user_id on exports (tenant_id, user_id);
create index exports_ordered_by on exports (tenant_id, ordered_by) where ordered_by is not null;
create index exports_expires_at on exports (expires_at) where sealed_key is not null;
call separate_tenants('exports');
create policy owner_lists on exports for select to current_user using (true);

-- The archive in pieces, each encrypted under the key of its export.
create table export_chunks (
  tenant_id uuid not null,
  export_id uuid not null,
  position integer not null,
  user_id uuid not null,
  content bytea not null,
  primary key (tenant_id, export_id, position),
  foreign key (tenant_id, export_id) references exports,
  foreign key (tenant_id, user_id) references users
);
create index export_chunks_user_id on export_chunks (tenant_id, user_id);
-- Ciphertext does not get smaller.
alter table export_chunks alter column content set storage external;
call separate_tenants('export_chunks');

-- The exports of all tenants whose content is due to be destroyed: ids only. A job asks this every hour.
create function expired_exports() returns table (tenant_id uuid, export_id uuid)
language sql stable security definer set search_path = pg_catalog, public
as $$
  select e.tenant_id, e.id from public.exports e where e.sealed_key is not null and e.expires_at <= now()
$$;
