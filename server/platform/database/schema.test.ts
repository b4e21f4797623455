import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { insertOneErasure, insertOneOfEverything } from '../../../test/one-of-everything.ts'
import { mentionLookUp } from '../../datamap/compile/mention-query.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import type { MentionColumn } from '../../datamap/plan.ts'
import { codeOf, openPool } from './pool.ts'
import { equipLogin } from './roles.ts'

// What must hold for every table, also for those that do not exist yet: each check reads the catalog and answers what
// violates it. Beside the check of the real schema stands the same check of a schema with a violation.

/** Tables of the installation; every other one belongs to tenants. */
const tablesWithoutTenant: Record<string, string> = {
  backup_declarations: 'Backups hold all tenants.',
  identity_provider_tokens: 'Identity providers belong to the installation.',
  identity_providers: 'Identity providers belong to the installation.',
  lethe_migrations: 'The schema is the same for all tenants.',
  log_marks: 'All tenants have one write-ahead log.',
  operator_sessions: 'Operators belong to no tenant.',
  operator_sign_in_failures: 'Operators belong to no tenant.',
  operators: 'Operators belong to no tenant.',
  signing_keys: 'The installation signs; whoever checks a certificate knows no tenant.',
  table_rewrites: 'A table holds all tenants.',
  tenant_deletions: 'It outlives its tenant, and has an id and a certificate without names.',
  tenants: 'Its own id is the id of the tenant.',
}

const keysNotLedByTenant: Record<string, string> = {
  'erasure_certificates_kid_fkey on erasure_certificates': 'Signing keys belong to the installation.',
  'tenants_name_key on tenants': 'A name chooses one tenant among all of them.',
}

/** Tables that their owner may read across tenants, for the functions that answer ids. */
const listedByOwner = [
  'api_keys',
  'audit_entries',
  'confirmed_identities',
  'connectors',
  'erasure_reaches',
  'erasure_requests',
  'exports',
  'import_runs',
  'oauth_clients',
  'reach_matches',
  'tenants',
  'users',
  'erasure_subjects',
  'webhook_endpoints',
  'webhook_deliveries',
]

const tenant = '018f0000-0000-7000-8000-00000000000a'
const otherTenant = '018f0000-0000-7000-8000-00000000000b'
const user = '018f0000-0000-7000-8000-0000000000a1'
const otherUser = '018f0000-0000-7000-8000-0000000000a2'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await test.owner.query(
    `insert into tenants (id, name, kind) values ('${tenant}', 'First', 'enterprise'), ('${otherTenant}', 'Second', 'enterprise')`,
  )
  await test.owner.query(
    `insert into users (tenant_id, id, email) values ('${tenant}', '${user}', 'first@example.com'), ('${tenant}', '${otherUser}', null)`,
  )
  await insertOneOfEverything(test.owner, { tenantId: tenant, userId: user, otherUserId: otherUser })
  await insertOneErasure(test.owner, { tenantId: tenant })
})
afterAll(() => test.close())

/** What the check answers once these statements have changed the schema; the change is taken back. */
async function withChange<T>(statements: string, check: () => Promise<T>): Promise<T> {
  await test.owner.query('begin')
  try {
    await test.owner.query(statements)
    return await check()
  } finally {
    await test.owner.query('rollback')
  }
}

async function names(text: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await test.owner.query<{ name: string }>(text, values)
  return rows.map(({ name }) => name)
}

/** The tables of the public schema, and the column that separates their tenants: null where there is none. */
const tables = `
  select c.oid, c.relname::text as name, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
    case
      when c.relname = 'tenants' then 'id'
      when exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
        then 'tenant_id'
    end as tenant_column
  from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`

