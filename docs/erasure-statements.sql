-- The statements that are compiled from the data map. Written by "npm run generate"; do not edit.
-- Map version 4a6cf6e216ecb2ec. The statements of each operation run in this order, in one transaction.
-- $1 is the tenant, $2 the ids of the people; where only one person is meant, the id of that person.

-- Locks the people and reads their identifiers.
select id, state, login_name, directory_object_id, ref, email, external_identity_id from users where tenant_id = $1 and id = any($2) order by id for update;

-- Reads the identifiers for a preview, without a lock.
select id, state, login_name, directory_object_id, ref, email, external_identity_id from users where tenant_id = $1 and id = any($2) order by id;

-- PURGE

-- Counts what there is to do about the people: to preview, to tell which of the acts below are needed, and to verify. $3: everybody who is dealt with by then.
select act, person, count(*)::int as row_count from (
select 0 as act, user_id as person from assessment_attempts where tenant_id = $1 and user_id = any($2)
union all
select 1 as act, user_id as person from audit_resealed where tenant_id = $1 and user_id = any($2)
union all
select 2 as act, user_id as person from catalog_members where tenant_id = $1 and user_id = any($2)
union all
select 3 as act, user_id as person from confirmed_identities where tenant_id = $1 and user_id = any($2)
union all
select 4 as act, user_id as person from enrollments where tenant_id = $1 and user_id = any($2)
union all
select 5 as act, user_id as person from erasure_wishes where tenant_id = $1 and user_id = any($2)
union all
select 6 as act, user_id as person from export_chunks where tenant_id = $1 and user_id = any($2)
union all
select 7 as act, user_id as person from exports where tenant_id = $1 and user_id = any($2)
union all
select 8 as act, user_id as person from former_identifiers where tenant_id = $1 and user_id = any($2)
union all
select 9 as act, user_id as person from group_members where tenant_id = $1 and user_id = any($2)
union all
select 10 as act, user_id as person from issued_certificates where tenant_id = $1 and user_id = any($2)
union all
select 11 as act, user_id as person from legal_hold_users where tenant_id = $1 and user_id = any($2)
union all
select 12 as act, user_id as person from notifications where tenant_id = $1 and user_id = any($2)
union all
select 13 as act, user_id as person from passwords where tenant_id = $1 and user_id = any($2)
union all
select 14 as act, user_id as person from person_keys where tenant_id = $1 and user_id = any($2)
union all
select 15 as act, user_id as person from product_accounts where tenant_id = $1 and user_id = any($2)
union all
select 16 as act, user_id as person from progress where tenant_id = $1 and user_id = any($2)
union all
select 17 as act, user_id as person from ratings where tenant_id = $1 and user_id = any($2)
union all
select 18 as act, user_id as person from reappearances where tenant_id = $1 and user_id = any($2)
union all
select 19 as act, user_id as person from record_actions where tenant_id = $1 and user_id = any($2)
union all
select 20 as act, user_id as person from sealed_words where tenant_id = $1 and user_id = any($2)
union all
select 21 as act, user_id as person from sign_in_sessions where tenant_id = $1 and user_id = any($2)
union all
select 22 as act, user_id as person from submission_file_chunks where tenant_id = $1 and user_id = any($2)
union all
select 23 as act, user_id as person from submission_files where tenant_id = $1 and user_id = any($2)
union all
select 24 as act, user_id as person from submissions where tenant_id = $1 and user_id = any($2)
union all
select 25 as act, user_id as person from user_skills where tenant_id = $1 and user_id = any($2)
union all
select 26 as act, user_id as person from webhook_references where tenant_id = $1 and user_id = any($2)
union all
select 27 as act, owner_id as person from api_keys where tenant_id = $1 and owner_id = any($2)
union all
select 28 as act, graded_by as person from assessment_attempts where tenant_id = $1 and graded_by = any($2) and user_id <> all($3::uuid[])
union all
select 29 as act, added_by as person from catalog_members where tenant_id = $1 and added_by = any($2) and user_id <> all($3::uuid[])
union all
select 30 as act, user_id as person from confirmation_links where tenant_id = $1 and user_id = any($2)
union all
select 31 as act, run_as as person from connectors where tenant_id = $1 and run_as = any($2)
union all
select 32 as act, user_id as person from course_authors where tenant_id = $1 and user_id = any($2)
union all
select 33 as act, enrolled_by as person from enrollments where tenant_id = $1 and enrolled_by = any($2) and user_id <> all($3::uuid[])
union all
select 34 as act, unenrolled_by as person from enrollments where tenant_id = $1 and unenrolled_by = any($2) and user_id <> all($3::uuid[])
union all
select 35 as act, decided_by as person from erasure_decisions where tenant_id = $1 and decided_by = any($2)
union all
select 36 as act, requested_by as person from erasure_requests where tenant_id = $1 and requested_by = any($2)
union all
select 37 as act, decided_by as person from erasure_wishes where tenant_id = $1 and decided_by = any($2) and user_id <> all($3::uuid[])
union all
select 38 as act, ordered_by as person from exports where tenant_id = $1 and ordered_by = any($2) and user_id <> all($3::uuid[])
union all
select 39 as act, user_id as person from idempotent_requests where tenant_id = $1 and user_id = any($2)
union all
select 40 as act, user_id as person from import_run_rows where tenant_id = $1 and user_id = any($2)
union all
select 41 as act, started_by as person from import_runs where tenant_id = $1 and started_by = any($2)
union all
select 42 as act, issued_by as person from issued_certificates where tenant_id = $1 and issued_by = any($2) and user_id <> all($3::uuid[])
union all
select 43 as act, owner_id as person from legal_holds where tenant_id = $1 and owner_id = any($2)
union all
select 44 as act, created_by as person from legal_holds where tenant_id = $1 and created_by = any($2)
union all
select 45 as act, released_by as person from legal_holds where tenant_id = $1 and released_by = any($2)
union all
select 46 as act, owner_id as person from oauth_clients where tenant_id = $1 and owner_id = any($2)
union all
select 47 as act, author_id as person from posts where tenant_id = $1 and author_id = any($2)
union all
select 48 as act, decided_by as person from reach_matches where tenant_id = $1 and decided_by = any($2)
union all
select 49 as act, owner_id as person from retention_policies where tenant_id = $1 and owner_id = any($2)
union all
select 50 as act, user_id as person from session_instructors where tenant_id = $1 and user_id = any($2)
union all
select 51 as act, user_id as person from sign_in_failures where tenant_id = $1 and user_id = any($2)
union all
select 52 as act, graded_by as person from submissions where tenant_id = $1 and graded_by = any($2) and user_id <> all($3::uuid[])
union all
select 53 as act, created_by as person from tenants where id = $1 and created_by = any($2)
union all
select 54 as act, user_id as person from training_plan_authors where tenant_id = $1 and user_id = any($2)
union all
select 55 as act, awarded_by as person from user_skills where tenant_id = $1 and awarded_by = any($2) and user_id <> all($3::uuid[])
union all
select 56 as act, revoked_by as person from user_skills where tenant_id = $1 and revoked_by = any($2) and user_id <> all($3::uuid[])
union all
select 57 as act, manager_id as person from users where tenant_id = $1 and manager_id = any($2) and id <> all($3::uuid[])
union all
select 58 as act, deleted_by as person from users where tenant_id = $1 and deleted_by = any($2) and id <> all($3::uuid[])
union all
select 59 as act, user_id as person from webhook_deliveries where tenant_id = $1 and user_id = any($2)
union all
select 60 as act, id as person from users where tenant_id = $1 and id = any($2)
) located group by act, person;

