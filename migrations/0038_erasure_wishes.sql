-- The wish of a user to be erased: an administrator accepts it, which makes an erasure request, or refuses it. It blocks
-- nothing.
create table erasure_wishes (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  state text not null default 'open' check (state in ('open', 'accepted', 'refused', 'withdrawn')),
  refusal_reason text check (
    refusal_reason in (
      'identity_not_verified', 'legal_claim', 'legal_obligation', 'legitimate_interest', 'public_interest_archiving',
      'disproportionate_effort', 'excessive', 'unfounded', 'wrong_people', 'other'
    )
  ),
  note text,
  request_id uuid,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  decided_by uuid,
  decided_by_credential uuid,
  -- When the e-mail about the acceptance left, before the erasure began.
  told_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users,
  foreign key (tenant_id, decided_by) references users,
  foreign key (tenant_id, request_id) references erasure_requests
);
create unique index erasure_wishes_open on erasure_wishes (tenant_id, user_id) where state = 'open';
create index erasure_wishes_user_id on erasure_wishes (tenant_id, user_id, id);
create index erasure_wishes_state on erasure_wishes (tenant_id, state, id);
create index erasure_wishes_decided_by on erasure_wishes (tenant_id, decided_by) where decided_by is not null;
create index erasure_wishes_request_id on erasure_wishes (tenant_id, request_id) where request_id is not null;
create index erasure_wishes_note_text on erasure_wishes using gin (lethe_search_form(note) gin_trgm_ops) where note is not null;
call separate_tenants('erasure_wishes');
