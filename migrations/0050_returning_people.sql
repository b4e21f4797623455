-- A purged person may come back with a row of an imported file, too.
alter table reappearances alter column group_id drop not null;
alter table reappearances add column import_run_id uuid;
alter table reappearances add constraint reappearances_import_run_fkey
  foreign key (tenant_id, import_run_id) references import_runs;
alter table reappearances add constraint reappearances_cause_check
  check ((group_id is null) <> (import_run_id is null));
create index reappearances_import_run_id on reappearances (tenant_id, import_run_id) where import_run_id is not null;

-- What an import does with rows of purged people: skip them, or create new users without records.
alter table tenants add column returning_rows text not null default 'skip';
alter table tenants add constraint tenants_returning_rows_check check (returning_rows in ('skip', 'create'));