-- The same with the plan of a preview: per act and person also the planned rows and a digest of their keys. $4: the plan; null while a preview makes it.
select act, person, count(*)::int as row_count, (count(*) filter (where planned))::int as planned_count, encode(sha256(convert_to(string_agg(row_key, ',' order by row_key collate "C") filter (where planned), 'UTF8')), 'hex') as digest from (
select 0 as act, user_id as person, true as planned, concat_ws(' ', assessment_id::text, attempt::text) as row_key from assessment_attempts where tenant_id = $1 and user_id = any($2)
union all
select 1 as act, user_id as person, false as planned, '' as row_key from audit_resealed where tenant_id = $1 and user_id = any($2)
union all
select 2 as act, user_id as person, true as planned, concat_ws(' ', catalog_id::text, coalesce(to_json(role)::text, '')) as row_key from catalog_members where tenant_id = $1 and user_id = any($2)
union all
select 3 as act, user_id as person, true as planned, to_json(kind)::text as row_key from confirmed_identities where tenant_id = $1 and user_id = any($2)
union all
select 4 as act, user_id as person, true as planned, id::text as row_key from enrollments where tenant_id = $1 and user_id = any($2)
union all
select 5 as act, user_id as person, true as planned, id::text as row_key from erasure_wishes where tenant_id = $1 and user_id = any($2)
union all
select 6 as act, user_id as person, true as planned, concat_ws(' ', export_id::text, position::text) as row_key from export_chunks where tenant_id = $1 and user_id = any($2)
union all
select 7 as act, user_id as person, true as planned, id::text as row_key from exports where tenant_id = $1 and user_id = any($2)
union all
select 8 as act, user_id as person, true as planned, concat_ws(' ', to_json(kind)::text, encode(hash, 'hex')) as row_key from former_identifiers where tenant_id = $1 and user_id = any($2)
union all
select 9 as act, user_id as person, true as planned, group_id::text as row_key from group_members where tenant_id = $1 and user_id = any($2)
union all
select 10 as act, user_id as person, true as planned, id::text as row_key from issued_certificates where tenant_id = $1 and user_id = any($2)
union all
select 11 as act, user_id as person, false as planned, '' as row_key from legal_hold_users where tenant_id = $1 and user_id = any($2)
union all
select 12 as act, user_id as person, true as planned, id::text as row_key from notifications where tenant_id = $1 and user_id = any($2)
union all
select 13 as act, user_id as person, true as planned, '' as row_key from passwords where tenant_id = $1 and user_id = any($2)
union all
select 14 as act, user_id as person, false as planned, '' as row_key from person_keys where tenant_id = $1 and user_id = any($2)
union all
select 15 as act, user_id as person, true as planned, to_json(product)::text as row_key from product_accounts where tenant_id = $1 and user_id = any($2)
union all
select 16 as act, user_id as person, true as planned, module_id::text as row_key from progress where tenant_id = $1 and user_id = any($2)
union all
select 17 as act, user_id as person, true as planned, course_id::text as row_key from ratings where tenant_id = $1 and user_id = any($2)
union all
select 18 as act, user_id as person, true as planned, '' as row_key from reappearances where tenant_id = $1 and user_id = any($2)
union all
select 19 as act, user_id as person, true as planned, id::text as row_key from record_actions where tenant_id = $1 and user_id = any($2)
union all
select 20 as act, user_id as person, false as planned, '' as row_key from sealed_words where tenant_id = $1 and user_id = any($2)
union all
select 21 as act, user_id as person, true as planned, id::text as row_key from sign_in_sessions where tenant_id = $1 and user_id = any($2)
union all
select 22 as act, user_id as person, true as planned, concat_ws(' ', file_id::text, position::text) as row_key from submission_file_chunks where tenant_id = $1 and user_id = any($2)
union all
select 23 as act, user_id as person, true as planned, id::text as row_key from submission_files where tenant_id = $1 and user_id = any($2)
union all
select 24 as act, user_id as person, true as planned, id::text as row_key from submissions where tenant_id = $1 and user_id = any($2)
union all
select 25 as act, user_id as person, true as planned, id::text as row_key from user_skills where tenant_id = $1 and user_id = any($2)
union all
select 26 as act, user_id as person, true as planned, endpoint_id::text as row_key from webhook_references where tenant_id = $1 and user_id = any($2)
union all
select 27 as act, owner_id as person, true as planned, id::text as row_key from api_keys where tenant_id = $1 and owner_id = any($2)
union all
select 28 as act, graded_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = assessment_attempts.user_id) as planned, concat_ws(' ', user_id::text, assessment_id::text, attempt::text) as row_key from assessment_attempts where tenant_id = $1 and graded_by = any($2) and user_id <> all($3::uuid[])
union all
select 29 as act, added_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = catalog_members.user_id) as planned, concat_ws(' ', catalog_id::text, user_id::text) as row_key from catalog_members where tenant_id = $1 and added_by = any($2) and user_id <> all($3::uuid[])
union all
select 30 as act, user_id as person, true as planned, id::text as row_key from confirmation_links where tenant_id = $1 and user_id = any($2)
union all
select 31 as act, run_as as person, true as planned, id::text as row_key from connectors where tenant_id = $1 and run_as = any($2)
union all
select 32 as act, user_id as person, true as planned, course_id::text as row_key from course_authors where tenant_id = $1 and user_id = any($2)
union all
select 33 as act, enrolled_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = enrollments.user_id) as planned, id::text as row_key from enrollments where tenant_id = $1 and enrolled_by = any($2) and user_id <> all($3::uuid[])
union all
select 34 as act, unenrolled_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = enrollments.user_id) as planned, id::text as row_key from enrollments where tenant_id = $1 and unenrolled_by = any($2) and user_id <> all($3::uuid[])
union all
select 35 as act, decided_by as person, true as planned, request_id::text as row_key from erasure_decisions where tenant_id = $1 and decided_by = any($2)
union all
select 36 as act, requested_by as person, true as planned, id::text as row_key from erasure_requests where tenant_id = $1 and requested_by = any($2)
union all
select 37 as act, decided_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = erasure_wishes.user_id) as planned, id::text as row_key from erasure_wishes where tenant_id = $1 and decided_by = any($2) and user_id <> all($3::uuid[])
union all
select 38 as act, ordered_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = exports.user_id) as planned, id::text as row_key from exports where tenant_id = $1 and ordered_by = any($2) and user_id <> all($3::uuid[])
union all
select 39 as act, user_id as person, true as planned, to_json(key_hash)::text as row_key from idempotent_requests where tenant_id = $1 and user_id = any($2)
union all
select 40 as act, user_id as person, true as planned, concat_ws(' ', run_id::text, line::text) as row_key from import_run_rows where tenant_id = $1 and user_id = any($2)
union all
select 41 as act, started_by as person, true as planned, id::text as row_key from import_runs where tenant_id = $1 and started_by = any($2)
union all
select 42 as act, issued_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = issued_certificates.user_id) as planned, id::text as row_key from issued_certificates where tenant_id = $1 and issued_by = any($2) and user_id <> all($3::uuid[])
union all
select 43 as act, owner_id as person, true as planned, id::text as row_key from legal_holds where tenant_id = $1 and owner_id = any($2)
union all
select 44 as act, created_by as person, true as planned, id::text as row_key from legal_holds where tenant_id = $1 and created_by = any($2)
union all
select 45 as act, released_by as person, true as planned, id::text as row_key from legal_holds where tenant_id = $1 and released_by = any($2)
union all
select 46 as act, owner_id as person, true as planned, id::text as row_key from oauth_clients where tenant_id = $1 and owner_id = any($2)
union all
select 47 as act, author_id as person, true as planned, id::text as row_key from posts where tenant_id = $1 and author_id = any($2)
union all
select 48 as act, decided_by as person, true as planned, id::text as row_key from reach_matches where tenant_id = $1 and decided_by = any($2)
union all
select 49 as act, owner_id as person, true as planned, id::text as row_key from retention_policies where tenant_id = $1 and owner_id = any($2)
union all
select 50 as act, user_id as person, true as planned, session_id::text as row_key from session_instructors where tenant_id = $1 and user_id = any($2)
union all
select 51 as act, user_id as person, true as planned, encode(login_hash, 'hex') as row_key from sign_in_failures where tenant_id = $1 and user_id = any($2)
union all
select 52 as act, graded_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = submissions.user_id) as planned, id::text as row_key from submissions where tenant_id = $1 and graded_by = any($2) and user_id <> all($3::uuid[])
union all
select 53 as act, created_by as person, true as planned, '' as row_key from tenants where id = $1 and created_by = any($2)
union all
select 54 as act, user_id as person, true as planned, training_plan_id::text as row_key from training_plan_authors where tenant_id = $1 and user_id = any($2)
union all
select 55 as act, awarded_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = user_skills.user_id) as planned, id::text as row_key from user_skills where tenant_id = $1 and awarded_by = any($2) and user_id <> all($3::uuid[])
union all
select 56 as act, revoked_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = user_skills.user_id) as planned, id::text as row_key from user_skills where tenant_id = $1 and revoked_by = any($2) and user_id <> all($3::uuid[])
union all
select 57 as act, manager_id as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = users.id) as planned, id::text as row_key from users where tenant_id = $1 and manager_id = any($2) and id <> all($3::uuid[])
union all
select 58 as act, deleted_by as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = users.id) as planned, id::text as row_key from users where tenant_id = $1 and deleted_by = any($2) and id <> all($3::uuid[])
union all
select 59 as act, user_id as person, false as planned, '' as row_key from webhook_deliveries where tenant_id = $1 and user_id = any($2)
union all
select 60 as act, id as person, true as planned, coalesce(to_json((
        select string_agg(distinct role collate "C", ' ' order by role collate "C")
        from unnest(case when users.state = 'deleted' then users.former_roles || users.roles else users.roles end || '{learner}') role
      ))::text, '') as row_key from users where tenant_id = $1 and id = any($2)
) located group by act, person;

-- assessment_attempts: deleted.
delete from assessment_attempts where tenant_id = $1 and user_id = any($2);

-- audit_resealed: deleted.
delete from audit_resealed where tenant_id = $1 and user_id = any($2);

-- catalog_members: deleted.
delete from catalog_members where tenant_id = $1 and user_id = any($2);

-- confirmed_identities: deleted.
delete from confirmed_identities where tenant_id = $1 and user_id = any($2);

-- enrollments: deleted.
delete from enrollments where tenant_id = $1 and user_id = any($2);

-- erasure_wishes: deleted.
delete from erasure_wishes where tenant_id = $1 and user_id = any($2);

-- export_chunks: deleted.
delete from export_chunks where tenant_id = $1 and user_id = any($2);

-- exports: deleted.
delete from exports where tenant_id = $1 and user_id = any($2);

-- former_identifiers: deleted.
delete from former_identifiers where tenant_id = $1 and user_id = any($2);

-- group_members: deleted.
delete from group_members where tenant_id = $1 and user_id = any($2);

-- issued_certificates: deleted.
delete from issued_certificates where tenant_id = $1 and user_id = any($2);

-- legal_hold_users: deleted.
delete from legal_hold_users where tenant_id = $1 and user_id = any($2);

-- notifications: deleted.
delete from notifications where tenant_id = $1 and user_id = any($2);

-- passwords: deleted.
delete from passwords where tenant_id = $1 and user_id = any($2);

-- person_keys: deleted.
delete from person_keys where tenant_id = $1 and user_id = any($2);

-- product_accounts: deleted.
delete from product_accounts where tenant_id = $1 and user_id = any($2);

-- progress: deleted.
delete from progress where tenant_id = $1 and user_id = any($2);

-- ratings: deleted.
delete from ratings where tenant_id = $1 and user_id = any($2);

-- reappearances: deleted.
delete from reappearances where tenant_id = $1 and user_id = any($2);

-- record_actions: deleted.
delete from record_actions where tenant_id = $1 and user_id = any($2);

-- sealed_words: deleted.
delete from sealed_words where tenant_id = $1 and user_id = any($2);

-- sign_in_sessions: deleted.
delete from sign_in_sessions where tenant_id = $1 and user_id = any($2);

-- submission_file_chunks: deleted.
delete from submission_file_chunks where tenant_id = $1 and user_id = any($2);

-- submission_files: deleted.
delete from submission_files where tenant_id = $1 and user_id = any($2);

