import pg from 'pg'

/** Tables whose changes are no acts of their own, with the reason. Whatever changes another table is recorded. */
const noActs: Record<string, string> = {
  audit_entries: 'It is the record.',
  audit_checkpoints: 'Sealing changes nothing but the record.',
  person_keys: 'A key is made by the entry that needs it, and goes with the person.',
  contact_keys: 'The same.',
  sealed_words: 'It is an index of the record.',
  audit_resealed: 'It is a part of the record.',
  audit_readings: 'How far the record was read.',
  former_identifiers: 'They come with the change of a user, which is recorded, and go with the erasure of somebody.',
  tenant_keys: 'A key is made when something first needs it.',
  sign_in_sessions:
    'Signing in and being signed out everywhere are recorded; a session is used, ends and is cleared away by itself.',
  sign_in_failures: 'It counts what did not happen.',
  confirmation_links:
    'Asking for one and confirming by one are recorded; that its e-mail is on its way, and that it ran out, are no acts.',
  acknowledgement_links:
    'Making a link and acknowledging by one are recorded; that a delivery carries one, and that it ran out, are no acts.',
  erasure_reaches: 'How far an erasure is in other tenants; what it does there is recorded there.',
  idempotent_requests: 'It keeps the answer of an act that is recorded.',
  notifications: 'They tell of acts that are recorded.',
  import_files: 'It marks how far an import is, which is recorded as a whole.',
  import_runs: 'A run is recorded once, when it ends.',
  import_run_rows: 'The log of a run, which is recorded as a whole.',
  import_run_chunks: 'The file of a run; it comes and goes with the run.',
  webhook_deliveries: 'They tell of acts that are recorded; how far one is, is no act.',
  exports: 'Ordering and deleting one are recorded; how far it is, and that it expired, are no acts.',
  export_chunks: 'They come and go with the export.',
  erasure_subjects: 'How far an order is; ordering, erasing, cancelling and the like change the order too, or people.',
  erasure_plans: 'A preview changes nothing about anybody. Its plan expires.',
  erasure_plan_subjects: 'The same.',
  erasure_steps: 'The same.',
  erasure_certificates: 'The same.',
  erasure_receipts: 'The same.',
  erasure_findings: 'A sweep is recorded as a whole.',
  received_events: 'It keeps what became of an event, which is recorded.',
  event_cutoffs:
    'They come with the erasure of people, which is recorded, or keep what an event said of a ref without a user.',
  tombstones: 'They come with the erasure of people, which is recorded.',
  erasure_ledger: 'The same.',
}

/**
 * Makes a database refuse two kinds of commits: changes by the application without an entry of the audit trail, and a
 * changed identifier of a user without its former value. Every test of every operation, of those too that do not exist
 * yet, thereby proves that it is recorded. Rows that a test writes itself are written as the owner, or in a transaction
 * that says `set local lethe_test.fixture = 'yes'`.
 */
export async function refuseUnrecordedActs(ownerUrl: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    await owner.query(`
      create schema lethe_test;
      grant usage on schema lethe_test to public;
      create function lethe_test.recorded() returns trigger language plpgsql as $$
      begin
        perform set_config('lethe_test.recorded', pg_current_xact_id()::text, true);
        return null;
      end $$;
      create function lethe_test.require_record() returns trigger language plpgsql as $$
      begin
        if tg_op = 'UPDATE'
          and to_jsonb(old) - '{last_used_at,last_seen_at,event_times,next_run_at,last_rows,asking_rows,confirmed_rows}'::text[] = to_jsonb(new) - '{last_used_at,last_seen_at,event_times,next_run_at,last_rows,asking_rows,confirmed_rows}'::text[] then
          return null;
        end if;
        if current_user = 'lethe_app'
          and current_setting('lethe_test.recorded', true) is distinct from pg_current_xact_id()::text
          and current_setting('lethe_test.fixture', true) is distinct from 'yes' then
          raise exception 'a row of % was changed, and no entry of the audit trail says so', tg_table_name;
        end if;
        return null;
      end $$;
      create function lethe_test.require_former() returns trigger language plpgsql as $$
      declare
        given record;
      begin
        if current_user not in ('lethe_app', 'lethe_auditor')
          or current_setting('lethe_test.fixture', true) is not distinct from 'yes' then
          return null;
        end if;
        for given in
          select * from (values
            ('email', old.email_key, new.email_key),
            ('login_name', old.login_key, new.login_key),
            ('ref', old.ref_key, new.ref_key),
            ('external_identity_id', old.external_identity_key, new.external_identity_key),
            ('directory_object_id', old.directory_object_id::text, new.directory_object_id::text)
          ) as v (kind, before, after)
          where before is not null and before is distinct from after
        loop
          -- Whoever is anonymized or gone by now has no identifiers, of before or of today.
          if exists (select from users u where u.tenant_id = new.tenant_id and u.id = new.id and u.state <> 'anonymized')
            and not exists (
              select from former_identifiers f
              where f.tenant_id = new.tenant_id and f.user_id = new.id and f.kind = given.kind and f.until > now() - interval '1 minute'
            ) then
            raise exception 'the % of a user was changed, and nothing keeps the one before', given.kind;
          end if;
        end loop;
        return null;
      end $$;
      create constraint trigger keeps_former after update on users
        deferrable initially deferred for each row execute function lethe_test.require_former();
      create trigger recorded after insert on audit_entries for each statement execute function lethe_test.recorded();
      create trigger recorded after insert or update of rows_read, finished_at on import_runs for each statement execute function lethe_test.recorded()`)
    const { rows } = await owner.query<{ name: string }>(
      `select c.relname::text as name from pg_class c
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and (c.relname in ('tenants', 'operators') or exists (
         select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))`,
    )
    const names = rows.map(({ name }) => name)
    const gone = Object.keys(noActs).filter((name) => !names.includes(name))
    if (gone.length > 0) throw new Error(`audited-acts.ts names tables that do not exist: ${gone.join(', ')}`)
    for (const name of names.filter((one) => !Object.hasOwn(noActs, one))) {
      await owner.query(
        `create constraint trigger requires_record after insert or update or delete on ${pg.escapeIdentifier(name)}
         deferrable initially deferred for each row execute function lethe_test.require_record()`,
      )
    }
  } finally {
    await owner.end()
  }
}
