create table skill_scale_sets (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  -- Null: for every catalog of the tenant.
  catalog_id uuid,
  title text not null,
  is_default boolean not null default false,
  primary key (tenant_id, id),
  foreign key (tenant_id, catalog_id) references catalogs
);
create index skill_scale_sets_title_text on skill_scale_sets using gin (title gin_trgm_ops);
call separate_tenants('skill_scale_sets');

create table skill_levels (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  scale_set_id uuid not null,
  title text not null,
  value integer not null,
  description text,
  primary key (tenant_id, id),
  unique (tenant_id, scale_set_id, value),
  foreign key (tenant_id, scale_set_id) references skill_scale_sets
);
create index skill_levels_title_text on skill_levels using gin (title gin_trgm_ops);
create index skill_levels_description_text on skill_levels using gin (description gin_trgm_ops) where description is not null;
call separate_tenants('skill_levels');

create table skills (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  catalog_id uuid,
  scale_set_id uuid not null,
  title text not null,
  description text,
  external_key text,
  primary key (tenant_id, id),
  foreign key (tenant_id, catalog_id) references catalogs,
  foreign key (tenant_id, scale_set_id) references skill_scale_sets
);
create unique index skills_external_key on skills (tenant_id, external_key);
create index skills_scale_set_id on skills (tenant_id, scale_set_id);
create index skills_title_text on skills using gin (title gin_trgm_ops);
create index skills_description_text on skills using gin (description gin_trgm_ops) where description is not null;
call separate_tenants('skills');

create table user_skills (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  skill_id uuid not null,
  level_id uuid not null,
  awarded_at timestamptz not null default now(),
  awarded_by uuid,
  revoked_at timestamptz,
  revoked_by uuid,
  revoke_reason text,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, skill_id) references skills,
  foreign key (tenant_id, level_id) references skill_levels,
  foreign key (tenant_id, awarded_by) references users,
  foreign key (tenant_id, revoked_by) references users
);
-- A skill is held once at a level; an award after a revoke is a new award.
create unique index user_skills_held on user_skills (tenant_id, user_id, skill_id, level_id) where revoked_at is null;
create index user_skills_user_id on user_skills (tenant_id, user_id);
create index user_skills_skill_id on user_skills (tenant_id, skill_id);
create index user_skills_awarded_by on user_skills (tenant_id, awarded_by) where awarded_by is not null;
create index user_skills_revoked_by on user_skills (tenant_id, revoked_by) where revoked_by is not null;
create index user_skills_revoke_reason_text on user_skills using gin (revoke_reason gin_trgm_ops) where revoke_reason is not null;
call separate_tenants('user_skills');