-- submissions: deleted.
delete from submissions where tenant_id = $1 and user_id = any($2);

-- user_skills: deleted.
delete from user_skills where tenant_id = $1 and user_id = any($2);

-- webhook_references: deleted.
delete from webhook_references where tenant_id = $1 and user_id = any($2);

-- api_keys: reassigned. $3: the successor, or null.
update api_keys set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- assessment_attempts: cleared graded_by.
update assessment_attempts set graded_by = null where tenant_id = $1 and graded_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- catalog_members: cleared added_by.
update catalog_members set added_by = null where tenant_id = $1 and added_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- confirmation_links: removed.
delete from confirmation_links where tenant_id = $1 and user_id = any($2);

-- connectors: cleared run_as.
update connectors set run_as = null where tenant_id = $1 and run_as = any($2);

-- course_authors: reassigned (1 of 2). Only where there is a successor, $3.
insert into course_authors (tenant_id, course_id, user_id, added_at) select distinct on (tenant_id, course_id) tenant_id, course_id, $3::uuid, added_at from course_authors where tenant_id = $1 and user_id = any($2) on conflict do nothing;

-- course_authors: reassigned (2 of 2).
delete from course_authors where tenant_id = $1 and user_id = any($2);

-- enrollments: cleared enrolled_by.
update enrollments set enrolled_by = null where tenant_id = $1 and enrolled_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- enrollments: cleared unenrolled_by.
update enrollments set unenrolled_by = null where tenant_id = $1 and unenrolled_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- erasure_decisions: cleared decided_by.
update erasure_decisions set decided_by = null where tenant_id = $1 and decided_by = any($2);

-- erasure_requests: cleared requested_by.
update erasure_requests set requested_by = null where tenant_id = $1 and requested_by = any($2);

-- erasure_wishes: cleared decided_by.
update erasure_wishes set decided_by = null where tenant_id = $1 and decided_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- exports: cleared ordered_by.
update exports set ordered_by = null where tenant_id = $1 and ordered_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- idempotent_requests: emptied.
update idempotent_requests set user_id = null, body = null where tenant_id = $1 and user_id = any($2);

-- import_run_rows: removed.
delete from import_run_rows where tenant_id = $1 and user_id = any($2);

-- import_runs: cleared started_by.
update import_runs set started_by = null where tenant_id = $1 and started_by = any($2);

-- issued_certificates: cleared issued_by.
update issued_certificates set issued_by = null where tenant_id = $1 and issued_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- legal_holds: reassigned. $3: the successor, or null.
update legal_holds set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- legal_holds: cleared created_by.
update legal_holds set created_by = null where tenant_id = $1 and created_by = any($2);

-- legal_holds: cleared released_by.
update legal_holds set released_by = null where tenant_id = $1 and released_by = any($2);

-- oauth_clients: reassigned. $3: the successor, or null.
update oauth_clients set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- posts: emptied.
update posts set author_id = null, body = '' where tenant_id = $1 and author_id = any($2);

-- reach_matches: cleared decided_by.
update reach_matches set decided_by = null where tenant_id = $1 and decided_by = any($2);

-- retention_policies: reassigned. $3: the successor, or null.
update retention_policies set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- session_instructors: removed.
delete from session_instructors where tenant_id = $1 and user_id = any($2);

-- sign_in_failures: removed.
delete from sign_in_failures where tenant_id = $1 and user_id = any($2);

-- submissions: cleared graded_by.
update submissions set graded_by = null where tenant_id = $1 and graded_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- tenants: cleared created_by.
update tenants set created_by = null where id = $1 and created_by = any($2);

-- training_plan_authors: reassigned (1 of 2). Only where there is a successor, $3.
insert into training_plan_authors (tenant_id, training_plan_id, user_id, added_at) select distinct on (tenant_id, training_plan_id) tenant_id, training_plan_id, $3::uuid, added_at from training_plan_authors where tenant_id = $1 and user_id = any($2) on conflict do nothing;

-- training_plan_authors: reassigned (2 of 2).
delete from training_plan_authors where tenant_id = $1 and user_id = any($2);

-- user_skills: cleared awarded_by.
update user_skills set awarded_by = null where tenant_id = $1 and awarded_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- user_skills: cleared revoked_by.
update user_skills set revoked_by = null where tenant_id = $1 and revoked_by = any($2) and user_id <> all($2) returning jsonb_build_array(user_id) as owners;

-- users: cleared manager_id.
update users set manager_id = null where tenant_id = $1 and manager_id = any($2) and id <> all($2) returning jsonb_build_array(id) as owners;

-- users: cleared deleted_by.
update users set deleted_by = null where tenant_id = $1 and deleted_by = any($2) and id <> all($2) returning jsonb_build_array(id) as owners;

-- webhook_deliveries: removed.
delete from webhook_deliveries where tenant_id = $1 and user_id = any($2);

-- users: deleted (1 of 2).
update users set login_name = null, directory_object_id = null, ref = null, email = null, external_identity_id = null, first_name = null, last_name = null, display_name = null, title = null, job_title = null, department = null, office = null, city = null, country = null, locale = null, time_zone = null, manager_id = null, custom_fields = '{}', deleted_by = null where tenant_id = $1 and id = any($2);

-- users: deleted (2 of 2).
delete from users where tenant_id = $1 and id = any($2);

