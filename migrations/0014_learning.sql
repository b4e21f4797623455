-- Whom a group brings to a course, as with catalogs: no row of their own says so.
create table course_groups (
  tenant_id uuid not null,
  course_id uuid not null,
  group_id uuid not null,
  added_at timestamptz not null default now(),
  primary key (tenant_id, course_id, group_id),
  foreign key (tenant_id, course_id) references courses,
  foreign key (tenant_id, group_id) references directory_groups
);
create index course_groups_group_id on course_groups (tenant_id, group_id);
call separate_tenants('course_groups');

-- An enrollment that was ended stays in the transcript; whoever enrolls again gets another one.
alter table enrollments add column unenrolled_at timestamptz;
alter table enrollments add column unenrolled_by uuid;
alter table enrollments add foreign key (tenant_id, unenrolled_by) references users;
create index enrollments_unenrolled_by on enrollments (tenant_id, unenrolled_by) where unenrolled_by is not null;
drop index enrollments_user_course;
drop index enrollments_user_plan;
create unique index enrollments_user_course on enrollments (tenant_id, user_id, course_id)
  where course_id is not null and unenrolled_at is null;
create unique index enrollments_user_plan on enrollments (tenant_id, user_id, training_plan_id)
  where training_plan_id is not null and unenrolled_at is null;

-- Names the scale in the source that it was imported from.
alter table skill_scale_sets add column external_key text;
create unique index skill_scale_sets_external_key on skill_scale_sets (tenant_id, external_key);
-- One default for the tenant, and one for each catalog; of several until now, the first.
alter table skill_scale_sets no force row level security;
update skill_scale_sets later set is_default = false
where is_default and exists (
  select from skill_scale_sets earlier
  where earlier.tenant_id = later.tenant_id and earlier.catalog_id is not distinct from later.catalog_id
    and earlier.is_default and earlier.id < later.id
);
alter table skill_scale_sets force row level security;
create unique index skill_scale_sets_default on skill_scale_sets (tenant_id, catalog_id) nulls not distinct where is_default;
create index skills_catalog_id on skills (tenant_id, catalog_id) where catalog_id is not null;
create index user_skills_level_id on user_skills (tenant_id, level_id);

-- Null: it is not sent by e-mail, or not yet.
alter table notifications add column email_state text check (email_state in ('sent', 'undeliverable'));

-- What a synchronisation does with members of a group who were purged: they come back as new users, or stay out.
alter table tenants add column returning_members text not null default 'create'
  check (returning_members in ('create', 'block'));

-- Who was purged and came back with a group of the directory: so that an administrator can see why.
create table reappearances (
  tenant_id uuid not null,
  user_id uuid not null,
  group_id uuid not null,
  -- The order that had purged the person; no foreign key, because a tombstone from another installation may name it.
  request_id uuid not null,
  reappeared_at timestamptz not null default now(),
  primary key (tenant_id, user_id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, group_id) references directory_groups
);
call separate_tenants('reappearances');
