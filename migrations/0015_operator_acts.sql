-- Operators act too: on tenants, and on the installation, whose trail is kept under an id that no tenant has.
alter table audit_entries drop constraint audit_entries_actor_kind_check;
alter table audit_entries add constraint audit_entries_actor_kind_check check (
  actor_kind in (
    'user', 'operator', 'api_key', 'client', 'command_line', 'identity_provider', 'policy', 'ledger', 'system'
  )
);
alter table tenants add constraint tenants_id_not_reserved check (id <> '00000000-0000-0000-0000-000000000000');