describe('tables', () => {
  const withoutTenant = () =>
    names(`select name from (${tables}) t where tenant_column is distinct from 'tenant_id' order by 1`)

  it('belong to a tenant, unless a reason is written down', async () => {
    expect(await withoutTenant()).toEqual(Object.keys(tablesWithoutTenant))
    expect(await withChange('create table stray (id uuid primary key)', withoutTenant)).toContain('stray')
  })

  const notLedByTenant = () =>
    names(`
      with t as (${tables})
      select format('%s on %s', i.relname, t.name) as name
      from t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
      where t.tenant_column is not null and x.indisunique and not exists (
        select from pg_attribute a where a.attrelid = t.oid and a.attnum = x.indkey[0] and a.attname = t.tenant_column)
      union all
      select format('no primary key on %s', t.name)
      from t where not exists (select from pg_constraint k where k.conrelid = t.oid and k.contype = 'p')
      union all
      select format('%s on %s', k.conname, t.name)
      from t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f' left join t target on target.oid = k.confrelid
      where t.tenant_column is not null and not exists (
        select from pg_attribute a, pg_attribute b
        where a.attrelid = k.conrelid and a.attnum = k.conkey[1] and a.attname = t.tenant_column
          and b.attrelid = k.confrelid and b.attnum = k.confkey[1] and b.attname = target.tenant_column)
      order by 1`)

  it('lead every primary key, unique index and foreign key with the tenant', async () => {
    expect(await notLedByTenant()).toEqual(Object.keys(keysNotLedByTenant))
    const found = await withChange(
      `create table stray (
         tenant_id uuid, id uuid, user_id uuid, text text,
         constraint stray_pair unique (id, tenant_id),
         constraint stray_user foreign key (user_id, tenant_id) references users (id, tenant_id)
       );
       create unique index stray_expression on stray (lower(text), tenant_id)`,
      notLedByTenant,
    )
    expect(found.filter((name) => name.endsWith(' on stray'))).toEqual([
      'no primary key on stray',
      'stray_expression on stray',
      'stray_pair on stray',
      'stray_user on stray',
    ])
  })

  const notSeparated = () =>
    names(`
      select name from (${tables}) t
      where tenant_column is not null and not (relrowsecurity and relforcerowsecurity) order by 1`)

  it('of tenants enforce row level security, for their owner too', async () => {
    expect(await notSeparated()).toEqual([])
    expect(await withChange('create table stray (tenant_id uuid)', notSeparated)).toEqual(['stray'])
    expect(await withChange('alter table ratings no force row level security', notSeparated)).toEqual(['ratings'])
  })

  const wrongPolicies = () =>
    names(
      `with t as (${tables}),
      actual as (
        select format('%s: %s %s for %s to %s using (%s) with check (%s)', t.name, p.permissive, p.policyname, p.cmd,
            case when p.roles = array[pg_get_userbyid(t.relowner)] then 'its owner' else array_to_string(p.roles, ', ') end,
            p.qual, p.with_check) as policy
        from t join pg_policies p on p.schemaname = 'public' and p.tablename = t.name
      ),
      expected as (
        select format('%1$s: PERMISSIVE tenant_separation for ALL to public using ((%2$s = current_tenant())) with check ((%2$s = current_tenant()))',
          name, tenant_column) as policy
        from t where tenant_column is not null
        union all
        select format('%s: PERMISSIVE auditor_reads for SELECT to lethe_auditor using (true) with check ()', name)
        from t where tenant_column is not null
        union all
        select format('%s: PERMISSIVE owner_lists for SELECT to its owner using (true) with check ()', name)
        from t where name = any ($1)
      )
      select 'missing ' || policy as name from (select policy from expected except select policy from actual) m
      union all
      select 'unexpected ' || policy from (select policy from actual except select policy from expected) u
      order by 1`,
      [listedByOwner],
    )

  it('of tenants carry the policies that separate them and let the auditor read, and no other', async () => {
    expect(await wrongPolicies()).toEqual([])
    expect(await withChange('create policy peek on ratings for select using (true)', wrongPolicies)).toEqual([
      'unexpected ratings: PERMISSIVE peek for SELECT to public using (true) with check ()',
    ])
    expect(await withChange('drop policy auditor_reads on ratings', wrongPolicies)).toHaveLength(1)
    expect(await withChange('create table stray (tenant_id uuid)', wrongPolicies)).toHaveLength(2)
  })

  const readPastPolicies = () =>
    names(`
      select c.relname::text as name from pg_class c
      where c.relnamespace = 'public'::regnamespace and (
        c.relkind = 'm'
        or c.relkind = 'v' and not coalesce(c.reloptions @> '{security_invoker=true}', false)
          and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e'))
      order by 1`)

  it('are read by views with the rights of whoever asks', async () => {
    expect(await readPastPolicies()).toEqual([])
    expect(
      await withChange(
        `create view stray as select * from ratings;
         create view sound with (security_invoker = true) as select * from ratings;
         create materialized view stray_copy as select * from ratings`,
        readPastPolicies,
      ),
    ).toEqual(['stray', 'stray_copy'])
  })
})

