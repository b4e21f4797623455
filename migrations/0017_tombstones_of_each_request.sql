-- Whom a backup brought back is purged again: the subject list of either certificate names what that request erased.
alter table tombstones drop constraint tombstones_pkey, add primary key (tenant_id, kind, hash, user_id, request_id);
