import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
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
import { compileDataMap, type Operation } from './compile.ts'
import { compiledMap } from './compiled.ts'
import { dataMap } from './data-map.ts'
import { schemaFacts } from './generated/schema-facts.gen.ts'
import {
  type AnyEntry,
  actor,
  content,
  fact,
  identifier,
  key,
  mention,
  reference,
  type SchemaFacts,
  sealedFor,
  subject,
} from './vocabulary.ts'

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

describe('the version of the map', () => {
  const versionOf = (changed: Record<string, AnyEntry>) => compileDataMap(changed, schemaFacts).version

  it('changes with every entry and every class', () => {
    const versions = [compiledMap.version]
    for (const [table, entry] of Object.entries(map)) {
      versions.push(versionOf({ ...map, [table]: { ...entry, holds: `${entry.holds} And more.` } }))
      for (const [column, { is }] of Object.entries(entry.columns)) {
        // Another class for these would not fit the schema, or what opens for them.
        const opens = Object.values(entry.columns).some((one) => one.is === 'sealed' && one.opensFor === column)
        if (is === 'subject' || is === 'actor' || opens) continue
        const columns = { ...entry.columns, [column]: is === 'fact' ? key : fact }
        versions.push(versionOf({ ...map, [table]: { ...entry, columns } }))
      }
    }
    expect(new Set(versions).size).toBe(versions.length)
  })

  it('changes with what becomes of a column', () => {
    const columns = { ...map.posts?.columns, author_id: actor('null') }
    expect(versionOf({ ...map, posts: { ...requireEntry('posts'), columns } })).not.toBe(compiledMap.version)
  })

  it('does not depend on the order in which things are declared', () => {
    const backwards = <V>(given: Record<string, V>) => Object.fromEntries(Object.entries(given).reverse())
    const turned = Object.fromEntries(
      Object.entries(backwards(map)).map(([table, entry]) => [
        table,
        { ...backwards(entry), columns: backwards(entry.columns) } as AnyEntry,
      ]),
    )
    expect(Object.keys(turned)).not.toEqual(Object.keys(map))
    expect(versionOf(turned)).toBe(compiledMap.version)
  })

  function requireEntry(table: string): AnyEntry {
    const entry = map[table]
    if (entry === undefined) throw new Error(`The map has no ${table}`)
    return entry
  }
})

const column = { type: 'uuid', nullable: false }
const toUsers = (name: string) => ({ columns: ['tenant_id', name], references: 'users' })

/** A small map of people and tables about them, whose rows point to each other. */
function smallMap(tables: Record<string, { entry: Partial<AnyEntry>; pointsTo?: string[]; people?: string[] }>) {
  const map: Record<string, AnyEntry> = {
    users: {
      holds: 'People.',
      about: 'themselves',
      columns: { tenant_id: key, id: subject, state: fact, email: identifier('email') },
    },
  }
  const facts: SchemaFacts = {
    users: {
      columns: { tenant_id: column, id: column, state: column, email: { type: 'text', nullable: true } },
      primaryKey: ['tenant_id', 'id'],
      foreignKeys: [],
    },
  }
  for (const [name, { entry, pointsTo = [], people = ['user_id'] }] of Object.entries(tables)) {
    map[name] = {
      holds: name,
      about: 'person',
      anonymize: 'delete',
      columns: { tenant_id: key, id: key, user_id: subject },
      ...entry,
    }
    facts[name] = {
      columns: Object.fromEntries(Object.keys(map[name]?.columns ?? {}).map((each) => [each, column])),
      primaryKey: ['tenant_id', 'id'],
      foreignKeys: [
        ...people.map(toUsers),
        ...pointsTo.map((target) => ({ columns: ['tenant_id', `${target}_id`], references: target })),
      ],
    }
  }
  return { map, facts }
}

