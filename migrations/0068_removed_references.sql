-- Null: the receiver has removed what it knew the user by.
alter table webhook_references alter column sealed_reference drop not null;
