-- Which tenant a client belongs to, if it may be used now: ids only. A client that discovers the token endpoint by the
-- metadata of RFC 8414 knows its own id and no tenant, so this looks across tenants.
create index oauth_clients_id on oauth_clients (id);
create function tenants_of_oauth_client(client uuid) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, public
as $$
begin
  return query select c.tenant_id from public.oauth_clients c where c.id = client and c.revoked_at is null;
end
$$;