-- Finds mentions of the people in rows that stay. $3: identifiers as they stand in lists of addresses; $4: patterns for texts and JSON.
select 0 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from api_keys where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 1 as position, jsonb_build_array(tenant_id, user_id, assessment_id, attempt) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(feedback) as value from assessment_attempts where tenant_id = $1 and feedback is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(feedback) like any ($3::text[])
union all
select 2 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from assessments where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 3 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(kind) as value from assessments where tenant_id = $1 and lethe_search_form(kind) like any ($3::text[])
union all
select 4 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from catalogs where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 5 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from catalogs where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 6 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from catalogs where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 7 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from connectors where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 8 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(address) as value from connectors where tenant_id = $1 and lethe_search_form(address) like any ($3::text[])
union all
select 9 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(notify_emails) as value from connectors where tenant_id = $1 and lethe_search_form(notify_emails) like any ($3::text[])
union all
select 10 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from courses where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 11 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from courses where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 12 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from courses where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 13 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(reply_to_email) as value from courses where tenant_id = $1 and reply_to_email is not null and lethe_search_form(reply_to_email) like any ($3::text[])
union all
select 14 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(display_name) as value from directory_groups where tenant_id = $1 and lethe_search_form(display_name) like any ($3::text[])
union all
select 15 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from directory_groups where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 16 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(note) as value from enrollments where tenant_id = $1 and note is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(note) like any ($3::text[])
union all
select 17 as position, jsonb_build_array(tenant_id, request_id) as row_key, jsonb_build_array() as owners, to_jsonb(note) as value from erasure_decisions where tenant_id = $1 and note is not null and lethe_search_form(note) like any ($3::text[])
union all
select 18 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(reason) as value from erasure_requests where tenant_id = $1 and reason is not null and lethe_search_form(reason) like any ($3::text[])
union all
select 19 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(note) as value from erasure_wishes where tenant_id = $1 and note is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(note) like any ($3::text[])
union all
select 20 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from external_systems where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 21 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from external_systems where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 22 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(holds) as value from external_systems where tenant_id = $1 and lethe_search_form(holds) like any ($3::text[])
union all
select 23 as position, jsonb_build_array(tenant_id, key_hash) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(body) as value from idempotent_requests where tenant_id = $1 and body is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(body) like any ($3::text[])
union all
select 24 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(file_name) as value from import_runs where tenant_id = $1 and file_name is not null and lethe_search_form(file_name) like any ($3::text[])
union all
select 25 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(number) as value from issued_certificates where tenant_id = $1 and number is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(number) like any ($3::text[])
union all
select 26 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(note) as value from legal_holds where tenant_id = $1 and note is not null and lethe_search_form(note) like any ($3::text[])
union all
select 27 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from modules where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 28 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(kind) as value from modules where tenant_id = $1 and lethe_search_form(kind) like any ($3::text[])
union all
select 29 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(subject) as value from notifications where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(subject) like any ($3::text[])
union all
select 30 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(body) as value from notifications where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(body) like any ($3::text[])
union all
select 31 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(data::text) as value from notifications where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(data::text) like any ($3::text[])
union all
select 32 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from oauth_clients where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 33 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(author_id) as owners, to_jsonb(body) as value from posts where tenant_id = $1 and (author_id is null or author_id <> all ($2::uuid[])) and lethe_search_form(body) like any ($3::text[])
union all
select 34 as position, jsonb_build_array(tenant_id, user_id, course_id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(comment) as value from ratings where tenant_id = $1 and comment is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(comment) like any ($3::text[])
union all
select 35 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(reason) as value from reach_matches where tenant_id = $1 and reason is not null and lethe_search_form(reason) like any ($3::text[])
union all
select 36 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from retention_policies where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 37 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from sessions where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 38 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(location) as value from sessions where tenant_id = $1 and location is not null and lethe_search_form(location) like any ($3::text[])
union all
select 39 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from sessions where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 40 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from skill_levels where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 41 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from skill_levels where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 42 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from skill_scale_sets where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 43 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from skills where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 44 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from skills where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 45 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(name) as value from submission_files where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(name) like any ($3::text[])
union all
select 46 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(media_type) as value from submission_files where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(media_type) like any ($3::text[])
union all
select 47 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(comment) as value from submissions where tenant_id = $1 and comment is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(comment) like any ($3::text[])
union all
select 48 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(feedback) as value from submissions where tenant_id = $1 and feedback is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(feedback) like any ($3::text[])
union all
select 49 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from system_accounts where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 50 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from training_plans where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 51 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from training_plans where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 52 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from training_plans where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 53 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(revoke_reason) as value from user_skills where tenant_id = $1 and revoke_reason is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(revoke_reason) like any ($3::text[])
union all
select given.position as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(id) as owners, to_jsonb(given.value) as value from users cross join lateral (values (54, first_name), (55, last_name), (56, display_name), (57, title), (58, job_title), (59, department), (60, office), (61, city), (62, country), (63, locale), (64, time_zone)) given (position, value) where tenant_id = $1 and given.value is not null and (id is null or id <> all ($2::uuid[])) and lethe_search_form(array[first_name, last_name, display_name, title, job_title, department, office, city, country, locale, time_zone]) like any ($3::text[])
union all
select 65 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(id) as owners, to_jsonb(custom_fields::text) as value from users where tenant_id = $1 and (id is null or id <> all ($2::uuid[])) and lethe_search_form(custom_fields::text) like any ($3::text[])
union all
select 66 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from webhook_endpoints where tenant_id = $1 and lethe_search_form(name) like any ($3::text[]);

-- ANONYMIZE

-- Counts what there is to do about the people: to preview, to tell which of the acts below are needed, and to verify. $3: everybody who is dealt with by then.
select act, person, count(*)::int as row_count from (
select 0 as act, user_id as person from assessment_attempts where tenant_id = $1 and user_id = any($2) and feedback is not null
union all
select 1 as act, user_id as person from audit_resealed where tenant_id = $1 and user_id = any($2)
union all
select 2 as act, user_id as person from catalog_members where tenant_id = $1 and user_id = any($2)
union all
select 3 as act, user_id as person from confirmed_identities where tenant_id = $1 and user_id = any($2)
union all
select 4 as act, user_id as person from enrollments where tenant_id = $1 and user_id = any($2) and note is not null
union all
select 5 as act, user_id as person from erasure_wishes where tenant_id = $1 and user_id = any($2)
union all
select 6 as act, user_id as person from export_chunks where tenant_id = $1 and user_id = any($2)
union all
select 7 as act, user_id as person from exports where tenant_id = $1 and user_id = any($2)
union all
select 8 as act, user_id as person from former_identifiers where tenant_id = $1 and user_id = any($2)
union all
select 9 as act, user_id as person from group_members where tenant_id = $1 and user_id = any($2)
union all
select 10 as act, user_id as person from issued_certificates where tenant_id = $1 and user_id = any($2) and number is not null
union all
select 11 as act, user_id as person from legal_hold_users where tenant_id = $1 and user_id = any($2)
union all
select 12 as act, user_id as person from notifications where tenant_id = $1 and user_id = any($2)
union all
select 13 as act, user_id as person from passwords where tenant_id = $1 and user_id = any($2)
union all
select 14 as act, user_id as person from person_keys where tenant_id = $1 and user_id = any($2)
union all
select 15 as act, user_id as person from product_accounts where tenant_id = $1 and user_id = any($2)
union all
select 16 as act, user_id as person from ratings where tenant_id = $1 and user_id = any($2) and comment is not null
union all
select 17 as act, user_id as person from reappearances where tenant_id = $1 and user_id = any($2)
union all
select 18 as act, user_id as person from sealed_words where tenant_id = $1 and user_id = any($2)
union all
select 19 as act, user_id as person from sign_in_sessions where tenant_id = $1 and user_id = any($2)
union all
select 20 as act, user_id as person from submission_file_chunks where tenant_id = $1 and user_id = any($2)
union all
select 21 as act, user_id as person from submission_files where tenant_id = $1 and user_id = any($2)
union all
select 22 as act, user_id as person from submissions where tenant_id = $1 and user_id = any($2)
union all
select 23 as act, user_id as person from user_skills where tenant_id = $1 and user_id = any($2) and revoke_reason is not null
union all
select 24 as act, user_id as person from webhook_references where tenant_id = $1 and user_id = any($2)
union all
select 25 as act, owner_id as person from api_keys where tenant_id = $1 and owner_id = any($2)
union all
select 26 as act, user_id as person from confirmation_links where tenant_id = $1 and user_id = any($2)
union all
select 27 as act, run_as as person from connectors where tenant_id = $1 and run_as = any($2)
union all
select 28 as act, user_id as person from course_authors where tenant_id = $1 and user_id = any($2)
union all
select 29 as act, user_id as person from idempotent_requests where tenant_id = $1 and user_id = any($2)
union all
select 30 as act, user_id as person from import_run_rows where tenant_id = $1 and user_id = any($2)
union all
select 31 as act, owner_id as person from legal_holds where tenant_id = $1 and owner_id = any($2)
union all
select 32 as act, owner_id as person from oauth_clients where tenant_id = $1 and owner_id = any($2)
union all
select 33 as act, author_id as person from posts where tenant_id = $1 and author_id = any($2)
union all
select 34 as act, owner_id as person from retention_policies where tenant_id = $1 and owner_id = any($2)
union all
select 35 as act, user_id as person from session_instructors where tenant_id = $1 and user_id = any($2)
union all
select 36 as act, user_id as person from sign_in_failures where tenant_id = $1 and user_id = any($2)
union all
select 37 as act, user_id as person from training_plan_authors where tenant_id = $1 and user_id = any($2)
union all
select 38 as act, manager_id as person from users where tenant_id = $1 and manager_id = any($2) and id <> all($3::uuid[])
union all
select 39 as act, user_id as person from webhook_deliveries where tenant_id = $1 and user_id = any($2)
union all
select 40 as act, id as person from users where tenant_id = $1 and id = any($2) and (login_name is distinct from null or directory_object_id is distinct from null or ref is distinct from null or email is distinct from null or external_identity_id is distinct from null or first_name is distinct from null or last_name is distinct from null or display_name is distinct from null or title is distinct from null or job_title is distinct from null or department is distinct from null or office is distinct from null or city is distinct from null or country is distinct from null or locale is distinct from null or time_zone is distinct from null or manager_id is distinct from null or custom_fields is distinct from coalesce((
        select jsonb_object_agg(field.key, field.value)
        from jsonb_each(users.custom_fields) field
        join tenants on tenants.id = users.tenant_id and field.key = any (tenants.surviving_fields)
      ), '{}') or deleted_by is distinct from null or state is distinct from 'anonymized' or email_verified is distinct from false or roles is distinct from '{}' or former_roles is distinct from '{}' or deletion_id is distinct from null or deleted_at is distinct from null or suspended_at is distinct from null or starts_at is distinct from null or ends_at is distinct from null or next_change_at is distinct from null or last_seen_at is distinct from null or event_times is distinct from null)
) located group by act, person;

-- The same with the plan of a preview: per act and person also the planned rows and a digest of their keys. $4: the plan; null while a preview makes it.
select act, person, count(*)::int as row_count, (count(*) filter (where planned))::int as planned_count, encode(sha256(convert_to(string_agg(row_key, ',' order by row_key collate "C") filter (where planned), 'UTF8')), 'hex') as digest from (
select 0 as act, user_id as person, true as planned, concat_ws(' ', assessment_id::text, attempt::text) as row_key from assessment_attempts where tenant_id = $1 and user_id = any($2) and feedback is not null
union all
select 1 as act, user_id as person, false as planned, '' as row_key from audit_resealed where tenant_id = $1 and user_id = any($2)
union all
select 2 as act, user_id as person, true as planned, concat_ws(' ', catalog_id::text, coalesce(to_json(role)::text, '')) as row_key from catalog_members where tenant_id = $1 and user_id = any($2)
union all
select 3 as act, user_id as person, true as planned, to_json(kind)::text as row_key from confirmed_identities where tenant_id = $1 and user_id = any($2)
union all
select 4 as act, user_id as person, true as planned, id::text as row_key from enrollments where tenant_id = $1 and user_id = any($2) and note is not null
union all
select 5 as act, user_id as person, true as planned, id::text as row_key from erasure_wishes where tenant_id = $1 and user_id = any($2)
union all
select 6 as act, user_id as person, true as planned, concat_ws(' ', export_id::text, position::text) as row_key from export_chunks where tenant_id = $1 and user_id = any($2)
union all
select 7 as act, user_id as person, true as planned, id::text as row_key from exports where tenant_id = $1 and user_id = any($2)
union all
select 8 as act, user_id as person, true as planned, concat_ws(' ', to_json(kind)::text, encode(hash, 'hex')) as row_key from former_identifiers where tenant_id = $1 and user_id = any($2)
union all
select 9 as act, user_id as person, true as planned, group_id::text as row_key from group_members where tenant_id = $1 and user_id = any($2)
union all
select 10 as act, user_id as person, true as planned, id::text as row_key from issued_certificates where tenant_id = $1 and user_id = any($2) and number is not null
union all
select 11 as act, user_id as person, false as planned, '' as row_key from legal_hold_users where tenant_id = $1 and user_id = any($2)
union all
select 12 as act, user_id as person, true as planned, id::text as row_key from notifications where tenant_id = $1 and user_id = any($2)
union all
select 13 as act, user_id as person, true as planned, '' as row_key from passwords where tenant_id = $1 and user_id = any($2)
union all
select 14 as act, user_id as person, false as planned, '' as row_key from person_keys where tenant_id = $1 and user_id = any($2)
union all
select 15 as act, user_id as person, true as planned, to_json(product)::text as row_key from product_accounts where tenant_id = $1 and user_id = any($2)
union all
select 16 as act, user_id as person, true as planned, course_id::text as row_key from ratings where tenant_id = $1 and user_id = any($2) and comment is not null
union all
select 17 as act, user_id as person, true as planned, '' as row_key from reappearances where tenant_id = $1 and user_id = any($2)
union all
select 18 as act, user_id as person, false as planned, '' as row_key from sealed_words where tenant_id = $1 and user_id = any($2)
union all
select 19 as act, user_id as person, true as planned, id::text as row_key from sign_in_sessions where tenant_id = $1 and user_id = any($2)
union all
select 20 as act, user_id as person, true as planned, concat_ws(' ', file_id::text, position::text) as row_key from submission_file_chunks where tenant_id = $1 and user_id = any($2)
union all
select 21 as act, user_id as person, true as planned, id::text as row_key from submission_files where tenant_id = $1 and user_id = any($2)
union all
select 22 as act, user_id as person, true as planned, id::text as row_key from submissions where tenant_id = $1 and user_id = any($2)
union all
select 23 as act, user_id as person, true as planned, id::text as row_key from user_skills where tenant_id = $1 and user_id = any($2) and revoke_reason is not null
union all
select 24 as act, user_id as person, true as planned, endpoint_id::text as row_key from webhook_references where tenant_id = $1 and user_id = any($2)
union all
select 25 as act, owner_id as person, true as planned, id::text as row_key from api_keys where tenant_id = $1 and owner_id = any($2)
union all
select 26 as act, user_id as person, true as planned, id::text as row_key from confirmation_links where tenant_id = $1 and user_id = any($2)
union all
select 27 as act, run_as as person, true as planned, id::text as row_key from connectors where tenant_id = $1 and run_as = any($2)
union all
select 28 as act, user_id as person, true as planned, course_id::text as row_key from course_authors where tenant_id = $1 and user_id = any($2)
union all
select 29 as act, user_id as person, true as planned, to_json(key_hash)::text as row_key from idempotent_requests where tenant_id = $1 and user_id = any($2)
union all
select 30 as act, user_id as person, true as planned, concat_ws(' ', run_id::text, line::text) as row_key from import_run_rows where tenant_id = $1 and user_id = any($2)
union all
select 31 as act, owner_id as person, true as planned, id::text as row_key from legal_holds where tenant_id = $1 and owner_id = any($2)
union all
select 32 as act, owner_id as person, true as planned, id::text as row_key from oauth_clients where tenant_id = $1 and owner_id = any($2)
union all
select 33 as act, author_id as person, true as planned, id::text as row_key from posts where tenant_id = $1 and author_id = any($2)
union all
select 34 as act, owner_id as person, true as planned, id::text as row_key from retention_policies where tenant_id = $1 and owner_id = any($2)
union all
select 35 as act, user_id as person, true as planned, session_id::text as row_key from session_instructors where tenant_id = $1 and user_id = any($2)
union all
select 36 as act, user_id as person, true as planned, encode(login_hash, 'hex') as row_key from sign_in_failures where tenant_id = $1 and user_id = any($2)
union all
select 37 as act, user_id as person, true as planned, training_plan_id::text as row_key from training_plan_authors where tenant_id = $1 and user_id = any($2)
union all
select 38 as act, manager_id as person, not exists (select from erasure_plan_subjects g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = users.id) as planned, id::text as row_key from users where tenant_id = $1 and manager_id = any($2) and id <> all($3::uuid[])
union all
select 39 as act, user_id as person, false as planned, '' as row_key from webhook_deliveries where tenant_id = $1 and user_id = any($2)
union all
select 40 as act, id as person, true as planned, concat_ws(' ', coalesce(to_json((
        select string_agg(distinct role collate "C", ' ' order by role collate "C")
        from unnest(case when users.state = 'deleted' then users.former_roles || users.roles else users.roles end || '{learner}') role
      ))::text, ''), coalesce(to_json(coalesce((
        select jsonb_object_agg(field.key, field.value)
        from jsonb_each(users.custom_fields) field
        join tenants on tenants.id = users.tenant_id and field.key = any (tenants.surviving_fields)
      ), '{}')::text)::text, '')) as row_key from users where tenant_id = $1 and id = any($2) and (login_name is distinct from null or directory_object_id is distinct from null or ref is distinct from null or email is distinct from null or external_identity_id is distinct from null or first_name is distinct from null or last_name is distinct from null or display_name is distinct from null or title is distinct from null or job_title is distinct from null or department is distinct from null or office is distinct from null or city is distinct from null or country is distinct from null or locale is distinct from null or time_zone is distinct from null or manager_id is distinct from null or custom_fields is distinct from coalesce((
        select jsonb_object_agg(field.key, field.value)
        from jsonb_each(users.custom_fields) field
        join tenants on tenants.id = users.tenant_id and field.key = any (tenants.surviving_fields)
      ), '{}') or deleted_by is distinct from null or state is distinct from 'anonymized' or email_verified is distinct from false or roles is distinct from '{}' or former_roles is distinct from '{}' or deletion_id is distinct from null or deleted_at is distinct from null or suspended_at is distinct from null or starts_at is distinct from null or ends_at is distinct from null or next_change_at is distinct from null or last_seen_at is distinct from null or event_times is distinct from null)
) located group by act, person;

-- assessment_attempts: cleared feedback.
update assessment_attempts set feedback = null where tenant_id = $1 and user_id = any($2) and feedback is not null;

-- audit_resealed: deleted.
delete from audit_resealed where tenant_id = $1 and user_id = any($2);

-- catalog_members: deleted.
delete from catalog_members where tenant_id = $1 and user_id = any($2);

-- confirmed_identities: deleted.
delete from confirmed_identities where tenant_id = $1 and user_id = any($2);

-- enrollments: cleared note.
update enrollments set note = null where tenant_id = $1 and user_id = any($2) and note is not null;

-- erasure_wishes: deleted.
delete from erasure_wishes where tenant_id = $1 and user_id = any($2);

-- export_chunks: deleted.
delete from export_chunks where tenant_id = $1 and user_id = any($2);

-- exports: deleted.
delete from exports where tenant_id = $1 and user_id = any($2);

-- former_identifiers: deleted.
delete from former_identifiers where tenant_id = $1 and user_id = any($2);

-- group_members: deleted.
delete from group_members where tenant_id = $1 and user_id = any($2);

-- issued_certificates: cleared number.
update issued_certificates set number = null where tenant_id = $1 and user_id = any($2) and number is not null;

-- legal_hold_users: deleted.
delete from legal_hold_users where tenant_id = $1 and user_id = any($2);

-- notifications: deleted.
delete from notifications where tenant_id = $1 and user_id = any($2);

-- passwords: deleted.
delete from passwords where tenant_id = $1 and user_id = any($2);

-- person_keys: deleted.
delete from person_keys where tenant_id = $1 and user_id = any($2);

-- product_accounts: deleted.
delete from product_accounts where tenant_id = $1 and user_id = any($2);

-- ratings: cleared comment.
update ratings set comment = null where tenant_id = $1 and user_id = any($2) and comment is not null;

-- reappearances: deleted.
delete from reappearances where tenant_id = $1 and user_id = any($2);

-- sealed_words: deleted.
delete from sealed_words where tenant_id = $1 and user_id = any($2);

-- sign_in_sessions: deleted.
delete from sign_in_sessions where tenant_id = $1 and user_id = any($2);

-- submission_file_chunks: deleted.
delete from submission_file_chunks where tenant_id = $1 and user_id = any($2);

-- submission_files: deleted.
delete from submission_files where tenant_id = $1 and user_id = any($2);

-- submissions: deleted.
delete from submissions where tenant_id = $1 and user_id = any($2);

-- user_skills: cleared revoke_reason.
update user_skills set revoke_reason = null where tenant_id = $1 and user_id = any($2) and revoke_reason is not null;

-- webhook_references: deleted.
delete from webhook_references where tenant_id = $1 and user_id = any($2);

-- api_keys: reassigned. $3: the successor, or null.
update api_keys set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- confirmation_links: removed.
delete from confirmation_links where tenant_id = $1 and user_id = any($2);

-- connectors: cleared run_as.
update connectors set run_as = null where tenant_id = $1 and run_as = any($2);

-- course_authors: reassigned (1 of 2). Only where there is a successor, $3.
insert into course_authors (tenant_id, course_id, user_id, added_at) select distinct on (tenant_id, course_id) tenant_id, course_id, $3::uuid, added_at from course_authors where tenant_id = $1 and user_id = any($2) on conflict do nothing;

-- course_authors: reassigned (2 of 2).
delete from course_authors where tenant_id = $1 and user_id = any($2);

-- idempotent_requests: emptied.
update idempotent_requests set user_id = null, body = null where tenant_id = $1 and user_id = any($2);

-- import_run_rows: removed.
delete from import_run_rows where tenant_id = $1 and user_id = any($2);

-- legal_holds: reassigned. $3: the successor, or null.
update legal_holds set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- oauth_clients: reassigned. $3: the successor, or null.
update oauth_clients set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- posts: emptied.
update posts set author_id = null, body = '' where tenant_id = $1 and author_id = any($2);

-- retention_policies: reassigned. $3: the successor, or null.
update retention_policies set owner_id = $3::uuid where tenant_id = $1 and owner_id = any($2);

-- session_instructors: removed.
delete from session_instructors where tenant_id = $1 and user_id = any($2);

-- sign_in_failures: removed.
delete from sign_in_failures where tenant_id = $1 and user_id = any($2);

-- training_plan_authors: reassigned (1 of 2). Only where there is a successor, $3.
insert into training_plan_authors (tenant_id, training_plan_id, user_id, added_at) select distinct on (tenant_id, training_plan_id) tenant_id, training_plan_id, $3::uuid, added_at from training_plan_authors where tenant_id = $1 and user_id = any($2) on conflict do nothing;

-- training_plan_authors: reassigned (2 of 2).
delete from training_plan_authors where tenant_id = $1 and user_id = any($2);

-- users: cleared manager_id.
update users set manager_id = null where tenant_id = $1 and manager_id = any($2) and id <> all($2) returning jsonb_build_array(id) as owners;

-- webhook_deliveries: removed.
delete from webhook_deliveries where tenant_id = $1 and user_id = any($2);

-- users: anonymized.
update users set login_name = null, directory_object_id = null, ref = null, email = null, external_identity_id = null, first_name = null, last_name = null, display_name = null, title = null, job_title = null, department = null, office = null, city = null, country = null, locale = null, time_zone = null, manager_id = null, custom_fields = coalesce((
        select jsonb_object_agg(field.key, field.value)
        from jsonb_each(users.custom_fields) field
        join tenants on tenants.id = users.tenant_id and field.key = any (tenants.surviving_fields)
      ), '{}'), deleted_by = null, state = 'anonymized', anonymized_at = now(), email_verified = false, roles = '{}', former_roles = '{}', deletion_id = null, deleted_at = null, suspended_at = null, starts_at = null, ends_at = null, next_change_at = null, last_seen_at = null, event_times = null, updated_at = now() where tenant_id = $1 and id = any($2);

-- Finds mentions of the people in rows that stay. $3: identifiers as they stand in lists of addresses; $4: patterns for texts and JSON.
select 0 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from api_keys where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 1 as position, jsonb_build_array(tenant_id, user_id, assessment_id, attempt) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(feedback) as value from assessment_attempts where tenant_id = $1 and feedback is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(feedback) like any ($3::text[])
union all
select 2 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from assessments where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 3 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(kind) as value from assessments where tenant_id = $1 and lethe_search_form(kind) like any ($3::text[])
union all
select 4 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from catalogs where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 5 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from catalogs where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 6 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from catalogs where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 7 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from connectors where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 8 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(address) as value from connectors where tenant_id = $1 and lethe_search_form(address) like any ($3::text[])
union all
select 9 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(notify_emails) as value from connectors where tenant_id = $1 and lethe_search_form(notify_emails) like any ($3::text[])
union all
select 10 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from courses where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 11 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from courses where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 12 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from courses where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 13 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(reply_to_email) as value from courses where tenant_id = $1 and reply_to_email is not null and lethe_search_form(reply_to_email) like any ($3::text[])
union all
select 14 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(display_name) as value from directory_groups where tenant_id = $1 and lethe_search_form(display_name) like any ($3::text[])
union all
select 15 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from directory_groups where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 16 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(note) as value from enrollments where tenant_id = $1 and note is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(note) like any ($3::text[])
union all
select 17 as position, jsonb_build_array(tenant_id, request_id) as row_key, jsonb_build_array() as owners, to_jsonb(note) as value from erasure_decisions where tenant_id = $1 and note is not null and lethe_search_form(note) like any ($3::text[])
union all
select 18 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(reason) as value from erasure_requests where tenant_id = $1 and reason is not null and lethe_search_form(reason) like any ($3::text[])
union all
select 19 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(note) as value from erasure_wishes where tenant_id = $1 and note is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(note) like any ($3::text[])
union all
select 20 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from external_systems where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 21 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from external_systems where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 22 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(holds) as value from external_systems where tenant_id = $1 and lethe_search_form(holds) like any ($3::text[])
union all
select 23 as position, jsonb_build_array(tenant_id, key_hash) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(body) as value from idempotent_requests where tenant_id = $1 and body is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(body) like any ($3::text[])
union all
select 24 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(file_name) as value from import_runs where tenant_id = $1 and file_name is not null and lethe_search_form(file_name) like any ($3::text[])
union all
select 25 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(number) as value from issued_certificates where tenant_id = $1 and number is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(number) like any ($3::text[])
union all
select 26 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(note) as value from legal_holds where tenant_id = $1 and note is not null and lethe_search_form(note) like any ($3::text[])
union all
select 27 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from modules where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 28 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(kind) as value from modules where tenant_id = $1 and lethe_search_form(kind) like any ($3::text[])
union all
select 29 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(subject) as value from notifications where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(subject) like any ($3::text[])
union all
select 30 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(body) as value from notifications where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(body) like any ($3::text[])
union all
select 31 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(data::text) as value from notifications where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(data::text) like any ($3::text[])
union all
select 32 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from oauth_clients where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 33 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(author_id) as owners, to_jsonb(body) as value from posts where tenant_id = $1 and (author_id is null or author_id <> all ($2::uuid[])) and lethe_search_form(body) like any ($3::text[])
union all
select 34 as position, jsonb_build_array(tenant_id, user_id, course_id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(comment) as value from ratings where tenant_id = $1 and comment is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(comment) like any ($3::text[])
union all
select 35 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(reason) as value from reach_matches where tenant_id = $1 and reason is not null and lethe_search_form(reason) like any ($3::text[])
union all
select 36 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from retention_policies where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 37 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from sessions where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 38 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(location) as value from sessions where tenant_id = $1 and location is not null and lethe_search_form(location) like any ($3::text[])
union all
select 39 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from sessions where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 40 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from skill_levels where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 41 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from skill_levels where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 42 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from skill_scale_sets where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 43 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from skills where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 44 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from skills where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 45 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(name) as value from submission_files where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(name) like any ($3::text[])
union all
select 46 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(media_type) as value from submission_files where tenant_id = $1 and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(media_type) like any ($3::text[])
union all
select 47 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(comment) as value from submissions where tenant_id = $1 and comment is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(comment) like any ($3::text[])
union all
select 48 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(feedback) as value from submissions where tenant_id = $1 and feedback is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(feedback) like any ($3::text[])
union all
select 49 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from system_accounts where tenant_id = $1 and lethe_search_form(name) like any ($3::text[])
union all
select 50 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(title) as value from training_plans where tenant_id = $1 and lethe_search_form(title) like any ($3::text[])
union all
select 51 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(description) as value from training_plans where tenant_id = $1 and description is not null and lethe_search_form(description) like any ($3::text[])
union all
select 52 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(contact_emails) as value from training_plans where tenant_id = $1 and lethe_search_form(contact_emails) like any ($3::text[])
union all
select 53 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(user_id) as owners, to_jsonb(revoke_reason) as value from user_skills where tenant_id = $1 and revoke_reason is not null and (user_id is null or user_id <> all ($2::uuid[])) and lethe_search_form(revoke_reason) like any ($3::text[])
union all
select given.position as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(id) as owners, to_jsonb(given.value) as value from users cross join lateral (values (54, first_name), (55, last_name), (56, display_name), (57, title), (58, job_title), (59, department), (60, office), (61, city), (62, country), (63, locale), (64, time_zone)) given (position, value) where tenant_id = $1 and given.value is not null and (id is null or id <> all ($2::uuid[])) and lethe_search_form(array[first_name, last_name, display_name, title, job_title, department, office, city, country, locale, time_zone]) like any ($3::text[])
union all
select 65 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array(id) as owners, to_jsonb(custom_fields::text) as value from users where tenant_id = $1 and (id is null or id <> all ($2::uuid[])) and lethe_search_form(custom_fields::text) like any ($3::text[])
union all
select 66 as position, jsonb_build_array(tenant_id, id) as row_key, jsonb_build_array() as owners, to_jsonb(name) as value from webhook_endpoints where tenant_id = $1 and lethe_search_form(name) like any ($3::text[]);

-- DELETE

-- Changes the people's own rows. $3: the id of the delete; $4: when it happened; $5: the user who did it; $6: the credential that did it.
update users set deletion_id = $3::uuid, state = 'deleted', deleted_at = $4::timestamptz, deleted_by = $5::uuid, deleted_by_credential = $6::uuid, former_roles = array_remove(roles, 'learner'), roles = '{learner}', updated_at = now() where tenant_id = $1 and id = any($2) returning id, state;

-- catalog_members: made inactive. $3: the id of the delete.
update catalog_members set deletion_id = $3::uuid where tenant_id = $1 and user_id = any($2::uuid[]) and deletion_id is null;

-- enrollments: made inactive. $3: the id of the delete.
update enrollments set deletion_id = $3::uuid where tenant_id = $1 and user_id = any($2::uuid[]) and deletion_id is null;

-- group_members: made inactive. $3: the id of the delete.
update group_members set deletion_id = $3::uuid where tenant_id = $1 and user_id = any($2::uuid[]) and deletion_id is null;

-- product_accounts: made inactive. $3: the id of the delete.
update product_accounts set deletion_id = $3::uuid where tenant_id = $1 and user_id = any($2::uuid[]) and deletion_id is null;

-- sign_in_sessions: ended, at a suspension too.
delete from sign_in_sessions where tenant_id = $1 and user_id = any($2::uuid[]);

-- RESTORE

-- Changes the people's own rows. $3: whether privileged roles come back.
update users set deletion_id = null, state = case when suspended_at is null then 'active' else 'suspended' end, deleted_at = null, deleted_by = null, deleted_by_credential = null, roles = case when $3::boolean then former_roles || roles else roles end, former_roles = case when $3::boolean then '{}' else former_roles end, updated_at = now() where tenant_id = $1 and id = any($2) returning id, state;

-- catalog_members: made active again. $3: the ids of the deletes, in the order of the people.
update catalog_members set deletion_id = null from unnest($2::uuid[], $3::uuid[]) as restored (person, deletion) where catalog_members.tenant_id = $1 and catalog_members.user_id = restored.person and catalog_members.deletion_id = restored.deletion;

-- enrollments: made active again. $3: the ids of the deletes, in the order of the people.
update enrollments set deletion_id = null from unnest($2::uuid[], $3::uuid[]) as restored (person, deletion) where enrollments.tenant_id = $1 and enrollments.user_id = restored.person and enrollments.deletion_id = restored.deletion;

-- group_members: made active again. $3: the ids of the deletes, in the order of the people.
update group_members set deletion_id = null from unnest($2::uuid[], $3::uuid[]) as restored (person, deletion) where group_members.tenant_id = $1 and group_members.user_id = restored.person and group_members.deletion_id = restored.deletion;

-- product_accounts: made active again. $3: the ids of the deletes, in the order of the people.
update product_accounts set deletion_id = null from unnest($2::uuid[], $3::uuid[]) as restored (person, deletion) where product_accounts.tenant_id = $1 and product_accounts.user_id = restored.person and product_accounts.deletion_id = restored.deletion;

-- PURGE OF ONE ENROLLMENT

-- Counts what there is, before and after. $3: the enrollment.
select act, row_count from (
select 0 as act, count(*)::int as row_count from enrollments where tenant_id = $1 and user_id = $2 and id = $3
) located where row_count > 0;

-- enrollments: deleted. $3: the enrollment.
delete from enrollments where tenant_id = $1 and user_id = $2 and id = $3;

-- Counts what there is, before and after. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
select act, row_count from (
select 0 as act, count(*)::int as row_count from assessment_attempts where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3)
union all
select 1 as act, count(*)::int as row_count from issued_certificates where tenant_id = $1 and user_id = $2 and course_id = $3
union all
select 2 as act, count(*)::int as row_count from progress where tenant_id = $1 and user_id = $2 and module_id in (select id from modules where tenant_id = $1 and course_id = $3)
union all
select 3 as act, count(*)::int as row_count from record_actions where tenant_id = $1 and user_id = $2 and module_id in (select id from modules where tenant_id = $1 and course_id = $3)
union all
select 4 as act, count(*)::int as row_count from submission_file_chunks where tenant_id = $1 and user_id = $2 and file_id in (select id from submission_files where tenant_id = $1 and user_id = $2 and submission_id in (select id from submissions where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3)))
union all
select 5 as act, count(*)::int as row_count from submission_files where tenant_id = $1 and user_id = $2 and submission_id in (select id from submissions where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3))
union all
select 6 as act, count(*)::int as row_count from submissions where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3)
) located where row_count > 0;

