-- User Cleanup sorts by the tenant's own unique id. Users without one come first.
create index users_ref_order on users (tenant_id, (coalesce(ref_key, '')), id);
