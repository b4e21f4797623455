import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { insertOneOfEverything } from '../../test/one-of-everything.ts'
import { type Dump, dumpDatabase, placesOf } from '../../test/rows.ts'
import { keepFormer } from '../people/identifiers/former-identifiers.ts'
import { performActions, prepareActions } from '../personal-data/actions.ts'
import { countAffectedRows, sumEffects } from '../personal-data/affected-rows.ts'
import { scrubMentions } from '../personal-data/scrub-mentions.ts'
import { readSchema, schemaFactsOf } from '../platform/database/read-schema.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { compiledMap } from './compiled.ts'
import { dataMap } from './data-map.ts'
import type { Operation } from './plan.ts'
import type { AnyEntry } from './vocabulary.ts'

const map: Record<string, AnyEntry> = dataMap

describe('the data map in the database', () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createTestDatabase()
  })
  afterAll(() => test.close())

  async function withChange<T>(statements: string, check: () => Promise<T>): Promise<T> {
    await test.owner.query('begin')
    try {
      await test.owner.query(statements)
      return await check()
    } finally {
      await test.owner.query('rollback')
    }
  }

  const columnsOf = (tables: Record<string, { columns: object }>) =>
    Object.entries(tables).flatMap(([table, { columns }]) => Object.keys(columns).map((column) => `${table}.${column}`))

  /** Columns that only the map has, or only the database, the job queue's too. */
  async function differences(): Promise<string[]> {
    const mapped = new Set(columnsOf(map))
    const live = new Set(columnsOf(schemaFactsOf(await readSchema(test.owner))))
    return [
      ...[...live].filter((column) => !mapped.has(column)).map((column) => `unclassified ${column}`),
      ...[...mapped].filter((column) => !live.has(column)).map((column) => `not in the database ${column}`),
    ]
  }

  it('classifies every column of every table, and no other', async () => {
    expect(await differences()).toEqual([])
    expect(
      await withChange(
        `create table stray (id uuid);
         alter table ratings add column stray text;
         alter table graphile_worker._private_jobs add column stray text;
         create view stray_view as select 1 as one;
         alter table skills drop column description`,
        differences,
      ),
    ).toEqual([
      'unclassified graphile_worker._private_jobs.stray',
      'unclassified ratings.stray',
      'unclassified stray.id',
      'not in the database skills.description',
    ])
  })

  /** Columns with a foreign key to a person, in the database as it is, that are neither subject nor actor. */
  async function unclassifiedPeople(): Promise<string[]> {
    const { tables } = await readSchema(test.owner)
    return tables.flatMap(({ name, foreignKeys }) =>
      foreignKeys.flatMap(({ columns, references }) => {
        const column = columns.at(-1) ?? ''
        const is = map[name]?.columns[column]?.is
        return references === 'users' && is !== 'subject' && is !== 'actor' ? [`${name}.${column}`] : []
      }),
    )
  }

  it('says of every foreign key to a person whether the row is about or by that person', async () => {
    expect(await unclassifiedPeople()).toEqual([])
    expect(
      await withChange(
        `alter table skills add column invented_by uuid, add foreign key (tenant_id, invented_by) references users`,
        unclassifiedPeople,
      ),
    ).toEqual(['skills.invented_by'])
  })

  const tenants = { purge: '018f0000-0000-7000-8000-00000000000b', anonymize: '018f0000-0000-7000-8000-00000000000c' }
  const inOrder = (a: { table: string; effect: string }, b: { table: string; effect: string }) =>
    `${a.table} ${a.effect}` < `${b.table} ${b.effect}` ? -1 : 1

  /** Somebody who stands in every table, in a tenant of its own. */
  async function plant(operation: Operation) {
    const [tenant, user, otherUser] = [tenants[operation], randomUUID(), randomUUID()]
    await test.owner.query(
      `insert into tenants (id, name, kind) values ('${tenant}', '${operation}', 'enterprise');
       insert into users (tenant_id, id, email) values ('${tenant}', '${user}', 'first@example.com'), ('${tenant}', '${otherUser}', null)`,
    )
    const former = { userId: user, kind: 'email', value: 'before@example.com', until: new Date() } as const
    await inTenant(test.database, tenant, (tx) => keepFormer(tx, [former]))
    await insertOneOfEverything(test.owner, {
      tenantId: tenant,
      userId: user,
      otherUserId: otherUser,
      canary: (table, column) =>
        map[table]?.columns[column]?.is === 'mention' ? 'first@example.com' : `${table} ${column}`,
    })
    const erased = async (tx: TenantTransaction) => {
      const options = { operation, people: [user] }
      const findAlsoErased = () => Promise.resolve(new Set<string>())
      const actions = await prepareActions({
        ...options,
        findSuccessor: () => Promise.resolve(otherUser),
        affected: await countAffectedRows(tx, operation, [user]),
      })
      // Sent together, as the engine does.
      const [acted, located, mentions] = await Promise.all([
        performActions(tx, actions, findAlsoErased),
        countAffectedRows(tx, operation, [user]),
        scrubMentions(tx, {
          ...options,
          identifiers: [{ kind: 'email', value: 'first@example.com' }],
          heldByOthers: Promise.resolve(new Set()),
          findAlsoErased,
        }),
      ])
      return {
        effects: sumEffects([...acted, ...mentions.effects]),
        left: { located, mentions: mentions.left },
      }
    }
    return { tenant, user, otherUser, erased }
  }

  it.each(['purge', 'anonymize'] as const)(
    '%s does what there is to do about somebody who stands in every table, as counted before',
    async (operation) => {
      const { tenant, user, erased } = await plant(operation)
      const before = await dumpDatabase(test.owner, { tenant })
      await inTenant(test.database, tenant, async (tx) => {
        await tx.query(`set local lethe_test.fixture = 'yes'`)
        const located = await countAffectedRows(tx, operation, [user])
        const names = (effects: { table: string; effect: string }[]) =>
          effects.map(({ table, effect }) => `${table} ${effect}`).sort()
        const { acts, mentions } = compiledMap.plans[operation]
        expect(names(located)).toEqual(names(acts))
        const { effects, left } = await erased(tx)
        expect(left).toEqual({ located: [], mentions: [] })
        const isScrub = ({ effect }: { effect: string }) => effect.startsWith('scrubbed ')
        expect(effects.filter((effect) => !isScrub(effect))).toEqual(
          located.map(({ table, effect, rows }) => ({ table, effect, rows })).sort(inOrder),
        )
        // What the user wrote is emptied; every other text mentions the user once in a row that stays.
        expect(effects.filter(isScrub)).toEqual(
          mentions
            .filter(({ table, column }) => map[table]?.columns[column]?.is === 'mention')
            .map(({ table, column }) => ({ table, effect: `scrubbed ${column}`, rows: 1 }))
            .sort(inOrder),
        )
        expect(await countAffectedRows(tx, operation, [user])).toEqual([])
      })
      const after = await dumpDatabase(test.owner, { tenant })
      const ownRows = (dump: Dump, table: string) => {
        const owner = Object.entries(map[table]?.columns ?? {}).find(([, { is }]) => is === 'subject')?.[0] ?? ''
        return [...(dump.get(table)?.values() ?? [])].filter((row) => row[owner] === user)
      }
      for (const [table, entry] of Object.entries(map)) {
        if (entry.about !== 'person') continue
        const stays = operation === 'anonymize' && entry.anonymize !== 'delete'
        const cleared = typeof entry.anonymize === 'object' ? entry.anonymize.clear : []
        const kept = ownRows(before, table).map((row) => ({
          ...row,
          ...Object.fromEntries(cleared.map((column) => [column, null])),
        }))
        expect(kept, table).not.toEqual([])
        expect(ownRows(after, table), table).toEqual(stays ? kept : [])
      }
      expect(placesOf(after, 'first@example.com')).toEqual([])
      const [left, ...others] = ownRows(after, 'users')
      expect(others).toEqual([])
      if (operation === 'purge') expect(left).toBeUndefined()
      else {
        const said = Object.entries(left ?? {}).filter(([, value]) => value !== null)
        expect(Object.fromEntries(said)).toEqual({
          tenant_id: tenant,
          id: user,
          kind: 'internal',
          state: 'anonymized',
          email_verified: false,
          roles: [],
          former_roles: [],
          custom_fields: {},
          anonymized_at: expect.any(String),
          created_at: expect.any(String),
          updated_at: expect.any(String),
        })
      }
    },
  )
})