describe('the compiler of the map', () => {
  const compile = (tables: Parameters<typeof smallMap>[0]) => {
    const { map, facts } = smallMap(tables)
    return compileDataMap(map, facts)
  }
  const compilePurge = (tables: Parameters<typeof smallMap>[0]) => compile(tables).plans.purge
  const columns = { tenant_id: key, id: key }

  it('refuses a foreign key to a person that is no subject or actor', () => {
    expect(() =>
      compile({ grades: { entry: { about: 'other', columns: { ...columns, user_id: reference } } } }),
    ).toThrow('grades.user_id points to a person; classify it as subject or actor, not as reference')
  })

  it('refuses a subject or actor without a foreign key to a person', () => {
    expect(() => compile({ grades: { entry: {}, people: [] } })).toThrow(
      'grades.user_id is classified as subject but has no foreign key to a person',
    )
    expect(() =>
      compile({
        grades: { entry: { about: 'other', columns: { ...columns, given_by: actor('null') } }, people: [] },
      }),
    ).toThrow('grades.given_by is classified as actor but has no foreign key to a person')
  })

  it('refuses what is sealed for somebody who is not said to be the person of the row', () => {
    const grades = (whose: string) => ({
      grades: { entry: { columns: { ...columns, user_id: subject, given_by: reference, note: sealedFor(whose) } } },
    })
    expect(() => compile(grades('given_by'))).toThrow('grades.note opens for given_by')
    expect(() => compile(grades('user_id'))).not.toThrow()
  })

  it('refuses a table about a person without one subject, and a subject elsewhere', () => {
    expect(() => compile({ grades: { entry: { columns: { ...columns, user_id: actor('null') } } } })).toThrow(
      'grades is about person and has 0 subjects; a table about a person has one',
    )
    expect(() =>
      compile({
        grades: {
          entry: { columns: { ...columns, user_id: subject, second_id: subject } },
          people: ['user_id', 'second_id'],
        },
      }),
    ).toThrow('grades is about person and has 2 subjects')
    expect(() => compile({ grades: { entry: { about: 'other' } } })).toThrow('grades is about other and has 1 subjects')
  })

  it('refuses rows that stay while they point to rows that go', () => {
    expect(() =>
      compile({
        grades: { entry: {} },
        appeals: { entry: { about: 'nobody', columns }, people: [], pointsTo: ['grades'] },
      }),
    ).toThrow('appeals (tenant_id, grades_id) points to rows of grades, which go with another person')
    expect(() => compile({ grades: { entry: {}, pointsTo: ['grades'] } })).toThrow('grades (tenant_id, grades_id)')
    expect(() =>
      compile({
        teachers: { entry: { about: 'other', columns: { ...columns, user_id: actor('remove') } } },
        lessons: { entry: { about: 'nobody', columns }, people: [], pointsTo: ['teachers'] },
      }),
    ).toThrow('lessons (tenant_id, teachers_id) points to rows of teachers, which go with user_id')
  })

  it('refuses rows that anonymizing keeps while they point to rows that it deletes', () => {
    const files = { entry: { anonymize: 'keep' as const }, pointsTo: ['grades'] }
    expect(() => compile({ grades: { entry: {} }, files })).toThrow(
      'files (tenant_id, grades_id) points to rows of grades, which go when a person is anonymized, and stay themselves',
    )
    expect(() => compile({ grades: { entry: {} }, files: { ...files, entry: {} } })).not.toThrow()
  })

  it('refuses to clear what cannot be empty', () => {
    const grades = {
      entry: { anonymize: { clear: ['points'] }, columns: { ...columns, user_id: subject, points: fact } },
    }
    expect(() => compile({ grades })).toThrow('grades.points is to be cleared, but it cannot be empty')
  })

  it('counts a row that several of the people take once, where it goes', () => {
    const { locate, acts } = compilePurge({
      duties: {
        entry: {
          about: 'other',
          columns: { ...columns, given_by: actor('null'), user_id: actor('remove'), second_id: actor('remove') },
        },
        people: ['given_by', 'user_id', 'second_id'],
      },
    })
    const conditions = locate.text
      .split('\n')
      .filter((branch) => branch.includes(' from duties '))
      .map((branch) => branch.replace(/^.* and (\w+ = any.*)$/, '$1'))
    expect(conditions).toEqual([
      'given_by = any($2) and user_id <> all($3::uuid[]) and second_id <> all($3::uuid[])',
      'user_id = any($2)',
      'second_id = any($2) and user_id <> all($3::uuid[])',
    ])
    expect(acts.filter(({ table }) => table === 'duties').map(({ effect }) => effect)).toEqual([
      'cleared given_by',
      'removed',
      'removed',
    ])
  })

  it('searches texts that an emptied row keeps, and not those that it loses', () => {
    const { mentions } = compilePurge({
      posts: {
        entry: {
          about: 'other',
          columns: { ...columns, author_id: actor('empty'), body: content, tags: mention('text') },
        },
        people: ['author_id'],
      },
    })
    expect(mentions.map(({ column, ownedBy }) => [column, ownedBy])).toEqual([
      ['body', ['author_id']],
      ['tags', []],
    ])
  })

  it('deletes rows before the rows that they point to, whatever the tables are called', () => {
    // Each table points to some of those before it in a random order, so there is no circle.
    const graph = fc.integer({ min: 1, max: 8 }).chain((count) =>
      fc.record({
        order: fc.shuffledSubarray(
          Array.from({ length: count }, (_, index) => `table_${index}`),
          { minLength: count },
        ),
        edges: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 2 * count }),
      }),
    )
    fc.assert(
      fc.property(graph, ({ order, edges }) => {
        const pointsTo = (from: number) => [
          ...new Set(edges.filter(([a, b]) => a === from && b < a).map(([, b]) => order[b] ?? '')),
        ]
        const { acts } = compilePurge(
          Object.fromEntries(order.map((name, index) => [name, { entry: {}, pointsTo: pointsTo(index) }])),
        )
        const deleted = acts.filter(({ effect }) => effect === 'deleted').map(({ table }) => table)
        expect([...deleted].sort()).toEqual([...order, 'users'].sort())
        expect(deleted.at(-1)).toBe('users')
        order.forEach((name, index) => {
          for (const target of pointsTo(index)) expect(deleted.indexOf(name)).toBeLessThan(deleted.indexOf(target))
        })
      }),
    )
  })

  it('refuses foreign keys that go round in a circle', () => {
    expect(() => compile({ a: { entry: {}, pointsTo: ['b'] }, b: { entry: {}, pointsTo: ['a'] } })).toThrow(
      'Foreign keys go round in a circle',
    )
  })
})

describe('the types of the map', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const imports = `
    import { dataMap } from '../../../server/datamap/data-map.ts'
    import { actor, fact, identity, key, mention, sealedFor, subject, type DataMap, type RoomMap, type TableEntry } from '../../../server/datamap/vocabulary.ts'
    export const used = [dataMap, actor, fact, identity, key, mention, sealedFor, subject]
    export type Used = [DataMap, RoomMap<'tenants'>, TableEntry<'tenants'>]`
  const tenants = (columns: string) =>
    `export const entry: TableEntry<'tenants'> = { holds: '', about: 'other', columns: { id: key, surviving_fields: fact, singled_out_below: fact, returning_members: fact, ${columns} } }`
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
        holds: '', about: 'person',
        columns: { tenant_id: key, user_id: subject, product: fact, deletion_id: fact, created_at: fact } }`,
      error: "Property 'anonymize' is missing",
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
