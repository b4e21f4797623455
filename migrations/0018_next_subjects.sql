-- The people of a request who come next are read in their order, whatever the number of those who came before.
drop index erasure_subjects_state;
create index erasure_subjects_next on erasure_subjects (tenant_id, request_id, state, user_id);