-- assessment_attempts: deleted. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
delete from assessment_attempts where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3);

-- issued_certificates: deleted. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
delete from issued_certificates where tenant_id = $1 and user_id = $2 and course_id = $3;

-- progress: deleted. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
delete from progress where tenant_id = $1 and user_id = $2 and module_id in (select id from modules where tenant_id = $1 and course_id = $3);

-- record_actions: deleted. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
delete from record_actions where tenant_id = $1 and user_id = $2 and module_id in (select id from modules where tenant_id = $1 and course_id = $3);

-- submission_file_chunks: deleted. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
delete from submission_file_chunks where tenant_id = $1 and user_id = $2 and file_id in (select id from submission_files where tenant_id = $1 and user_id = $2 and submission_id in (select id from submissions where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3)));

-- submission_files: deleted. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
delete from submission_files where tenant_id = $1 and user_id = $2 and submission_id in (select id from submissions where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3));

-- submissions: deleted. $3: what enrollments.course_id points to, unless another enrollment of the person does too.
delete from submissions where tenant_id = $1 and user_id = $2 and assessment_id in (select id from assessments where tenant_id = $1 and course_id = $3);

-- Counts what there is, before and after. $3: what enrollments.training_plan_id points to, unless another enrollment of the person does too.
select act, row_count from (
select 0 as act, count(*)::int as row_count from issued_certificates where tenant_id = $1 and user_id = $2 and training_plan_id = $3
) located where row_count > 0;

