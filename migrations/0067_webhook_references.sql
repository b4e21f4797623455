-- What the receiver of a webhook knows a user by: events about the erasure of the user carry it.
create table webhook_references (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  user_id uuid not null,
  -- Under the master key, in the form of webhook_deliveries.sealed_reference, which it is copied to.
  sealed_reference bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, endpoint_id, user_id),
  foreign key (tenant_id, endpoint_id) references webhook_endpoints on delete cascade,
  foreign key (tenant_id, user_id) references users
);
create index webhook_references_user_id on webhook_references (tenant_id, user_id);
call separate_tenants('webhook_references');
