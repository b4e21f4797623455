-- A group of the directory can be deleted. What brought a person back stays known: the id of a group that is gone too, so it
-- is no foreign key any more.
alter table reappearances drop constraint reappearances_tenant_id_group_id_fkey;