-- issued_certificates: deleted. $3: what enrollments.training_plan_id points to, unless another enrollment of the person does too.
delete from issued_certificates where tenant_id = $1 and user_id = $2 and training_plan_id = $3;

-- DELETE A TENANT

-- Counts everything in the tenant, before and after.
select 'acknowledgement_links' as table_name, count(*) as row_count from acknowledgement_links where tenant_id = $1
union all select 'api_keys' as table_name, count(*) as row_count from api_keys where tenant_id = $1
union all select 'assessment_attempts' as table_name, count(*) as row_count from assessment_attempts where tenant_id = $1
union all select 'assessments' as table_name, count(*) as row_count from assessments where tenant_id = $1
union all select 'audit_checkpoints' as table_name, count(*) as row_count from audit_checkpoints where tenant_id = $1
union all select 'audit_entries' as table_name, count(*) as row_count from audit_entries where tenant_id = $1
union all select 'audit_readings' as table_name, count(*) as row_count from audit_readings where tenant_id = $1
union all select 'audit_resealed' as table_name, count(*) as row_count from audit_resealed where tenant_id = $1
union all select 'catalog_groups' as table_name, count(*) as row_count from catalog_groups where tenant_id = $1
union all select 'catalog_members' as table_name, count(*) as row_count from catalog_members where tenant_id = $1
union all select 'catalogs' as table_name, count(*) as row_count from catalogs where tenant_id = $1
union all select 'confirmation_links' as table_name, count(*) as row_count from confirmation_links where tenant_id = $1
union all select 'confirmed_identities' as table_name, count(*) as row_count from confirmed_identities where tenant_id = $1
union all select 'connectors' as table_name, count(*) as row_count from connectors where tenant_id = $1
union all select 'contact_keys' as table_name, count(*) as row_count from contact_keys where tenant_id = $1
union all select 'course_authors' as table_name, count(*) as row_count from course_authors where tenant_id = $1
union all select 'course_groups' as table_name, count(*) as row_count from course_groups where tenant_id = $1
union all select 'courses' as table_name, count(*) as row_count from courses where tenant_id = $1
union all select 'directory_groups' as table_name, count(*) as row_count from directory_groups where tenant_id = $1
union all select 'enrollments' as table_name, count(*) as row_count from enrollments where tenant_id = $1
union all select 'erasure_certificates' as table_name, count(*) as row_count from erasure_certificates where tenant_id = $1
union all select 'erasure_decisions' as table_name, count(*) as row_count from erasure_decisions where tenant_id = $1
union all select 'erasure_findings' as table_name, count(*) as row_count from erasure_findings where tenant_id = $1
union all select 'erasure_ledger' as table_name, count(*) as row_count from erasure_ledger where tenant_id = $1
union all select 'erasure_plan_subjects' as table_name, count(*) as row_count from erasure_plan_subjects where tenant_id = $1
union all select 'erasure_plans' as table_name, count(*) as row_count from erasure_plans where tenant_id = $1
union all select 'erasure_reaches' as table_name, count(*) as row_count from erasure_reaches where tenant_id = $1
union all select 'erasure_receipts' as table_name, count(*) as row_count from erasure_receipts where tenant_id = $1
union all select 'erasure_requests' as table_name, count(*) as row_count from erasure_requests where tenant_id = $1
union all select 'erasure_steps' as table_name, count(*) as row_count from erasure_steps where tenant_id = $1
union all select 'erasure_subjects' as table_name, count(*) as row_count from erasure_subjects where tenant_id = $1
union all select 'erasure_wishes' as table_name, count(*) as row_count from erasure_wishes where tenant_id = $1
union all select 'event_cutoffs' as table_name, count(*) as row_count from event_cutoffs where tenant_id = $1
union all select 'export_chunks' as table_name, count(*) as row_count from export_chunks where tenant_id = $1
union all select 'exports' as table_name, count(*) as row_count from exports where tenant_id = $1
union all select 'external_systems' as table_name, count(*) as row_count from external_systems where tenant_id = $1
union all select 'former_identifiers' as table_name, count(*) as row_count from former_identifiers where tenant_id = $1
union all select 'group_members' as table_name, count(*) as row_count from group_members where tenant_id = $1
union all select 'idempotent_requests' as table_name, count(*) as row_count from idempotent_requests where tenant_id = $1
union all select 'import_files' as table_name, count(*) as row_count from import_files where tenant_id = $1
union all select 'import_run_chunks' as table_name, count(*) as row_count from import_run_chunks where tenant_id = $1
union all select 'import_run_rows' as table_name, count(*) as row_count from import_run_rows where tenant_id = $1
union all select 'import_runs' as table_name, count(*) as row_count from import_runs where tenant_id = $1
union all select 'issued_certificates' as table_name, count(*) as row_count from issued_certificates where tenant_id = $1
union all select 'legal_hold_groups' as table_name, count(*) as row_count from legal_hold_groups where tenant_id = $1
union all select 'legal_hold_users' as table_name, count(*) as row_count from legal_hold_users where tenant_id = $1
union all select 'legal_holds' as table_name, count(*) as row_count from legal_holds where tenant_id = $1
union all select 'modules' as table_name, count(*) as row_count from modules where tenant_id = $1
union all select 'notifications' as table_name, count(*) as row_count from notifications where tenant_id = $1
union all select 'oauth_clients' as table_name, count(*) as row_count from oauth_clients where tenant_id = $1
union all select 'passwords' as table_name, count(*) as row_count from passwords where tenant_id = $1
union all select 'person_keys' as table_name, count(*) as row_count from person_keys where tenant_id = $1
union all select 'posts' as table_name, count(*) as row_count from posts where tenant_id = $1
union all select 'product_accounts' as table_name, count(*) as row_count from product_accounts where tenant_id = $1
union all select 'progress' as table_name, count(*) as row_count from progress where tenant_id = $1
union all select 'ratings' as table_name, count(*) as row_count from ratings where tenant_id = $1
union all select 'reach_matches' as table_name, count(*) as row_count from reach_matches where tenant_id = $1
union all select 'reappearances' as table_name, count(*) as row_count from reappearances where tenant_id = $1
union all select 'received_events' as table_name, count(*) as row_count from received_events where tenant_id = $1
union all select 'record_actions' as table_name, count(*) as row_count from record_actions where tenant_id = $1
union all select 'retention_excluded_groups' as table_name, count(*) as row_count from retention_excluded_groups where tenant_id = $1
union all select 'retention_policies' as table_name, count(*) as row_count from retention_policies where tenant_id = $1
union all select 'retention_runs' as table_name, count(*) as row_count from retention_runs where tenant_id = $1
union all select 'sealed_words' as table_name, count(*) as row_count from sealed_words where tenant_id = $1
union all select 'session_instructors' as table_name, count(*) as row_count from session_instructors where tenant_id = $1
union all select 'sessions' as table_name, count(*) as row_count from sessions where tenant_id = $1
union all select 'sign_in_failures' as table_name, count(*) as row_count from sign_in_failures where tenant_id = $1
union all select 'sign_in_sessions' as table_name, count(*) as row_count from sign_in_sessions where tenant_id = $1
union all select 'skill_levels' as table_name, count(*) as row_count from skill_levels where tenant_id = $1
union all select 'skill_scale_sets' as table_name, count(*) as row_count from skill_scale_sets where tenant_id = $1
union all select 'skills' as table_name, count(*) as row_count from skills where tenant_id = $1
union all select 'submission_file_chunks' as table_name, count(*) as row_count from submission_file_chunks where tenant_id = $1
union all select 'submission_files' as table_name, count(*) as row_count from submission_files where tenant_id = $1
union all select 'submissions' as table_name, count(*) as row_count from submissions where tenant_id = $1
union all select 'system_accounts' as table_name, count(*) as row_count from system_accounts where tenant_id = $1
union all select 'tenant_keys' as table_name, count(*) as row_count from tenant_keys where tenant_id = $1
union all select 'tombstones' as table_name, count(*) as row_count from tombstones where tenant_id = $1
union all select 'training_plan_authors' as table_name, count(*) as row_count from training_plan_authors where tenant_id = $1
union all select 'training_plan_courses' as table_name, count(*) as row_count from training_plan_courses where tenant_id = $1
union all select 'training_plans' as table_name, count(*) as row_count from training_plans where tenant_id = $1
union all select 'user_skills' as table_name, count(*) as row_count from user_skills where tenant_id = $1
union all select 'users' as table_name, count(*) as row_count from users where tenant_id = $1
union all select 'webhook_deliveries' as table_name, count(*) as row_count from webhook_deliveries where tenant_id = $1
union all select 'webhook_endpoints' as table_name, count(*) as row_count from webhook_endpoints where tenant_id = $1
union all select 'webhook_references' as table_name, count(*) as row_count from webhook_references where tenant_id = $1;

