-- The API key, OAuth client or operator that acted where no user did: one id, because ids are never given twice. No
-- foreign keys: what was done outlives the credential.
alter table users add column deleted_by_credential uuid;
alter table catalog_members add column added_by_credential uuid;
alter table enrollments add column enrolled_by_credential uuid;
alter table enrollments add column unenrolled_by_credential uuid;
alter table assessment_attempts add column graded_by_credential uuid;
alter table issued_certificates add column issued_by_credential uuid;
alter table user_skills add column awarded_by_credential uuid;
alter table user_skills add column revoked_by_credential uuid;
alter table import_runs add column started_by_credential uuid;
alter table erasure_requests add column requested_by_credential uuid;
alter table exports add column ordered_by_credential uuid;
