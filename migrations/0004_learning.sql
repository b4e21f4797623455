create table catalogs (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  title text not null,
  description text,
  -- Addresses are kept in lower case, so that an index on the array finds them.
  contact_emails text[] not null default '{}' check (contact_emails::text = lower(contact_emails::text)),
  external_key text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create unique index catalogs_external_key on catalogs (tenant_id, external_key);
create index catalogs_contact_emails on catalogs using gin (contact_emails);
create index catalogs_title_text on catalogs using gin (title gin_trgm_ops);
create index catalogs_description_text on catalogs using gin (description gin_trgm_ops) where description is not null;
call separate_tenants('catalogs');

create table catalog_members (
  tenant_id uuid not null,
  catalog_id uuid not null,
  user_id uuid not null,
  role text not null default 'member' check (role in ('member', 'administrator')),
  deletion_id uuid,
  added_by uuid,
  added_at timestamptz not null default now(),
  primary key (tenant_id, catalog_id, user_id),
  foreign key (tenant_id, catalog_id) references catalogs,
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, added_by) references users
);
create index catalog_members_user_id on catalog_members (tenant_id, user_id);
create index catalog_members_added_by on catalog_members (tenant_id, added_by) where added_by is not null;
call separate_tenants('catalog_members');

-- A group's members are members of the catalog for as long as they are in the group; no row of their own says so.
create table catalog_groups (
  tenant_id uuid not null,
  catalog_id uuid not null,
  group_id uuid not null,
  added_at timestamptz not null default now(),
  primary key (tenant_id, catalog_id, group_id),
  foreign key (tenant_id, catalog_id) references catalogs,
  foreign key (tenant_id, group_id) references directory_groups
);
create index catalog_groups_group_id on catalog_groups (tenant_id, group_id);
call separate_tenants('catalog_groups');

create table courses (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  catalog_id uuid not null,
  kind text not null default 'e_learning' check (kind in ('e_learning', 'classroom', 'webinar')),
  title text not null,
  description text,
  contact_emails text[] not null default '{}' check (contact_emails::text = lower(contact_emails::text)),
  reply_to_email text check (reply_to_email = lower(reply_to_email)),
  starts_on date,
  length_days integer,
  external_key text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, catalog_id) references catalogs
);
create unique index courses_external_key on courses (tenant_id, external_key);
create index courses_catalog_id on courses (tenant_id, catalog_id);
create index courses_contact_emails on courses using gin (contact_emails);
create index courses_reply_to_email on courses using gin (reply_to_email gin_trgm_ops) where reply_to_email is not null;
create index courses_title_text on courses using gin (title gin_trgm_ops);
create index courses_description_text on courses using gin (description gin_trgm_ops) where description is not null;
call separate_tenants('courses');

create table course_authors (
  tenant_id uuid not null,
  course_id uuid not null,
  user_id uuid not null,
  added_at timestamptz not null default now(),
  primary key (tenant_id, course_id, user_id),
  foreign key (tenant_id, course_id) references courses,
  foreign key (tenant_id, user_id) references users
);
create index course_authors_user_id on course_authors (tenant_id, user_id);
call separate_tenants('course_authors');

create table modules (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  course_id uuid not null,
  title text not null,
  kind text not null,
  week_from integer,
  week_to integer,
  external_key text,
  primary key (tenant_id, id),
  foreign key (tenant_id, course_id) references courses
);
create unique index modules_external_key on modules (tenant_id, external_key);
create index modules_course_id on modules (tenant_id, course_id);
create index modules_title_text on modules using gin (title gin_trgm_ops);
call separate_tenants('modules');

create table training_plans (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  catalog_id uuid not null,
  title text not null,
  description text,
  contact_emails text[] not null default '{}' check (contact_emails::text = lower(contact_emails::text)),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, catalog_id) references catalogs
);
create index training_plans_catalog_id on training_plans (tenant_id, catalog_id);
create index training_plans_contact_emails on training_plans using gin (contact_emails);
create index training_plans_title_text on training_plans using gin (title gin_trgm_ops);
create index training_plans_description_text on training_plans using gin (description gin_trgm_ops) where description is not null;
call separate_tenants('training_plans');

