-- How far an erasure reaches beyond the tenant that requests it.

-- Of users, or of contacts: addresses of people who are no users.
alter table erasure_requests add column about text not null default 'users' check (about in ('users', 'contacts'));
-- It is the part of an erasure that began outside of this tenant, so it reaches no further.
alter table erasure_requests add column from_outside boolean not null default false;
-- In how many trial tenants the same people were erased; null while that is not known.
alter table erasure_requests add column trials_reached integer;

-- A purge from outside took the last administrator of this tenant.
alter table tenants add column administrators_gone_at timestamptz;

-- Erasures whose people are to be looked for in other tenants. `tenant_id`: the tenant that erased them, or the id of the
-- system trail for a request of an identity provider.
create table erasure_reaches (
  tenant_id uuid not null,
  id uuid not null,
  request_id uuid,
  provider_id uuid,
  -- Who they are, until they were looked for.
  sealed_people bytea,
  -- The hashes of their confirmed identities.
  confirmed_hashes bytea[] not null default '{}',
  -- The trial tenants in which something was erased. No route shows them: the requester learns their number.
  trials uuid[] not null default '{}',
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, request_id) references erasure_requests
);
create index erasure_reaches_request_id on erasure_reaches (tenant_id, request_id) where request_id is not null;
create index erasure_reaches_unfinished on erasure_reaches (tenant_id, id) where finished_at is null;
call separate_tenants('erasure_reaches');
create policy owner_lists on erasure_reaches for select to current_user using (true);

-- What was found in another tenant, and what became of it. Each row belongs to the tenant in which it was found.
create table reach_matches (
  tenant_id uuid not null references tenants,
  id uuid not null,
  -- The tenant, the request or the identity provider that it began with, and the row of erasure_reaches.
  source_tenant_id uuid,
  source_request_id uuid,
  provider_id uuid,
  reach_id uuid not null,
  what text not null check (what in ('user', 'contact', 'all_users')),
  -- The internal id of the user. No foreign key: the row outlives the person's.
  user_id uuid,
  -- The address of a contact, until the decision.
  sealed_address bytea,
  confirmed boolean not null,
  decider text not null check (decider in ('nobody', 'operator', 'tenant')),
  state text not null check (state in ('waiting', 'accepted', 'refused', 'expired')),
  request_id uuid,
  reason text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  decided_by uuid,
  decided_by_credential uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, request_id) references erasure_requests,
  foreign key (tenant_id, decided_by) references users
);
create index reach_matches_waiting on reach_matches (tenant_id, decider, id) where state = 'waiting';
create unique index reach_matches_waiting_user on reach_matches (tenant_id, user_id, what)
  where state = 'waiting' and user_id is not null;
create index reach_matches_request_id on reach_matches (tenant_id, request_id) where request_id is not null;
create index reach_matches_decided_by on reach_matches (tenant_id, decided_by) where decided_by is not null;
create index reach_matches_reason_text on reach_matches using gin (lethe_search_form(reason) gin_trgm_ops)
  where reason is not null;
call separate_tenants('reach_matches');
create policy owner_lists on reach_matches for select to current_user using (true);

-- The functions below read across tenants and answer ids only. They run as the owner, who is subject to the separation.
create policy owner_lists on users for select to current_user using (true);

-- The ids of all trial tenants.
create function trial_tenant_ids() returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select t.id from public.tenants t where t.kind = 'trial';
end
$$;

-- The users with one of these confirmed identities, in tenants of this kind.
create function users_of_confirmed(hashes bytea[], tenant_kind text) returns table (tenant_id uuid, user_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query
    select distinct c.tenant_id, c.user_id
    from public.confirmed_identities c join public.tenants t on t.id = c.tenant_id
    where c.hash = any (hashes) and t.kind = tenant_kind;
end
$$;

-- The users with one of these addresses, or one of these ids at an identity provider, in tenants of this kind, whether
-- confirmed or not. Addresses and ids are keys. One look-up in an index for each tenant.
create function users_of_identifiers(addresses text[], identities text[], tenant_kind text)
returns table (tenant_id uuid, user_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query
    select t.id, found.id
    from public.tenants t
    cross join lateral (
      select u.id from public.users u where u.tenant_id = t.id and u.email_key = any (addresses)
      union
      select u.id from public.users u where u.tenant_id = t.id and u.login_key = any (addresses)
      union
      select u.id from public.users u where u.tenant_id = t.id and u.external_identity_key = any (identities)
    ) found
    where t.kind = tenant_kind;
end
$$;

-- What waits for the operator.
create function waiting_reach_matches() returns table (tenant_id uuid, id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select m.tenant_id, m.id from public.reach_matches m where m.state = 'waiting' and m.decider = 'operator';
end
$$;

-- Which of all tenants a match is in.
create function tenant_of_reach_match(match uuid) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select m.tenant_id from public.reach_matches m where m.id = match;
end
$$;
create index reach_matches_id on reach_matches (id);

-- What is still to be looked for: a starting worker takes it up again.
create function unfinished_reaches() returns table (tenant_id uuid, id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select r.tenant_id, r.id from public.erasure_reaches r where r.finished_at is null;
end
$$;
