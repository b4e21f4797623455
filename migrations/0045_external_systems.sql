-- Systems outside of Lethe that hold data about the tenant's people, and whom to ask to erase it.
create table external_systems (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  name text not null,
  contact_emails text[] not null default '{}' check (contact_emails::text = lower(contact_emails::text collate "C")),
  holds text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id) references tenants
);
create index external_systems_name_text on external_systems using gin (lethe_search_form(name) gin_trgm_ops);
create index external_systems_contact_emails on external_systems
  using gin (lethe_search_form(contact_emails) gin_trgm_ops);
create index external_systems_holds_text on external_systems using gin (lethe_search_form(holds) gin_trgm_ops);
call separate_tenants('external_systems');
