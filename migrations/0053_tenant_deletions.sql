-- Which tenants were deleted, by id alone, with the signed certificate of each. It outlives the tenant, so it belongs to the
-- installation. The application adds rows; it can neither change nor remove one.
create table tenant_deletions (
  id uuid primary key,
  deleted_at timestamptz not null,
  kid text not null references signing_keys,
  jws text not null
);
create index tenant_deletions_deleted_at on tenant_deletions (deleted_at, id);
create index tenant_deletions_kid on tenant_deletions (kid);
grant select, insert on tenant_deletions to lethe_app;
grant select on tenant_deletions to lethe_auditor;

-- Removes the audit trail of the transaction's tenant, which the application cannot do, once the record of the deletion of
-- that tenant stands in the same transaction.
create function delete_trail_of_deleted_tenant() returns void
language plpgsql security definer set search_path = pg_catalog, public
as $$
begin
  if not exists (select from public.tenant_deletions d where d.id = public.current_tenant()) then
    raise exception 'the deletion of the tenant is not recorded' using errcode = 'restrict_violation';
  end if;
  delete from public.audit_entries where tenant_id = public.current_tenant();
  delete from public.audit_checkpoints where tenant_id = public.current_tenant();
end
$$;
revoke execute on function delete_trail_of_deleted_tenant() from public;
grant execute on function delete_trail_of_deleted_tenant() to lethe_app;
