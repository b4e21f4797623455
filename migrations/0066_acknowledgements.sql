-- Links by which a receiver of data acknowledges an erasure: the owner of an external system of the register, or a webhook.
-- The link itself is only with the receiver.
create table acknowledgement_links (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  request_id uuid not null,
  receiver_kind text not null check (receiver_kind in ('external_system', 'webhook')),
  -- No foreign key: what a receiver acknowledged stays when it leaves the register.
  receiver_id uuid not null,
  token_hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  acknowledged_at timestamptz,
  -- The number of the addendum that states it. Null until that is signed.
  statement integer check (statement is null or acknowledged_at is not null),
  primary key (tenant_id, id),
  foreign key (tenant_id, request_id) references erasure_requests
);
create index acknowledgement_links_request_id on acknowledgement_links (tenant_id, request_id, receiver_id);
create unique index acknowledgement_links_token_hash on acknowledgement_links (tenant_id, token_hash);
-- Each delivery of a webhook carries the same link.
create unique index acknowledgement_links_webhook on acknowledgement_links (tenant_id, request_id, receiver_id)
  where receiver_kind = 'webhook';
create index acknowledgement_links_unsigned on acknowledgement_links (tenant_id, request_id)
  where acknowledged_at is not null and statement is null;
create index acknowledgement_links_expires_at on acknowledgement_links (tenant_id, expires_at)
  where acknowledged_at is null;
call separate_tenants('acknowledgement_links');
