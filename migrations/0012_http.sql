-- What a request with an Idempotency-Key was answered, so that its repetition does nothing twice and gets the same answer.
-- Written in the transaction of the act: whoever repeats a request that still runs waits here until it has ended.
create table idempotent_requests (
  tenant_id uuid not null references tenants,
  -- Keyed hash of the key and of whose it is: callers may put anything into a key.
  key_hash text not null,
  -- Keyed hash of what was asked.
  fingerprint text not null,
  status smallint,
  -- The user whom the request created. Null for everything else, and once the user is purged or anonymized.
  user_id uuid,
  -- The answer as JSON, with its address, without what is answered once only. Null once its user is purged or anonymized.
  body text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (tenant_id, key_hash),
  foreign key (tenant_id, user_id) references users
);
create index idempotent_requests_user_id on idempotent_requests (tenant_id, user_id) where user_id is not null;
create index idempotent_requests_expires_at on idempotent_requests (tenant_id, expires_at);
create index idempotent_requests_body_text on idempotent_requests using gin (body gin_trgm_ops) where body is not null;
call separate_tenants('idempotent_requests');