-- tenants: points to nothing in the tenant any more.
update tenants set created_by = null where id = $1;

-- acknowledgement_links: deleted.
delete from acknowledgement_links where tenant_id = $1;

-- api_keys: deleted.
delete from api_keys where tenant_id = $1;

-- assessment_attempts: deleted.
delete from assessment_attempts where tenant_id = $1;

-- audit_checkpoints: deleted.
delete from audit_checkpoints where tenant_id = $1;

-- audit_entries: deleted.
delete from audit_entries where tenant_id = $1;

-- audit_readings: deleted.
delete from audit_readings where tenant_id = $1;

-- audit_resealed: deleted.
delete from audit_resealed where tenant_id = $1;

-- catalog_groups: deleted.
delete from catalog_groups where tenant_id = $1;

-- catalog_members: deleted.
delete from catalog_members where tenant_id = $1;

-- confirmation_links: deleted.
delete from confirmation_links where tenant_id = $1;

-- confirmed_identities: deleted.
delete from confirmed_identities where tenant_id = $1;

-- connectors: deleted.
delete from connectors where tenant_id = $1;

-- contact_keys: deleted.
delete from contact_keys where tenant_id = $1;

-- course_authors: deleted.
delete from course_authors where tenant_id = $1;

-- course_groups: deleted.
delete from course_groups where tenant_id = $1;

