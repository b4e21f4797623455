-- An erasure request is due so many days after it is made.
alter table tenants add column erasure_due_days integer not null default 30;
alter table tenants add constraint tenants_erasure_due_days check (erasure_due_days between 1 and 3650);
-- A request that was made before this column is due 30 days after the update.
alter table erasure_requests add column due_at timestamptz not null default now() + interval '30 days';

create policy owner_lists on erasure_subjects for select to current_user using (true);

-- The ids of the overdue requests of all tenants, and nothing else: a metric counts them. A request that has ended with
-- people who failed still waits for them.
create function overdue_erasure_requests() returns table (request_id uuid)
language sql stable security definer set search_path = pg_catalog, public
as $$
  select r.id from public.erasure_requests r
  where r.due_at < now() and (
    r.finished_at is null or (r.tenant_id, r.id) in (
      select s.tenant_id, s.request_id from public.erasure_subjects s
      where s.state in ('queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'failed')
    )
  )
$$;