describe('roles', () => {
  const login = () => decodeURIComponent(new URL(test.appUrl).username)

  const tooPowerful = (login: string) =>
    names(
      `with own as (select * from pg_roles where rolname in ($1, 'lethe_app', 'lethe_auditor'))
      select format('%s %s', rolname, power.name) as name
      from own cross join lateral (values
        ('is a superuser', rolsuper),
        ('bypasses row level security', rolbypassrls),
        ('creates roles', rolcreaterole),
        ('creates databases', rolcreatedb),
        ('replicates', rolreplication),
        ('signs in', rolcanlogin and rolname <> $1),
        ('owns something', exists (
          select from pg_shdepend d where d.refclassid = 'pg_authid'::regclass and d.refobjid = own.oid and d.deptype = 'o'))
      ) power (name, has)
      where power.has
      union all
      select format('%s inherits %s', own.rolname, r.rolname)
      from own join pg_roles r on r.oid <> own.oid and pg_has_role(own.oid, r.oid, 'usage')
      union all
      select format('%s enters %s', own.rolname, r.rolname)
      from own join pg_auth_members m on m.member = own.oid join pg_roles r on r.oid = m.roleid
      where (own.rolname, r.rolname) not in (($1, 'lethe_app'), ($1, 'lethe_auditor'))
      order by 1`,
      [login],
    )

  it('of the application own nothing, inherit nothing and have no power over the server', async () => {
    expect(await tooPowerful(login())).toEqual([])
    const strong = `stray_${process.pid}`
    expect(
      await withChange(
        `create role ${strong} login bypassrls createrole createdb inherit in role lethe_app, pg_read_all_data;
         create table stray (id uuid);
         alter table stray owner to ${strong}`,
        () => tooPowerful(strong),
      ),
    ).toEqual(
      [
        'bypasses row level security',
        'creates databases',
        'creates roles',
        'enters pg_read_all_data',
        'inherits lethe_app',
        'inherits pg_read_all_data',
        'owns something',
      ].map((fault) => `${strong} ${fault}`),
    )
  })

  it('are not inherited by a login that existed before', async () => {
    const strayLogin = `stray_${process.pid}`
    const url = new URL(test.appUrl)
    url.username = strayLogin
    expect(
      await withChange(`create role ${strayLogin} login inherit`, async () => {
        await equipLogin(test.owner, url.href)
        return tooPowerful(strayLogin)
      }),
    ).toEqual([])
    expect(
      await withChange(`create role ${strayLogin} login inherit; grant lethe_app to ${strayLogin}`, async () => {
        await equipLogin(test.owner, url.href)
        return tooPowerful(strayLogin)
      }),
    ).toEqual([])
  })

  const excessiveRights = () =>
    names(`
      select format('%s: %s may %s', t.name, coalesce(r.rolname, 'everybody'), lower(g.privilege_type)) as name
      from (${tables}) t cross join lateral aclexplode(t.relacl) g left join pg_roles r on r.oid = g.grantee
      where g.grantee <> t.relowner
        and not (g.grantee = 'lethe_app'::regrole and g.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
        and not (g.grantee = 'lethe_auditor'::regrole and g.privilege_type = 'SELECT')
      union all
      select format('%s: %s may create', n.nspname, coalesce(r.rolname, 'everybody'))
      from pg_namespace n cross join lateral aclexplode(n.nspacl) g left join pg_roles r on r.oid = g.grantee
      where n.nspname in ('public', 'graphile_worker') and g.privilege_type = 'CREATE' and g.grantee <> n.nspowner
      order by 1`)

  it('may read and write rows, the auditor only read, and nobody but the owner truncate or create', async () => {
    expect(await excessiveRights()).toEqual([])
    expect(
      await withChange(
        `grant truncate on ratings to lethe_app;
         grant update on posts to lethe_auditor;
         grant select on skills to public;
         grant create on schema public to public`,
        excessiveRights,
      ),
    ).toEqual([
      'posts: lethe_auditor may update',
      'public: everybody may create',
      'ratings: lethe_app may truncate',
      'skills: everybody may select',
    ])
  })

  it('must be entered: the login itself may read no table', async () => {
    const login = await openPool({ url: test.appUrl, max: 1, role: undefined })
    const readable = `select name from (${tables}) t where has_any_column_privilege(oid, 'select') order by 1`
    try {
      expect((await login.query(readable)).rows).toEqual([])
      expect((await test.database.pool.query(readable)).rows).toContainEqual({ name: 'users' })
    } finally {
      await login.end()
    }
  })

  const unsafeDefiners = () =>
    names(`
      select format('%s %s', p.oid::regprocedure, fault.name) as name
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      cross join lateral (values
        ('sets no search_path', not exists (select from unnest(p.proconfig) setting where setting like 'search\\_path=%')),
        ('returns more than ids', case
          when p.proargmodes is null then p.prorettype not in ('uuid'::regtype, 'void'::regtype)
          else exists (
            select from unnest(p.proargmodes, p.proallargtypes) argument (mode, type)
            where argument.mode in ('o', 'b', 't') and argument.type <> 'uuid'::regtype)
        end)
      ) fault (name, has)
      where p.prosecdef and fault.has and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      order by 1`)

  it('get nothing but ids from functions with the rights of the owner', async () => {
    expect(await unsafeDefiners()).toEqual([])
    const found = await withChange(
      `create function stray_names() returns setof text language sql security definer set search_path = pg_catalog
         as $$ select name from public.tenants $$;
       create function stray_rows() returns table (id uuid, name text) language sql security definer
         as $$ select id, name from public.tenants $$;
       create function stray_row() returns tenants language sql security definer set search_path = pg_catalog
         as $$ select * from public.tenants $$`,
      unsafeDefiners,
    )
    expect(found).toEqual([
      'stray_names() returns more than ids',
      'stray_row() returns more than ids',
      'stray_rows() returns more than ids',
      'stray_rows() sets no search_path',
    ])
  })
})

