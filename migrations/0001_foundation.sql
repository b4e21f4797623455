-- What every other migration stands on: time-ordered ids, the tenant of the transaction, and the separation of tenants.

create extension if not exists pg_trgm;

-- Time-ordered ids keep inserts at the right edge of an index (RFC 9562, version 7). PostgreSQL has its own from 18 on.
create function uuid_v7() returns uuid
language sql volatile parallel safe
as $$
  select encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid
$$;

-- The tenant that the transaction works in; null outside of one, so that a forgotten tenant shows no row at all.
create function current_tenant() returns uuid
language sql stable parallel safe
as $$
  select nullif(current_setting('lethe.tenant_id', true), '')::uuid
$$;

-- The one normal form of an identifier, for lookup, keyed hashes and search; the same as normalizeIdentifier in the code.
create function normal_identifier(value text) returns text
language sql immutable strict parallel safe
as $$
  select lower(normalize(btrim(value)))
$$;

-- A login name may be a claims string, i:0#.f|membership|user@domain; what counts is the part behind the last bar.
create function normal_login_name(value text) returns text
language sql immutable strict parallel safe
as $$
  select lower(normalize(btrim(regexp_replace(value, '^.*\|', ''))))
$$;

-- Separates the tenants of one table: forced for everybody who is no superuser. The auditor reads all tenants, for the
-- search after an erasure; without a condition of its own on the tenant's rows, its queries may use every index.
create procedure separate_tenants(tenant_table regclass, tenant_column text default 'tenant_id')
language plpgsql
as $$
begin
  execute format('alter table %s enable row level security', tenant_table);
  execute format('alter table %s force row level security', tenant_table);
  execute format(
    'create policy tenant_separation on %s using (%I = current_tenant()) with check (%I = current_tenant())',
    tenant_table, tenant_column, tenant_column
  );
  execute format('create policy auditor_reads on %s for select to lethe_auditor using (true)', tenant_table);
  execute format('grant select, insert, update, delete on %s to lethe_app', tenant_table);
  execute format('grant select on %s to lethe_auditor', tenant_table);
end
$$;
