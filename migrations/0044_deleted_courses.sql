-- What is deleted leaves every list, but its row stays: transcripts and certificates of learners show its title.
alter table catalogs add column deleted_at timestamptz;
alter table courses add column deleted_at timestamptz;
alter table training_plans add column deleted_at timestamptz;
alter table sessions add column deleted_at timestamptz;

-- The preview of a deletion counts the certificates that stay.
create index issued_certificates_course_id on issued_certificates (tenant_id, course_id) where course_id is not null;
create index issued_certificates_training_plan_id on issued_certificates (tenant_id, training_plan_id)
  where training_plan_id is not null;