-- enrollments: deleted.
delete from enrollments where tenant_id = $1;

-- erasure_certificates: deleted.
delete from erasure_certificates where tenant_id = $1;

-- erasure_decisions: deleted.
delete from erasure_decisions where tenant_id = $1;

-- erasure_findings: deleted.
delete from erasure_findings where tenant_id = $1;

-- erasure_ledger: deleted.
delete from erasure_ledger where tenant_id = $1;

-- erasure_plan_subjects: deleted.
delete from erasure_plan_subjects where tenant_id = $1;

-- erasure_reaches: deleted.
delete from erasure_reaches where tenant_id = $1;

-- erasure_receipts: deleted.
delete from erasure_receipts where tenant_id = $1;

-- erasure_steps: deleted.
delete from erasure_steps where tenant_id = $1;

-- erasure_subjects: deleted.
delete from erasure_subjects where tenant_id = $1;

-- erasure_wishes: deleted.
delete from erasure_wishes where tenant_id = $1;

-- event_cutoffs: deleted.
delete from event_cutoffs where tenant_id = $1;

-- export_chunks: deleted.
delete from export_chunks where tenant_id = $1;

-- external_systems: deleted.
delete from external_systems where tenant_id = $1;

-- former_identifiers: deleted.
delete from former_identifiers where tenant_id = $1;

-- group_members: deleted.
delete from group_members where tenant_id = $1;

-- idempotent_requests: deleted.
delete from idempotent_requests where tenant_id = $1;

-- import_files: deleted.
delete from import_files where tenant_id = $1;

-- import_run_chunks: deleted.
delete from import_run_chunks where tenant_id = $1;

-- import_run_rows: deleted.
delete from import_run_rows where tenant_id = $1;

-- issued_certificates: deleted.
delete from issued_certificates where tenant_id = $1;

-- legal_hold_groups: deleted.
delete from legal_hold_groups where tenant_id = $1;

-- legal_hold_users: deleted.
delete from legal_hold_users where tenant_id = $1;

-- notifications: deleted.
delete from notifications where tenant_id = $1;

-- oauth_clients: deleted.
delete from oauth_clients where tenant_id = $1;

-- passwords: deleted.
delete from passwords where tenant_id = $1;

-- person_keys: deleted.
delete from person_keys where tenant_id = $1;

-- posts: deleted.
delete from posts where tenant_id = $1;

-- product_accounts: deleted.
delete from product_accounts where tenant_id = $1;

-- progress: deleted.
delete from progress where tenant_id = $1;

-- ratings: deleted.
delete from ratings where tenant_id = $1;

-- reach_matches: deleted.
delete from reach_matches where tenant_id = $1;

-- reappearances: deleted.
delete from reappearances where tenant_id = $1;

-- received_events: deleted.
delete from received_events where tenant_id = $1;

-- record_actions: deleted.
delete from record_actions where tenant_id = $1;

-- retention_excluded_groups: deleted.
delete from retention_excluded_groups where tenant_id = $1;

-- retention_runs: deleted.
delete from retention_runs where tenant_id = $1;

-- sealed_words: deleted.
delete from sealed_words where tenant_id = $1;

-- session_instructors: deleted.
delete from session_instructors where tenant_id = $1;

-- sign_in_failures: deleted.
delete from sign_in_failures where tenant_id = $1;

-- sign_in_sessions: deleted.
delete from sign_in_sessions where tenant_id = $1;

-- submission_file_chunks: deleted.
delete from submission_file_chunks where tenant_id = $1;

-- system_accounts: deleted.
delete from system_accounts where tenant_id = $1;

-- tenant_keys: deleted.
delete from tenant_keys where tenant_id = $1;

-- tombstones: deleted.
delete from tombstones where tenant_id = $1;

-- training_plan_authors: deleted.
delete from training_plan_authors where tenant_id = $1;

-- training_plan_courses: deleted.
delete from training_plan_courses where tenant_id = $1;

-- user_skills: deleted.
delete from user_skills where tenant_id = $1;

-- webhook_deliveries: deleted.
delete from webhook_deliveries where tenant_id = $1;

-- webhook_references: deleted.
delete from webhook_references where tenant_id = $1;

-- directory_groups: deleted.
delete from directory_groups where tenant_id = $1;

-- erasure_plans: deleted.
delete from erasure_plans where tenant_id = $1;

-- erasure_requests: deleted.
delete from erasure_requests where tenant_id = $1;

-- exports: deleted.
delete from exports where tenant_id = $1;

-- import_runs: deleted.
delete from import_runs where tenant_id = $1;

-- legal_holds: deleted.
delete from legal_holds where tenant_id = $1;

-- modules: deleted.
delete from modules where tenant_id = $1;

-- retention_policies: deleted.
delete from retention_policies where tenant_id = $1;

-- sessions: deleted.
delete from sessions where tenant_id = $1;

-- skill_levels: deleted.
delete from skill_levels where tenant_id = $1;

-- skills: deleted.
delete from skills where tenant_id = $1;

-- submission_files: deleted.
delete from submission_files where tenant_id = $1;

-- training_plans: deleted.
delete from training_plans where tenant_id = $1;

-- webhook_endpoints: deleted.
delete from webhook_endpoints where tenant_id = $1;

-- skill_scale_sets: deleted.
delete from skill_scale_sets where tenant_id = $1;

-- submissions: deleted.
delete from submissions where tenant_id = $1;

-- assessments: deleted.
delete from assessments where tenant_id = $1;

-- users: deleted.
delete from users where tenant_id = $1;

-- courses: deleted.
delete from courses where tenant_id = $1;

-- catalogs: deleted.
delete from catalogs where tenant_id = $1;

-- tenants: the tenant's own row, last.
delete from tenants where id = $1;

-- IDENTIFIERS

-- Finds who else holds an identifier, or a similar one. $2: keys; $3: people who are left out; $4: keys that are UUIDs; $5: similar forms.
select held, by_key from (
select login_key as held, true as by_key, id, state from users where tenant_id = $1 and login_key = any($2)
union all
select ref_key as held, true as by_key, id, state from users where tenant_id = $1 and ref_key = any($2)
union all
select email_key as held, true as by_key, id, state from users where tenant_id = $1 and email_key = any($2)
union all
select external_identity_key as held, true as by_key, id, state from users where tenant_id = $1 and external_identity_key = any($2)
union all
select directory_object_id::text as held, true as by_key, id, state from users where tenant_id = $1 and directory_object_id = any($4::uuid[])
union all
select login_similar as held, false as by_key, id, state from users where tenant_id = $1 and login_similar = any($5) and login_similar is not null
union all
select ref_similar as held, false as by_key, id, state from users where tenant_id = $1 and ref_similar = any($5) and ref_similar is not null
union all
select email_similar as held, false as by_key, id, state from users where tenant_id = $1 and email_similar = any($5) and email_similar is not null
union all
select external_identity_similar as held, false as by_key, id, state from users where tenant_id = $1 and external_identity_similar = any($5) and external_identity_similar is not null
) holders where state <> 'anonymized' and id not in (select unnest($3::uuid[]));

-- Finds who holds an identifier that is similar to one. $2: its similar form; $3: how many people at most.
select id from users where tenant_id = $1 and state <> 'anonymized' and (login_key = $2 or ref_key = $2 or email_key = $2 or external_identity_key = $2 or login_similar = $2 or ref_similar = $2 or email_similar = $2 or external_identity_similar = $2) order by id limit $3;
