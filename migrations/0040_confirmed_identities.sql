-- Identifiers that were confirmed as a user's own: by the identity provider, or by the owner of the address, who opened a
-- link that was mailed there. No API, file or administrator writes here, because an erasure reaches other tenants by it.
create table confirmed_identities (
  tenant_id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in ('email', 'external_identity_id')),
  -- A keyed hash of the identifier, under a key of the installation: the same person has the same one in each tenant.
  hash bytea not null,
  method text not null check (method in ('mail_link', 'identity_provider')),
  -- The identity provider that said so.
  provider_id uuid,
  confirmed_at timestamptz not null default now(),
  primary key (tenant_id, user_id, kind),
  foreign key (tenant_id, user_id) references users
);
-- Not led by the tenant: the same person is looked for in all of them.
create index confirmed_identities_hash on confirmed_identities (hash);
call separate_tenants('confirmed_identities');
create policy owner_lists on confirmed_identities for select to current_user using (true);

-- Whoever changes the identifier of a user drops its confirmation, by whatever way the change comes. An erasure clears
-- identifiers of people who are deleted, and takes the confirmations by the data map.
create function drop_confirmation() returns trigger
language plpgsql
as $$
begin
  delete from confirmed_identities c
  where c.tenant_id = new.tenant_id and c.user_id = new.id
    and (
      (c.kind = 'email' and old.email_key is distinct from new.email_key)
      or (c.kind = 'external_identity_id' and old.external_identity_key is distinct from new.external_identity_key)
    );
  return null;
end
$$;
create trigger confirmation_follows after update on users for each row
  when (
    new.state in ('active', 'suspended')
    and (
      old.email_key is distinct from new.email_key
      or old.external_identity_key is distinct from new.external_identity_key
    )
  )
  execute function drop_confirmation();

-- Links that ask the owner of an address to confirm it. The link itself is only in the e-mail.
create table confirmation_links (
  tenant_id uuid not null,
  id uuid not null default uuid_v7(),
  user_id uuid not null,
  -- Of the address that the link is sent to, like the hash of a confirmed identity.
  address_hash bytea not null,
  -- Where the server was reached by its public address then: the link leads there.
  base_url text not null,
  -- Null until the e-mail is on its way.
  token_hash bytea,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  sent_at timestamptz,
  used_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users
);
create index confirmation_links_user_id on confirmation_links (tenant_id, user_id, created_at);
create index confirmation_links_token_hash on confirmation_links (tenant_id, token_hash) where token_hash is not null;
create index confirmation_links_expires_at on confirmation_links (tenant_id, expires_at);
call separate_tenants('confirmation_links');
