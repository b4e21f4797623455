-- Identity providers whose signed requests the operator of the installation lets in.
create table identity_providers (
  id uuid primary key default uuid_v7(),
  -- `iss` and `aud` of its tokens (RFC 7519, sections 4.1.1 and 4.1.3).
  issuer text not null unique,
  audience text not null,
  -- A JWK set (RFC 7517) of public keys.
  keys jsonb not null,
  algorithms text[] not null check (algorithms <> '{}'),
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);
-- Tokens that came, so that each is taken once (`jti`, RFC 7519, section 4.1.7); until they would have expired anyway.
create table identity_provider_tokens (
  provider_id uuid not null references identity_providers on delete cascade,
  token_hash bytea not null,
  expires_at timestamptz not null,
  primary key (provider_id, token_hash)
);
create index identity_provider_tokens_expires_at on identity_provider_tokens (expires_at);
grant select, insert, update, delete on identity_providers, identity_provider_tokens to lethe_app;
grant select on identity_providers, identity_provider_tokens to lethe_auditor;
