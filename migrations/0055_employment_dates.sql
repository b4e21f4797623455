-- When a person starts and leaves: outside of these times the account is suspended. Null: no such time.
alter table users add column starts_at timestamptz;
alter table users add column ends_at timestamptz;

-- The next of these times at which the state of the account changes. Null: none, or a suspension came in between.
alter table users add column next_change_at timestamptz;

create index users_next_change_at on users (tenant_id, next_change_at)
  where next_change_at is not null and state in ('active', 'suspended');

-- The tenants in which a change is due: ids only. A job asks this every minute.
create function tenants_with_due_changes() returns table (tenant_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query
    select t.id from public.tenants t
    where exists (
      select from public.users u
      where u.tenant_id = t.id and u.next_change_at <= now() and u.state in ('active', 'suspended')
    );
end
$$;
