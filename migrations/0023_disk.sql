-- How far an erasure has got on disk, beyond what the state of the request says (docs/disk.md): null where no table was
-- cleaned since.
alter table erasure_requests add column disk_level smallint;
alter table erasure_requests add constraint erasure_requests_disk_level check (disk_level between 3 and 5);
alter table erasure_requests add column disk_level_at timestamptz;
-- The declaration of the backups stands in an addendum.
alter table erasure_requests add column backups_past_at timestamptz;
create index erasure_requests_on_disk on erasure_requests (tenant_id, finished_at, id)
  where finished_at is not null and sealed_key is null and (disk_level is null or disk_level < 5 or backups_past_at is null);

-- Tables whose files were written anew as a whole: what was deleted before it began is in none of them any more.
create table table_rewrites (
  table_name text primary key,
  began_at timestamptz not null,
  ended_at timestamptz not null,
  -- Of the table with its indexes, in bytes.
  size_before bigint not null,
  size_after bigint not null
);
grant select on table_rewrites to lethe_app, lethe_auditor;

-- What the write-ahead log must get past once tables were rewritten. Segments are counted from the first one there ever was.
create table log_marks (
  rewritten_at timestamptz primary key,
  -- Written when the rewriting ended: up to here the log may hold what was erased.
  segment bigint not null,
  -- The last segment there was when all up to that one were gone: files that wait to be written again hold old bytes.
  last_segment bigint,
  passed_at timestamptz
);
grant select on log_marks to lethe_app, lethe_auditor;

-- What the operator said of the backups that are kept; the newest counts.
create table backup_declarations (
  declared_at timestamptz primary key,
  kind text not null check (kind in ('dump', 'files')),
  -- When the oldest one that is kept was begun.
  oldest timestamptz not null
);
grant select, insert on backup_declarations to lethe_app;
grant select on backup_declarations to lethe_auditor;

-- Takes new statistics of a table and of the expressions in its indexes, because those that there are hold values of rows
-- that are gone. Where there is no row, in the table or in a partial index, PostgreSQL would keep the old ones: there, those
-- of the given columns and of the expressions are removed. The application owns no table, so it may not do that by itself.
create function refresh_statistics(given_table text, given_columns text[]) returns void
language plpgsql security definer set search_path = pg_catalog, public set lock_timeout = '10s'
as $$
declare
  target regclass := to_regclass(given_table);
  stale record;
begin
  if not exists (
    select from pg_class c where c.oid = target and c.relkind = 'r'
      and c.relnamespace in (select oid from pg_namespace where nspname in ('public', 'graphile_worker'))
  ) then
    raise exception 'no table of Lethe' using errcode = 'undefined_table';
  end if;
  execute format('analyze %s', target);
  for stale in
    select c.oid, c.relkind, n.nspname, c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) as type,
      case when c.relkind = 'i' then pg_get_indexdef(c.oid) end as definition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where c.reltuples = 0 and a.attnum > 0 and not a.attisdropped and (
      c.oid = target and a.attname = any (given_columns)
      or c.oid in (select indexrelid from pg_index where indrelid = target and indexprs is not null)
    )
  loop
    if to_regprocedure('pg_catalog.pg_clear_attribute_stats(text, text, text, boolean)') is not null then
      execute 'select pg_catalog.pg_clear_attribute_stats($1, $2, $3, false)'
      using stale.nspname::text, stale.relname::text, stale.attname::text;
    elsif (select rolsuper from pg_roles where rolname = current_user) then
      delete from pg_statistic s where s.starelid = stale.oid and s.staattnum = stale.attnum;
    elsif stale.relkind = 'i' then
      -- Its statistics go with it. It has no entry, or it went already with a column that changed its type.
      if to_regclass(format('%I.%I', stale.nspname, stale.relname)) = stale.oid then
        execute format('drop index %I.%I', stale.nspname, stale.relname);
        execute stale.definition;
      end if;
    else
      -- Changing a type takes the statistics away, also when it stays the same. The table has no rows.
      begin
        execute format('alter table %s alter column %I type %s', target, stale.attname, stale.type);
      exception when feature_not_supported then
        raise exception 'the statistics of %.% stay until the table has a row, or a superuser removes them', target, stale.attname
          using errcode = 'object_not_in_prerequisite_state';
      end;
    end if;
  end loop;
end
$$;
revoke execute on function refresh_statistics(text, text[]) from public;
grant execute on function refresh_statistics(text, text[]) to lethe_app;