create table training_plan_courses (
  tenant_id uuid not null,
  training_plan_id uuid not null,
  course_id uuid not null,
  position integer not null,
  primary key (tenant_id, training_plan_id, course_id),
  foreign key (tenant_id, training_plan_id) references training_plans,
  foreign key (tenant_id, course_id) references courses
);
create index training_plan_courses_course_id on training_plan_courses (tenant_id, course_id);
call separate_tenants('training_plan_courses');

create table training_plan_authors (
  tenant_id uuid not null,
  training_plan_id uuid not null,
  user_id uuid not null,
  added_at timestamptz not null default now(),
  primary key (tenant_id, training_plan_id, user_id),
  foreign key (tenant_id, training_plan_id) references training_plans,
  foreign key (tenant_id, user_id) references users
);
create index training_plan_authors_user_id on training_plan_authors (tenant_id, user_id);
call separate_tenants('training_plan_authors');

create table sessions (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  course_id uuid not null,
  title text not null,
  starts_at timestamptz,
  ends_at timestamptz,
  location text,
  contact_emails text[] not null default '{}' check (contact_emails::text = lower(contact_emails::text)),
  external_key text,
  primary key (tenant_id, id),
  foreign key (tenant_id, course_id) references courses
);
create unique index sessions_external_key on sessions (tenant_id, external_key);
create index sessions_course_id on sessions (tenant_id, course_id);
create index sessions_contact_emails on sessions using gin (contact_emails);
create index sessions_title_text on sessions using gin (title gin_trgm_ops);
create index sessions_location_text on sessions using gin (location gin_trgm_ops) where location is not null;
call separate_tenants('sessions');

create table session_instructors (
  tenant_id uuid not null,
  session_id uuid not null,
  user_id uuid not null,
  added_at timestamptz not null default now(),
  primary key (tenant_id, session_id, user_id),
  foreign key (tenant_id, session_id) references sessions,
  foreign key (tenant_id, user_id) references users
);
create index session_instructors_user_id on session_instructors (tenant_id, user_id);
call separate_tenants('session_instructors');

create table enrollments (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  course_id uuid,
  training_plan_id uuid,
  session_id uuid,
  state text not null default 'registered'
    check (state in ('registered', 'in_progress', 'completed', 'failed', 'withdrawn')),
  result text check (result in ('pass', 'distinction', 'fail', 'withdrawn')),
  registered_on date,
  withdrawn_on date,
  completed_at timestamptz,
  previous_attempts integer not null default 0,
  credits integer,
  enrolled_by uuid,
  note text,
  -- Set while the person is deleted: the enrollment is inactive until the restore of that delete.
  deletion_id uuid,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, course_id) references courses,
  foreign key (tenant_id, training_plan_id) references training_plans,
  foreign key (tenant_id, session_id) references sessions,
  foreign key (tenant_id, enrolled_by) references users,
  check ((course_id is null) <> (training_plan_id is null))
);
create unique index enrollments_user_course on enrollments (tenant_id, user_id, course_id) where course_id is not null;
create unique index enrollments_user_plan on enrollments (tenant_id, user_id, training_plan_id) where training_plan_id is not null;
create index enrollments_user_id on enrollments (tenant_id, user_id);
create index enrollments_course_id on enrollments (tenant_id, course_id);
create index enrollments_training_plan_id on enrollments (tenant_id, training_plan_id) where training_plan_id is not null;
create index enrollments_session_id on enrollments (tenant_id, session_id) where session_id is not null;
create index enrollments_enrolled_by on enrollments (tenant_id, enrolled_by) where enrolled_by is not null;
create index enrollments_note_text on enrollments using gin (note gin_trgm_ops) where note is not null;
call separate_tenants('enrollments');

create table progress (
  tenant_id uuid not null,
  user_id uuid not null,
  module_id uuid not null,
  percent integer not null check (percent between 0 and 100),
  started_at timestamptz,
  completed_at timestamptz,
  primary key (tenant_id, user_id, module_id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, module_id) references modules
);
call separate_tenants('progress');

create table assessments (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  course_id uuid not null,
  title text not null,
  kind text not null,
  weight numeric,
  due_on date,
  external_key text,
  primary key (tenant_id, id),
  foreign key (tenant_id, course_id) references courses
);
create unique index assessments_external_key on assessments (tenant_id, external_key);
create index assessments_course_id on assessments (tenant_id, course_id);
create index assessments_title_text on assessments using gin (title gin_trgm_ops);
call separate_tenants('assessments');