describe('the separation of tenants', () => {
  /** Runs a statement as the application, in a tenant or in none, and takes it back: rows, or the code of the error. */
  async function asApplication(
    tenantId: string,
    text: string,
    values: unknown[] = [],
  ): Promise<number | string | undefined> {
    await test.owner.query(
      `savepoint attempt; set local role lethe_app; select set_config('lethe.tenant_id', '${tenantId}', true)`,
    )
    try {
      return (await test.owner.query(text, values)).rowCount ?? 0
    } catch (error) {
      return codeOf(error)
    } finally {
      await test.owner.query('rollback to savepoint attempt')
    }
  }

  const refused = '42501'

  async function leaks(like = '%'): Promise<string[]> {
    const { rows } = await test.owner.query<{ name: string; tenant_column: string; columns: string }>(
      `select name, tenant_column, (
         select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
       from (${tables}) t where tenant_column is not null and name like $1 order by 1`,
      [like],
    )
    const found: string[] = []
    for (const { name, tenant_column, columns } of rows) {
      const expectThat = (holds: boolean, sentence: string) => {
        if (!holds) found.push(`${name}: ${sentence}`)
      }
      const sample = await test.owner.query<{ row: unknown }>(
        `select to_jsonb(t) as row from ${name} t where ${tenant_column} = $1 limit 1`,
        [tenant],
      )
      const row = sample.rows[0]?.row
      const seen = await asApplication(tenant, `select from ${name}`)
      expectThat(row !== undefined && typeof seen === 'number' && seen > 0, 'there is no row to try with')
      expectThat((await asApplication('', `select from ${name}`)) === 0, 'shows rows without a tenant')
      const foreign = `where ${tenant_column} = '${tenant}'`
      expectThat(
        (await asApplication(otherTenant, `select from ${name} ${foreign}`)) === 0,
        'shows rows to another tenant',
      )
      for (const statement of [
        `update ${name} set ${tenant_column} = ${tenant_column} ${foreign}`,
        `delete from ${name} ${foreign}`,
      ]) {
        const outcome = await asApplication(otherTenant, statement)
        expectThat(outcome === 0 || outcome === refused, `another tenant may ${statement.split(' ', 1)}`)
      }
      expectThat(
        (await asApplication(
          otherTenant,
          `insert into ${name} (${columns}) overriding system value select ${columns} from jsonb_populate_record(null::${name}, $1)`,
          [JSON.stringify(row)],
        )) === refused,
        'another tenant may insert',
      )
      expectThat(
        (await asApplication(tenant, `update ${name} set ${tenant_column} = '${otherTenant}'`)) === refused,
        'a row may move to another tenant',
      )
    }
    return found
  }

  it('shows and changes no row of another tenant, in any table', async () => {
    expect(await withChange('', () => leaks())).toEqual([])
    expect(
      await withChange(
        `create table stray (tenant_id uuid, id uuid);
         insert into stray values ('${tenant}', '${user}');
         grant select, insert, update, delete on stray to lethe_app`,
        () => leaks('stray'),
      ),
    ).toEqual([
      'stray: shows rows without a tenant',
      'stray: shows rows to another tenant',
      'stray: another tenant may update',
      'stray: another tenant may delete',
      'stray: another tenant may insert',
      'stray: a row may move to another tenant',
    ])
    expect(
      await withChange(`create table stray (tenant_id uuid, id uuid); call separate_tenants('stray')`, () =>
        leaks('stray'),
      ),
    ).toEqual(['stray: there is no row to try with', 'stray: a row may move to another tenant'])
  })
})

