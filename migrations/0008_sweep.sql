-- Where a later sweep found something that should have been forgotten: never what it was.
create table erasure_findings (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  -- The internal id of the purged person. No foreign key: the row outlives the person's.
  user_id uuid not null,
  -- The follow-up that deals with it.
  request_id uuid,
  table_name text not null,
  column_name text not null,
  kind text not null check (
    kind in ('email', 'login_name', 'directory_object_id', 'ref', 'external_identity_id', 'internal_id')
  ),
  row_count bigint not null,
  found_at timestamptz not null default now(),
  -- A later sweep did not find it any more, or the follow-up was done.
  resolved_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, request_id) references erasure_requests
);
create unique index erasure_findings_open on erasure_findings (tenant_id, user_id, table_name, column_name, kind)
  where resolved_at is null;
create index erasure_findings_request_id on erasure_findings (tenant_id, request_id) where request_id is not null;
call separate_tenants('erasure_findings');
