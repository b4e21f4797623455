-- Events about users that another system sent, so that an event that comes twice is applied once. Hashes only: the id of an
-- event is a text of its sender, and its body names a person. No row names a user.
create table received_events (
  tenant_id uuid not null references tenants,
  id_hash bytea not null,
  -- Keyed hash of the whole event.
  fingerprint bytea not null,
  -- Null: the event asked for an erasure, and a repetition looks how far that is.
  outcome text check (outcome in ('applied', 'ignored')),
  -- Why it was ignored.
  reason text,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create index received_events_expires_at on received_events (tenant_id, expires_at);
call separate_tenants('received_events');

-- When each part of a user was last changed by an event, in the time of the events. Null: no event changed the user.
alter table users add column event_times jsonb;

-- For a day, the time before which events about a ref are late: its user was anonymized, or an event about it came that
-- named no user. Nothing here leads to the user.
create table event_cutoffs (
  tenant_id uuid not null references tenants,
  -- Keyed hash of the ref.
  ref_hash bytea not null,
  deleted_at timestamptz,
  suspended_at timestamptz,
  expires_at timestamptz not null,
  primary key (tenant_id, ref_hash)
);
create index event_cutoffs_expires_at on event_cutoffs (tenant_id, expires_at);
call separate_tenants('event_cutoffs');

-- The time of the event that asked for the erasure. It goes with the erasure.
alter table erasure_requests add column event_at timestamptz;