describe('the types of the map', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const imports = `
    import { dataMap } from '../../../server/datamap/data-map.ts'
    import { actor, code, deletion, fact, identity, key, keyOf, mention, sealed, sealedFor, subject, type DataMap, type RoomMap, type TableEntry } from '../../../server/datamap/vocabulary.ts'
    export const used = [dataMap, actor, code, deletion, fact, identity, key, keyOf, mention, sealed, sealedFor, subject]
    export type Used = [DataMap, RoomMap<'tenants'>, TableEntry<'tenants'>]`
  const given = ['name', 'kind', 'created_by', 'created_at']
  const otherColumns = Object.keys(dataMap.tenants.columns)
    .filter((column) => !given.includes(column))
    .map((column) => `${column}: fact`)
  const tenants = (columns: string) =>
    `export const entry: TableEntry<'tenants'> = { holds: '', about: 'other', columns: { ${otherColumns.join(', ')}, ${columns} } }`
  const productAccounts = (said: string, deletionId: string) =>
    `export const entry: TableEntry<'product_accounts'> = { holds: '', about: 'person', ${said},
       columns: { tenant_id: key, user_id: subject, product: code, deletion_id: ${deletionId}, created_at: fact } }`
  /** Sources, each with what the compiler says about it. */
  const sources: Record<string, { source: string; error?: string }> = {
    'complete-entry': { source: tenants(`name: fact, kind: fact, created_by: actor('null'), created_at: fact`) },
    'column-left-out': {
      source: tenants(`name: fact, kind: fact, created_at: fact`),
      error: "Property 'created_by' is missing",
    },
    'column-that-is-not-there': {
      source: tenants(`name: fact, kind: fact, created_by: actor('null'), created_at: fact, color: fact`),
      error: "'color' does not exist",
    },
    'table-left-out': {
      source: `const { ratings: _, ...rest } = dataMap
        export const incomplete: DataMap = rest`,
      error: "Property 'ratings' is missing",
    },
    'addresses-in-a-text': {
      source: tenants(`name: mention('addresses'), kind: fact, created_by: actor('null'), created_at: fact`),
      error: `Type 'Mention<"addresses">' is not assignable`,
    },
    'identity-in-a-time': {
      source: tenants(`name: fact, kind: fact, created_by: actor('null'), created_at: identity`),
      error: "Type 'Identity' is not assignable",
    },
    'text-in-json': {
      source: `export const data: TableEntry<'notifications'>['columns']['data'] = mention('text')`,
      error: `Type 'Mention<"text">' is not assignable`,
    },
    'text-in-a-number': {
      source: `export const stars: TableEntry<'ratings'>['columns']['stars'] = mention('text')`,
      error: `Type 'Mention<"text">' is not assignable`,
    },
    'sealed-for-somebody-who-is-not-there': {
      source: `export const values: TableEntry<'audit_entries'>['columns']['sealed_values'] = sealedFor('person_id')`,
      error: `Type 'SealedFor<"person_id">' is not assignable`,
    },
    'about-a-person-without-anonymize': {
      source: `export const entry: TableEntry<'product_accounts'> = {
        holds: '', about: 'person', scope: 'person', onDelete: 'deactivate',
        columns: { tenant_id: key, user_id: subject, product: fact, deletion_id: deletion, created_at: fact } }`,
      error: "Property 'anonymize' is missing",
    },
    'about-a-person-without-a-scope': {
      source: productAccounts(`onDelete: 'deactivate', anonymize: 'delete'`, 'deletion'),
      error: "Property 'scope' is missing",
    },
    'about-a-person-without-what-a-delete-does': {
      source: productAccounts(`scope: 'person', anonymize: 'delete'`, 'deletion'),
      error: "Property 'onDelete' is missing",
    },
    'a-delete-that-is-a-fact': {
      source: productAccounts(`scope: 'person', onDelete: 'deactivate', anonymize: 'delete'`, 'fact'),
      error: "Type 'Fact' is not assignable to type 'Deletion'",
    },
    'a-delete-that-leaves-active-what-it-can-make-inactive': {
      source: productAccounts(`scope: 'person', onDelete: 'keep', anonymize: 'delete'`, 'deletion'),
      error: `Type '"keep"' is not assignable to type '"deactivate"'`,
    },
    'a-delete-that-makes-inactive-what-has-no-column-for-it': {
      source: `export const entry: TableEntry<'passwords'> = {
        holds: '', about: 'person', scope: 'person', onDelete: 'deactivate', anonymize: 'delete',
        columns: { tenant_id: key, user_id: subject, hash: sealed, changed_at: fact } }`,
      error: `Type '"deactivate"' is not assignable`,
    },
    'a-delete-in-another-column': {
      source: `export const changed: TableEntry<'passwords'>['columns']['changed_at'] = deletion`,
      error: "Type 'Deletion' is not assignable",
    },
    'an-enrollment-in-a-column-that-is-not-there': {
      source: productAccounts(
        `scope: { enrollmentIn: ['course_id'] }, onDelete: 'deactivate', anonymize: 'delete'`,
        'deletion',
      ),
      error: `Type '"course_id"' is not assignable`,
    },
    'a-key-of-what-is-not-there': {
      source: `export const ref: TableEntry<'users'>['columns']['ref_key'] = keyOf('refs')`,
      error: `Type 'Derived<"refs">' is not assignable`,
    },
    'complete-entry-about-a-person': {
      source: productAccounts(`scope: 'person', onDelete: 'deactivate', anonymize: 'delete'`, 'deletion'),
    },
    'about-nobody-without-a-reason': {
      source: `export const entry: RoomMap<'lethe_migrations'> = {
        lethe_migrations: { holds: '', about: 'nobody', columns: { name: key, digest: fact, applied_at: fact } } }`,
      error: "Property 'because' is missing",
    },
  }

  it('refuse what is left out and classes that do not fit a column', async () => {
    const cache = path.join(root, 'node_modules/.cache')
    await mkdir(cache, { recursive: true })
    const folder = await mkdtemp(path.join(cache, 'data-map-'))
    try {
      for (const [name, { source }] of Object.entries(sources)) {
        await writeFile(path.join(folder, `${name}.ts`), `${imports}\n${source}\n`)
      }
      const files = Object.keys(sources).map((name) => `${name}.ts`)
      const config = {
        extends: '../../../tsconfig.json',
        compilerOptions: { noUnusedLocals: false },
        files,
        include: [],
      }
      await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
      const { stdout } = spawnSync(
        process.execPath,
        [path.join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', folder],
        { encoding: 'utf8', cwd: folder },
      )
      // Every error begins at a file's name; the lines below explain it.
      const said = Object.groupBy(
        stdout.split(/\n(?=\S)/).filter((error) => error.trim() !== ''),
        (error) => path.basename(error.split('(', 1)[0] ?? '', '.ts'),
      )
      const refused = Object.entries(sources).filter(([, { error }]) => error !== undefined)
      expect(Object.keys(said).sort()).toEqual(refused.map(([name]) => name).sort())
      for (const [name, { error }] of refused) expect(said[name]?.join('\n')).toContain(error)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
