create table import_runs (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  -- What the files are: oulad, users, onet, esco.
  format text not null,
  started_by uuid,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  rows_read bigint not null default 0,
  rows_written bigint not null default 0,
  rows_rejected bigint not null default 0,
  primary key (tenant_id, id),
  foreign key (tenant_id, started_by) references users
);
create index import_runs_started_by on import_runs (tenant_id, started_by) where started_by is not null;
call separate_tenants('import_runs');

-- How far a file without a natural key has been imported: what stands before that line is never imported again.
create table import_files (
  tenant_id uuid not null references tenants,
  source text not null,
  file_name text not null,
  lines_imported bigint not null default 0,
  -- SHA-256 of the lines imported so far: a file that changed underneath is refused, not doubled.
  prefix_digest bytea not null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, source, file_name)
);
call separate_tenants('import_files');
