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

-- Takes new statistics of some columns of a table, because those that there are hold values of rows that are gone. Of a
-- table without rows PostgreSQL would keep the old ones. The application owns no table, so it may not do that by itself.
create function refresh_statistics(given_table text, given_columns text[]) returns void
language plpgsql security definer set search_path = pg_catalog, public set lock_timeout = '10s'
as $$
declare
  target regclass := to_regclass(given_table);
  wanted name;
begin
  if not exists (
    select from pg_class c where c.oid = target and c.relkind = 'r'
      and c.relnamespace in (select oid from pg_namespace where nspname in ('public', 'graphile_worker'))
  ) then
    raise exception 'no table of Lethe' using errcode = 'undefined_table';
  end if;
  execute format('analyze %s (%s)', target, (select string_agg(quote_ident(c), ', ') from unnest(given_columns) c));
  if (select reltuples from pg_class where oid = target) > 0 then
    return;
  end if;
  foreach wanted in array given_columns loop
    if to_regprocedure('pg_catalog.pg_clear_attribute_stats(text, text, text, boolean)') is not null then
      execute 'select pg_catalog.pg_clear_attribute_stats($1, $2, $3, false)'
      using (select nspname from pg_namespace n join pg_class c on c.relnamespace = n.oid where c.oid = target),
        (select relname from pg_class where oid = target), wanted;
    elsif (select rolsuper from pg_roles where rolname = current_user) then
      delete from pg_statistic s using pg_attribute a
      where s.starelid = target and a.attrelid = target and a.attname = wanted and s.staattnum = a.attnum;
    else
      -- Changing a type takes the statistics away, also when it stays the same. The table has no rows.
      begin
        execute format('alter table %s alter column %I type %s', target, wanted, (
          select format_type(atttypid, atttypmod) from pg_attribute where attrelid = target and attname = wanted
        ));
      exception when feature_not_supported then
        raise exception 'the statistics of %.% stay until the table has a row, or a superuser removes them', target, wanted
          using errcode = 'object_not_in_prerequisite_state';
      end;
    end if;
  end loop;
end
$$;
revoke execute on function refresh_statistics(text, text[]) from public;
grant execute on function refresh_statistics(text, text[]) to lethe_app;
