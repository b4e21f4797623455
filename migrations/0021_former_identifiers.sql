-- What a user was known by before a rename: the value under the person's key, and a keyed hash to recognize it by.
create table former_identifiers (
  tenant_id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in ('email', 'login_name', 'directory_object_id', 'ref', 'external_identity_id')),
  -- Of the normal form of the value, under the tenant's key; of that version of the normal form.
  hash bytea not null,
  fold_version smallint not null,
  sealed_value bytea not null,
  -- When the user got it and when another one took its place; as far as that is known.
  since timestamptz not null,
  until timestamptz not null,
  primary key (tenant_id, user_id, kind, hash),
  foreign key (tenant_id, user_id) references users
);
create index former_identifiers_hash on former_identifiers (tenant_id, hash);
call separate_tenants('former_identifiers');

-- The words of what is kept under a person's key, as keyed hashes: whether an identifier of somebody else may stand there
-- is a look-up, and only what may hold it is opened.
create table sealed_words (
  tenant_id uuid not null,
  word bigint not null,
  user_id uuid not null,
  primary key (tenant_id, word, user_id),
  foreign key (tenant_id, user_id) references users
);
create index sealed_words_user_id on sealed_words (tenant_id, user_id);
call separate_tenants('sealed_words');

-- Values of entries of the audit trail, sealed again under a new key of their person because an identifier of somebody
-- who was erased stood among them. The entry itself, which the chain covers, stays as it is: its key is gone.
create table audit_resealed (
  tenant_id uuid not null,
  entry_id uuid not null,
  user_id uuid not null,
  sealed_values bytea not null,
  primary key (tenant_id, entry_id),
  foreign key (tenant_id, user_id) references users
);
create index audit_resealed_user_id on audit_resealed (tenant_id, user_id);
call separate_tenants('audit_resealed');

-- How far the trail was read for former identifiers and words, of the entries that were there before these tables were.
create table audit_readings (
  tenant_id uuid not null references tenants,
  -- The way of reading; another one begins anew.
  version smallint not null,
  -- The last entry that was read.
  last_entry uuid,
  entries bigint not null default 0,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id)
);
call separate_tenants('audit_readings');
