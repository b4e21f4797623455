-- Addresses of other systems that are told about events.
create table webhook_endpoints (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  name text not null,
  event_kinds text[] not null check (event_kinds <> '{}'),
  -- The address, under the master key: it may hold a secret. Null after an erasure of a person that it named.
  sealed_url bytea,
  -- What deliveries are signed with, under the master key; and the one before, as long as receivers may still use it.
  sealed_secret bytea not null,
  sealed_previous_secret bytea,
  previous_secret_until timestamptz,
  -- Whether deliveries also carry Thrive's header x-hmac-signature.
  thrive_signature boolean not null default false,
  -- The API key or the OAuth client that made the endpoint, which gets nothing once that is revoked or expired.
  credential_id uuid,
  enabled boolean not null default true,
  disabled_because text check (disabled_because in ('administrator', 'receiver_gone', 'names_purged_person')),
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  check (enabled = (disabled_because is null))
);
create index webhook_endpoints_name_text on webhook_endpoints using gin (lethe_search_form(name) gin_trgm_ops);
create index webhook_endpoints_credential_id on webhook_endpoints (tenant_id, credential_id) where credential_id is not null;
call separate_tenants('webhook_endpoints');
create policy owner_lists on webhook_endpoints for select to current_user using (true);

-- What each endpoint is sent: references only. The payload is built when it is sent, from what is stored then.
create table webhook_deliveries (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  endpoint_id uuid not null,
  -- The same for all endpoints that the event is sent to, and for every attempt.
  event_id uuid not null,
  kind text not null,
  occurred_at timestamptz not null,
  -- The person of the event. The row goes with an erasure of the person.
  user_id uuid,
  -- The internal id of a person who was purged by the event.
  erased_user_id uuid,
  -- The erasure request of the event.
  request_id uuid,
  -- What else the event is about, such as a skill.
  object_id uuid,
  -- What the receiver knows an erased person by, under the master key, until the delivery has ended.
  sealed_reference bytea,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
  -- Since it was last queued.
  attempts integer not null default 0,
  -- The next attempt. While one is under way: when another process may take over.
  due_at timestamptz,
  -- After this it is dead, however few attempts there were.
  give_up_at timestamptz not null,
  -- Each attempt: when, how long, and the status or the error. No part of an answer.
  attempt_log jsonb not null default '[]',
  ended_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, endpoint_id) references webhook_endpoints,
  foreign key (tenant_id, user_id) references users,
  check ((state = 'pending') = (due_at is not null)),
  check ((state = 'pending') = (ended_at is null)),
  check (state = 'pending' or sealed_reference is null),
  -- Both together would link an anonymous training history to the person.
  check (kind <> 'user.anonymized' or (user_id is null and erased_user_id is null))
);
create index webhook_deliveries_endpoint_id on webhook_deliveries (tenant_id, endpoint_id, id);
create index webhook_deliveries_due_at on webhook_deliveries (tenant_id, endpoint_id, due_at) where state = 'pending';
create index webhook_deliveries_dead on webhook_deliveries (tenant_id, endpoint_id, ended_at) where state = 'dead';
create index webhook_deliveries_ended_at on webhook_deliveries (tenant_id, ended_at) where state <> 'pending';
create index webhook_deliveries_user_id on webhook_deliveries (tenant_id, user_id) where user_id is not null;
call separate_tenants('webhook_deliveries');
create policy owner_lists on webhook_deliveries for select to current_user using (true);

-- The endpoints of all tenants to which something is due: ids only. Workers ask this again and again.
create function due_webhook_endpoints(at timestamptz) returns table (tenant_id uuid, endpoint_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select e.tenant_id, e.id from public.webhook_endpoints e
    where e.enabled and exists (
      select from public.webhook_deliveries d
      where d.tenant_id = e.tenant_id and d.endpoint_id = e.id and d.state = 'pending' and d.due_at <= at);
end
$$;