create table assessment_attempts (
  tenant_id uuid not null,
  user_id uuid not null,
  assessment_id uuid not null,
  attempt integer not null default 1,
  submitted_on date,
  score numeric,
  banked boolean not null default false,
  graded_by uuid,
  feedback text,
  primary key (tenant_id, user_id, assessment_id, attempt),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, assessment_id) references assessments,
  foreign key (tenant_id, graded_by) references users
);
create index assessment_attempts_graded_by on assessment_attempts (tenant_id, graded_by) where graded_by is not null;
create index assessment_attempts_feedback_text on assessment_attempts using gin (feedback gin_trgm_ops) where feedback is not null;
call separate_tenants('assessment_attempts');

create table issued_certificates (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  course_id uuid,
  training_plan_id uuid,
  number text,
  issued_at timestamptz not null default now(),
  expires_at timestamptz,
  issued_by uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, course_id) references courses,
  foreign key (tenant_id, training_plan_id) references training_plans,
  foreign key (tenant_id, issued_by) references users
);
create index issued_certificates_user_id on issued_certificates (tenant_id, user_id);
create index issued_certificates_issued_by on issued_certificates (tenant_id, issued_by) where issued_by is not null;
call separate_tenants('issued_certificates');

-- The click stream: the largest table. The person comes first in the key, so that one person's rows lie together in the
-- only index, and an import, which has no natural key to repeat by, needs no second one.
create table record_actions (
  tenant_id uuid not null,
  user_id uuid not null,
  id bigint generated by default as identity,
  module_id uuid not null,
  happened_on date not null,
  clicks integer not null,
  primary key (tenant_id, user_id, id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, module_id) references modules
);
call separate_tenants('record_actions');

create table submissions (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  assessment_id uuid not null,
  comment text,
  feedback text,
  graded_by uuid,
  submitted_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, assessment_id) references assessments,
  foreign key (tenant_id, graded_by) references users
);
create index submissions_user_id on submissions (tenant_id, user_id);
create index submissions_graded_by on submissions (tenant_id, graded_by) where graded_by is not null;
create index submissions_comment_text on submissions using gin (comment gin_trgm_ops) where comment is not null;
create index submissions_feedback_text on submissions using gin (feedback gin_trgm_ops) where feedback is not null;
call separate_tenants('submissions');

-- Files lie with their rows, in chunks, so that one transaction erases both.
create table submission_files (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  submission_id uuid not null,
  user_id uuid not null,
  name text not null,
  media_type text not null,
  size bigint not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, submission_id) references submissions,
  foreign key (tenant_id, user_id) references users
);
create index submission_files_submission_id on submission_files (tenant_id, submission_id);
create index submission_files_user_id on submission_files (tenant_id, user_id);
create index submission_files_name_text on submission_files using gin (name gin_trgm_ops);
call separate_tenants('submission_files');

create table submission_file_chunks (
  tenant_id uuid not null,
  file_id uuid not null,
  position integer not null,
  user_id uuid not null,
  content bytea not null,
  primary key (tenant_id, file_id, position),
  foreign key (tenant_id, file_id) references submission_files,
  foreign key (tenant_id, user_id) references users
);
create index submission_file_chunks_user_id on submission_file_chunks (tenant_id, user_id);
call separate_tenants('submission_file_chunks');

create table posts (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  course_id uuid not null,
  parent_id uuid,
  -- Null once the author is purged: the post stays as an empty placeholder, so that the replies keep their place.
  author_id uuid,
  body text not null,
  created_at timestamptz not null default now(),
  edited_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, course_id) references courses,
  foreign key (tenant_id, parent_id) references posts,
  foreign key (tenant_id, author_id) references users
);
create index posts_course_id on posts (tenant_id, course_id);
create index posts_parent_id on posts (tenant_id, parent_id) where parent_id is not null;
create index posts_author_id on posts (tenant_id, author_id) where author_id is not null;
create index posts_body_text on posts using gin (body gin_trgm_ops);
call separate_tenants('posts');

create table ratings (
  tenant_id uuid not null,
  user_id uuid not null,
  course_id uuid not null,
  stars integer not null check (stars between 1 and 5),
  comment text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id, course_id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, course_id) references courses
);
create index ratings_course_id on ratings (tenant_id, course_id);
create index ratings_comment_text on ratings using gin (comment gin_trgm_ops) where comment is not null;
call separate_tenants('ratings');
