-- A run of an import keeps its log and its file.
alter table import_runs add column file_name text;
create index import_runs_file_name_text on import_runs using gin (lethe_search_form(file_name) gin_trgm_ops)
  where file_name is not null;
-- The code of the error that ended the run as a whole.
alter table import_runs add column error_code text;
-- Rows by outcome. Null while it runs, and in runs from before there was a log.
alter table import_runs add column counts jsonb;
-- The key of the file, wrapped by the master key. There is content only while there is a key.
alter table import_runs add column sealed_key bytea;
alter table import_runs add column file_size bigint not null default 0;
alter table import_runs add column file_expires_at timestamptz;
alter table import_runs add column file_gone_at timestamptz;
alter table import_runs add column file_gone_because text;
alter table import_runs add constraint import_runs_file_gone_because_check
  check (file_gone_because in ('person_erased', 'expired'));
-- The words of the file as keyed hashes: whether it may hold an identifier of a person who is erased.
alter table import_runs add column words bytea;
alter table import_runs alter column words set storage external;
-- Hashes of words of people who were erased while the import ran: at its end it is looked for them in the file.
alter table import_runs add column erased_words bigint[] not null default '{}';
create index import_runs_with_file on import_runs (tenant_id, id) where sealed_key is not null;
create index import_runs_unfinished on import_runs (tenant_id, id) where finished_at is null;
create index import_runs_file_expires_at on import_runs (file_expires_at) where sealed_key is not null;
create policy owner_lists on import_runs for select to current_user using (true);

-- What became of each row of a file.
create table import_run_rows (
  tenant_id uuid not null,
  run_id uuid not null,
  -- Where the row begins; the header is line 1.
  line integer not null,
  outcome text not null check (outcome in ('created', 'updated', 'unchanged', 'skipped', 'conflict', 'rejected')),
  user_id uuid,
  -- A sentence of the code; it never holds a value of the file.
  reason text,
  -- The fields that were changed, by name.
  changed text[] not null default '{}',
  primary key (tenant_id, run_id, line),
  foreign key (tenant_id, run_id) references import_runs,
  foreign key (tenant_id, user_id) references users
);
create index import_run_rows_user_id on import_run_rows (tenant_id, user_id) where user_id is not null;
create index import_run_rows_outcome on import_run_rows (tenant_id, run_id, outcome, line);
call separate_tenants('import_run_rows');

-- The file in pieces, each encrypted under the key of its run.
create table import_run_chunks (
  tenant_id uuid not null,
  run_id uuid not null,
  position integer not null,
  content bytea not null,
  primary key (tenant_id, run_id, position),
  foreign key (tenant_id, run_id) references import_runs
);
alter table import_run_chunks alter column content set storage external;
call separate_tenants('import_run_chunks');

-- Of all tenants, the runs whose files are due to be destroyed, and the runs that have not ended: ids only.
create function expired_import_files() returns table (tenant_id uuid, run_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select r.tenant_id, r.id from public.import_runs r where r.sealed_key is not null and r.file_expires_at <= now();
end
$$;
create function unfinished_imports() returns table (tenant_id uuid, run_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select r.tenant_id, r.id from public.import_runs r
    where r.finished_at is null and r.format = 'users' and r.started_at < now() - interval '1 minute';
end
$$;
