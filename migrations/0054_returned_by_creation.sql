-- A purged person also comes back when a user or a program creates the account again: then neither a group nor an import is
-- the cause.
alter table reappearances drop constraint reappearances_cause_check;
alter table reappearances add constraint reappearances_cause_check check (group_id is null or import_run_id is null);
-- The list of who came back, newest first.
create index reappearances_reappeared_at on reappearances (tenant_id, reappeared_at, user_id);
