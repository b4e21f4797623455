-- Lists in an order or a selection that had no index.
create index users_name on users (tenant_id, (coalesce(lower(display_name), '')), id);
create index users_created_at on users (tenant_id, created_at, id);
create index enrollments_state on enrollments (tenant_id, state, id);
create index catalog_members_administrators on catalog_members (tenant_id, catalog_id, user_id) where role = 'administrator';
