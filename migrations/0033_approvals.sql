-- A tenant may demand that a second person approves each erasure request, and a cooling-off period before it runs.
alter table tenants add column approval_required boolean not null default false;
alter table tenants add column cooling_off_hours integer not null default 0 check (cooling_off_hours between 0 and 8760);

-- What the tenant demanded when the request was made. Later changes of the settings do not reach it.
alter table erasure_requests add column approval_required boolean not null default false;
alter table erasure_requests add column cooling_off_hours integer not null default 0;
-- When the cooling-off period ends; null before the approval, and without such a period.
alter table erasure_requests add column run_at timestamptz;
create index erasure_requests_run_at on erasure_requests (tenant_id, run_at) where run_at is not null and finished_at is null;

create index erasure_subjects_awaiting_approval on erasure_subjects (tenant_id, request_id, user_id)
  where state = 'awaiting_approval';
create index erasure_subjects_scheduled on erasure_subjects (tenant_id, request_id, user_id) where state = 'scheduled';

-- The one decision about a request that needs an approval.
create table erasure_decisions (
  tenant_id uuid not null,
  request_id uuid not null,
  decision text not null check (decision in ('approved', 'rejected')),
  -- Of a refusal.
  reason_code text check (
    reason_code in (
      'identity_not_verified', 'legal_claim', 'legal_obligation', 'legitimate_interest', 'public_interest_archiving',
      'disproportionate_effort', 'excessive', 'unfounded', 'wrong_people', 'other'
    )
  ),
  note text,
  -- Null once that person is erased.
  decided_by uuid,
  decided_at timestamptz not null default now(),
  primary key (tenant_id, request_id),
  foreign key (tenant_id, request_id) references erasure_requests,
  foreign key (tenant_id, decided_by) references users
);
create index erasure_decisions_decided_by on erasure_decisions (tenant_id, decided_by) where decided_by is not null;
create index erasure_decisions_note_text on erasure_decisions using gin (lethe_search_form(note) gin_trgm_ops)
  where note is not null;
call separate_tenants('erasure_decisions');
