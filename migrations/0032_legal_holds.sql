-- A legal hold: until it is released, nothing erases the people whom it covers.
create table legal_holds (
  tenant_id uuid not null references tenants,
  id uuid not null default uuid_v7(),
  reason_code text not null check (
    reason_code in (
      'legal_claim', 'legal_obligation', 'court_proceedings', 'official_inquiry', 'criminal_investigation',
      'internal_investigation', 'public_interest_archiving', 'other'
    )
  ),
  note text,
  -- The person who answers for the hold.
  owner_id uuid,
  created_at timestamptz not null default now(),
  created_by uuid,
  created_by_credential uuid,
  released_at timestamptz,
  released_by uuid,
  released_by_credential uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users,
  foreign key (tenant_id, created_by) references users,
  foreign key (tenant_id, released_by) references users
);
create index legal_holds_in_force on legal_holds (tenant_id, id) where released_at is null;
create index legal_holds_owner_id on legal_holds (tenant_id, owner_id) where owner_id is not null;
create index legal_holds_created_by on legal_holds (tenant_id, created_by) where created_by is not null;
create index legal_holds_released_by on legal_holds (tenant_id, released_by) where released_by is not null;
create index legal_holds_note_text on legal_holds using gin (lethe_search_form(note) gin_trgm_ops) where note is not null;
call separate_tenants('legal_holds');

-- The users whom a hold names.
create table legal_hold_users (
  tenant_id uuid not null,
  hold_id uuid not null,
  user_id uuid not null,
  primary key (tenant_id, hold_id, user_id),
  foreign key (tenant_id, hold_id) references legal_holds,
  foreign key (tenant_id, user_id) references users
);
create index legal_hold_users_user_id on legal_hold_users (tenant_id, user_id);
call separate_tenants('legal_hold_users');

-- The directory groups whose members a hold covers.
create table legal_hold_groups (
  tenant_id uuid not null,
  hold_id uuid not null,
  group_id uuid not null,
  primary key (tenant_id, hold_id, group_id),
  foreign key (tenant_id, hold_id) references legal_holds,
  foreign key (tenant_id, group_id) references directory_groups
);
create index legal_hold_groups_group_id on legal_hold_groups (tenant_id, group_id);
call separate_tenants('legal_hold_groups');

-- People of erasure requests who wait for a decision, a date, or the end of a hold.
create index erasure_subjects_on_hold on erasure_subjects (tenant_id, request_id, user_id) where state = 'held';
