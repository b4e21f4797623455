-- A person's notifications are read in the order of their ids, which is that of time; the unread ones are counted.
drop index notifications_user_id;
create index notifications_user_id on notifications (tenant_id, user_id, id);
create index notifications_unread on notifications (tenant_id, user_id) where read_at is null;