describe('indexes', () => {
  /** Tables whose rows an erasure deletes: PostgreSQL then looks for rows that point to them. */
  const erased = compiledMap.plans.purge.acts
    .filter(({ statements }) => statements.some(({ text }) => text.startsWith('delete from ')))
    .map(({ table }) => table)

  const uncovered = () =>
    names(
      `select format('%s on %s', k.conname, k.conrelid::regclass) as name
      from pg_constraint k
      where k.contype = 'f' and k.confrelid = any ($1::regclass[]) and not exists (
        select from pg_index x
        where x.indrelid = k.conrelid and x.indisvalid and x.indnkeyatts >= cardinality(k.conkey)
          and (x.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
          and (x.indpred is null or pg_get_expr(x.indpred, x.indrelid) in (
            select format('(%I IS NOT NULL)', a.attname) from pg_attribute a
            where a.attrelid = k.conrelid and a.attnum = any (k.conkey))))
      order by 1`,
      [erased],
    )

  it('cover every foreign key to a person and to what an erasure deletes', async () => {
    expect(erased).toContain('users')
    expect(await uncovered()).toEqual([])
    const found = await withChange(
      `create table stray (
         tenant_id uuid, id uuid, user_id uuid, second_id uuid, third_id uuid, submission_id uuid, state text,
         constraint stray_user foreign key (tenant_id, user_id) references users,
         constraint stray_second foreign key (tenant_id, second_id) references users,
         constraint stray_third foreign key (tenant_id, third_id) references users,
         constraint stray_submission foreign key (tenant_id, submission_id) references submissions
       );
       create index on stray (tenant_id, user_id) where state = 'open';
       create index on stray (tenant_id, id, second_id);
       create index on stray (third_id, tenant_id, id) where third_id is not null`,
      uncovered,
    )
    expect(found).toEqual(['stray_second on stray', 'stray_submission on stray', 'stray_user on stray'])
  })

  /** The index that finds identifiers in each mention column; null where there is none. */
  async function mentionIndexes(columns: MentionColumn[]): Promise<{ column: string; index: string | null }[]> {
    const { rows } = await test.owner.query<{ column: string; index: string | null }>(
      `select format('%s.%s', m."table", m."column") as column, (
          select i.relname::text
          from pg_index x join pg_class i on i.oid = x.indexrelid
            join pg_am am on am.oid = i.relam join pg_opclass o on o.oid = x.indclass[0]
          where x.indrelid = m."table"::regclass and x.indisvalid and x.indnkeyatts = 1 and am.amname = 'gin'
            and lower(pg_get_indexdef(x.indexrelid, 1, true)) = m.searched and o.opcname = 'gin_trgm_ops'
            and (x.indpred is null or m.nullable and pg_get_expr(x.indpred, x.indrelid) = format('(%I IS NOT NULL)', m."column"))
          limit 1
        ) as index
      from jsonb_to_recordset($1) m ("table" text, "column" text, searched text, nullable boolean)`,
      [JSON.stringify(columns)],
    )
    return rows
  }

  async function unindexed(columns: MentionColumn[]): Promise<string[]> {
    return (await mentionIndexes(columns)).flatMap(({ column, index }) => (index === null ? [column] : []))
  }

  const strayMention = (column: string, as: MentionColumn['as'], nullable: boolean): MentionColumn => ({
    table: 'stray',
    column,
    as,
    nullable,
    searched: `lethe_search_form(${as === 'json' ? `${column}::text` : column})`,
    tenantColumn: 'tenant_id',
    primaryKey: ['id'],
    ownedBy: [],
  })

  it('find identifiers in every column that may mention people', async () => {
    expect(await unindexed(compiledMap.plans.purge.mentions)).toEqual([])
    const found = await withChange(
      `create table stray (tenant_id uuid, id uuid, note text, title text, addresses text[], data jsonb, bare text);
       create index on stray using gin (lethe_search_form(note) gin_trgm_ops) where title is not null;
       create index on stray using gin (title gin_trgm_ops);
       create index on stray using gin (lethe_search_form(addresses) gin_trgm_ops) where addresses is not null;
       create index on stray using gin (data)`,
      () =>
        unindexed([
          strayMention('note', 'text', true),
          strayMention('title', 'text', false),
          strayMention('addresses', 'addresses', true),
          strayMention('data', 'json', false),
          strayMention('bare', 'text', true),
        ]),
    )
    expect(found).toEqual(['stray.note', 'stray.title', 'stray.data', 'stray.bare'])
  })

  /**
   * The mention columns whose index the compiled look-up leaves unused, though nothing else is left to use. On tables
   * as small as these the planner would rather take the primary key.
   */
  async function unused(role: string): Promise<string[]> {
    const indexes = await mentionIndexes(compiledMap.plans.purge.mentions)
    return withChange(
      `do $$
       declare item record;
       begin
         for item in select conname, conrelid::regclass as name from pg_constraint
           where contype in ('p', 'u') and connamespace = 'public'::regnamespace
         loop
           execute format('alter table %s drop constraint %I cascade', item.name, item.conname);
         end loop;
         for item in select i.oid::regclass as name from pg_class i join pg_am am on am.oid = i.relam
           where i.relkind = 'i' and i.relnamespace = 'public'::regnamespace and am.amname <> 'gin'
         loop
           execute format('drop index %s', item.name);
         end loop;
       end $$;
       set local role ${role};
       set local enable_seqscan = off;
       set local plan_cache_mode = force_generic_plan`,
      async () => {
        await test.owner.query(
          `prepare look_up (uuid, uuid[], text[]) as ${mentionLookUp(compiledMap.plans.purge.mentions)}`,
        )
        try {
          const { rows } = await test.owner.query<{ 'QUERY PLAN': unknown }>(
            `explain (format json) execute look_up ('${tenant}', '{${user}}', '{%first@example.com%}')`,
          )
          const used = new Set(searchedIndexes(rows[0]?.['QUERY PLAN']))
          return indexes.flatMap(({ column, index }) => (index !== null && used.has(index) ? [] : [column]))
        } finally {
          await test.owner.query('deallocate look_up')
        }
      },
    )
  }

  /** The indexes that a plan searches; one that it only reads from end to end has no condition. */
  function searchedIndexes(plan: unknown): string[] {
    if (typeof plan !== 'object' || plan === null) return []
    const below = Object.values(plan).flatMap(searchedIndexes)
    return 'Index Cond' in plan && 'Index Name' in plan ? [String(plan['Index Name']), ...below] : below
  }

  it('are what the look-up of mentions searches, as the auditor and with a plan for any value', async () => {
    expect(await unused('lethe_auditor')).toEqual([])
    expect(await unused('lethe_app')).toHaveLength(compiledMap.plans.purge.mentions.length)
  })
})
