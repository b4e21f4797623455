create table directory_groups (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  directory_object_id uuid,
  display_name text not null,
  description text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create unique index directory_groups_directory_object_id on directory_groups (tenant_id, directory_object_id);
create index directory_groups_display_name_text on directory_groups using gin (display_name gin_trgm_ops);
create index directory_groups_description_text on directory_groups using gin (description gin_trgm_ops) where description is not null;
call separate_tenants('directory_groups');

create table group_members (
  tenant_id uuid not null,
  group_id uuid not null,
  user_id uuid not null,
  deletion_id uuid,
  added_at timestamptz not null default now(),
  primary key (tenant_id, group_id, user_id),
  foreign key (tenant_id, group_id) references directory_groups,
  foreign key (tenant_id, user_id) references users
);
create index group_members_user_id on group_members (tenant_id, user_id);
call separate_tenants('group_members');
