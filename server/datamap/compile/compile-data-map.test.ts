import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compiledMap } from '../compiled.ts'
import { dataMap } from '../data-map.ts'
import {
  type AnyEntry,
  actor,
  content,
  deletion,
  fact,
  identifier,
  key,
  keyOf,
  mention,
  reference,
  type SchemaFacts,
  sealedFor,
  similarOf,
  subject,
} from '../vocabulary.ts'
import { compileDataMap } from './compile-data-map.ts'
import { versionOf } from './version.ts'

const map: Record<string, AnyEntry> = dataMap

describe('the version of the map', () => {
  it('is the one that the compiler gives to certificates', () => {
    expect(compiledMap.version).toBe(versionOf(map))
    expect(compiledMap.version).toMatch(/^[0-9a-f]{16}$/)
  })

  it('changes with every entry and every class', () => {
    const versions = [compiledMap.version]
    for (const [table, entry] of Object.entries(map)) {
      versions.push(versionOf({ ...map, [table]: { ...entry, holds: `${entry.holds} And more.` } }))
      for (const [column, { is }] of Object.entries(entry.columns)) {
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

  it('changes with what takes a row along, and with what a delete does to it', () => {
    const ratings = requireEntry('ratings')
    const sessions = requireEntry('sign_in_sessions')
    const versions = [
      compiledMap.version,
      versionOf({ ...map, ratings: { ...ratings, scope: 'enrollment' } }),
      versionOf({ ...map, ratings: { ...ratings, onDelete: 'end' } }),
      versionOf({ ...map, sign_in_sessions: { ...sessions, onDelete: 'keep' } }),
    ]
    expect(new Set(versions).size).toBe(versions.length)
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
      columns: {
        tenant_id: key,
        id: subject,
        state: fact,
        email: identifier('email'),
        email_key: keyOf('email'),
        email_similar: similarOf('email'),
        deletion_id: deletion,
      },
    },
  }
  const text = { type: 'text', nullable: true }
  const facts: SchemaFacts = {
    users: {
      columns: {
        tenant_id: column,
        id: column,
        state: column,
        email: text,
        email_key: text,
        email_similar: text,
        deletion_id: { ...column, nullable: true },
      },
      primaryKey: ['tenant_id', 'id'],
      foreignKeys: [],
    },
  }
  for (const [name, { entry, pointsTo = [], people = ['user_id'] }] of Object.entries(tables)) {
    map[name] = {
      holds: name,
      about: 'person',
      scope: 'person',
      onDelete: 'keep',
      anonymize: 'delete',
      columns: { tenant_id: key, id: key, user_id: subject },
      ...entry,
    }
    facts[name] = {
      columns: Object.fromEntries(
        Object.entries(map[name]?.columns ?? {}).map(([each, { is }]) => [
          each,
          { ...column, nullable: is === 'deletion' },
        ]),
      ),
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

describe('the compiler of a delete and a restore', () => {
  const compile = (tables: Parameters<typeof smallMap>[0]) => {
    const { map, facts } = smallMap(tables)
    return compileDataMap(map, facts)
  }
  const columns = { tenant_id: key, id: key, user_id: subject }

  it('makes inactive and active again, and ends, what each table says', () => {
    const onDelete = fc.constantFrom('deactivate', 'end', 'keep')
    fc.assert(
      fc.property(fc.array(onDelete, { maxLength: 8 }), (kinds) => {
        const named = kinds.map((kind, index) => [`table_${index}`, kind] as const)
        const { deactivate, end, reactivate } = compile(
          Object.fromEntries(
            named.map(([name, kind]) => [
              name,
              {
                entry: {
                  onDelete: kind,
                  columns: { ...columns, ...(kind === 'deactivate' && { deletion_id: deletion }) },
                },
              },
            ]),
          ),
        )
        const tables = (wanted: string) => named.flatMap(([name, kind]) => (kind === wanted ? [name] : []))
        const of = (statements: readonly { table: string }[]) => statements.map(({ table }) => table)
        expect(of(deactivate.acts)).toEqual(tables('deactivate'))
        expect(of(reactivate.acts)).toEqual(tables('deactivate'))
        expect(of(end)).toEqual(tables('end'))
        for (const { table, text } of deactivate.acts) expect(text).toContain(`update ${table} set deletion_id = $3`)
        for (const { table, text } of end) expect(text).toContain(`delete from ${table} where tenant_id = $1`)
      }),
    )
  })

  it('refuses what becomes inactive without a column for the delete, and the other way round', () => {
    expect(() => compile({ grades: { entry: { onDelete: 'deactivate' } } })).toThrow(
      'grades has 0 columns for the id of a delete; what becomes inactive has one',
    )
    const withDeletion = { ...columns, deletion_id: deletion }
    expect(() => compile({ grades: { entry: { columns: withDeletion } } })).toThrow('grades has 1 columns')
    expect(() =>
      compile({
        grades: { entry: { about: 'other', columns: { ...withDeletion, user_id: actor('null') } } },
      }),
    ).toThrow('grades has 1 columns')
    expect(() =>
      compile({ grades: { entry: { onDelete: 'deactivate', columns: { ...withDeletion, deleted: deletion } } } }),
    ).toThrow('grades has 2 columns')
  })

  it('refuses a column for the delete that cannot be empty, or holds something else', () => {
    const columnOf = (deletion_id: { type: string; nullable: boolean }) => () => {
      const { map, facts } = smallMap({
        grades: { entry: { onDelete: 'deactivate', columns: { ...columns, deletion_id: deletion } } },
      })
      const grades = facts.grades ?? { columns: {}, primaryKey: [], foreignKeys: [] }
      compileDataMap(map, { ...facts, grades: { ...grades, columns: { ...grades.columns, deletion_id } } })
    }
    expect(columnOf({ type: 'uuid', nullable: true })).not.toThrow()
    expect(columnOf({ type: 'uuid', nullable: false })).toThrow('grades.deletion_id holds the id of a delete')
    expect(columnOf({ type: 'text', nullable: true })).toThrow('grades.deletion_id holds the id of a delete')
  })

  it('refuses an identifier that is a text and has no key to be compared by', () => {
    const { map, facts } = smallMap({})
    const users = map.users as AnyEntry
    const changed = (more: AnyEntry['columns']) => () =>
      compileDataMap({ users: { ...users, columns: { ...users.columns, ...more } } }, facts)
    expect(changed({ email_key: fact })).toThrow('users.email needs a key and a similar form')
    expect(changed({ email_similar: fact })).toThrow('users.email needs a key and a similar form')
    expect(changed({ email_key: keyOf('state') })).toThrow('users.email needs a key and a similar form')
    expect(changed({ email: fact })).toThrow('users.email_key is derived from email, which is no identifier')
  })
})

describe('the compiler of the purge of one enrollment', () => {
  const place = { entry: { about: 'other' as const, columns: { tenant_id: key, id: key } }, people: [] }
  const enrollments = {
    entry: { scope: { enrollmentIn: ['courses_id', 'plans_id'] } },
    pointsTo: ['courses', 'plans'],
  }
  const inScope = (...pointsTo: string[]) => ({ entry: { scope: 'enrollment' as const }, pointsTo })
  const compile = (tables: Parameters<typeof smallMap>[0]) => {
    const { map, facts } = smallMap({ courses: place, plans: place, enrollments, ...tables })
    return compileDataMap(map, facts).enrollment
  }
  const tablesOf = (part: { acts: readonly { table: string }[] } | undefined) => part?.acts.map(({ table }) => table)

  it('tells rows of the enrollment itself from what was left behind in a course or a plan', () => {
    const compiled = compile({
      modules: { ...place, pointsTo: ['courses'] },
      progress: inScope('modules'),
      diplomas: inScope('courses', 'plans'),
      // Both lead to a course as well, but they belong to one enrollment and no other.
      visits: inScope('enrollments', 'modules'),
      photos: inScope('visits'),
      ratings: { entry: {}, pointsTo: ['courses'] },
    })
    expect(compiled?.table).toBe('enrollments')
    expect(tablesOf(compiled?.own)).toEqual(['photos', 'visits', 'enrollments'])
    expect(Object.keys(compiled?.left ?? {})).toEqual(['courses_id', 'plans_id'])
    expect(tablesOf(compiled?.left.courses_id)).toEqual(['diplomas', 'progress'])
    expect(tablesOf(compiled?.left.plans_id)).toEqual(['diplomas'])
    expect(compiled?.own.acts.map(({ text }) => text.replace(/^.* and user_id = \$2 and /, ''))).toEqual([
      'enrollments_id = $3)',
      'enrollments_id = $3',
      'id = $3',
    ])
    expect(compiled?.left.courses_id?.acts.map(({ text }) => text)).toEqual([
      'delete from diplomas where tenant_id = $1 and user_id = $2 and courses_id = $3',
      'delete from progress where tenant_id = $1 and user_id = $2 and modules_id in (select id from modules where tenant_id = $1 and courses_id = $3)',
    ])
  })

  it('counts the rows that it deletes, table by table', () => {
    const { own, left } = compiledMap.enrollment ?? { own: { acts: [] }, left: {} }
    for (const part of [own, ...Object.values(left)]) {
      const counted = 'locate' in part ? part.locate.text.split('\n').filter((line) => line.startsWith('select ')) : []
      const conditions = counted.slice(1).map((line) => line.replace(/^.* row_count from /, 'delete from '))
      expect(conditions).toEqual(part.acts.map(({ text }) => text))
    }
  })

  it('deletes rows before the rows that they point to, however long the way to the course is', () => {
    const chain = fc.integer({ min: 1, max: 7 }).chain((length) =>
      fc.shuffledSubarray(
        Array.from({ length }, (_, index) => `table_${index}`),
        { minLength: length },
      ),
    )
    fc.assert(
      fc.property(chain, (names) => {
        const tables = Object.fromEntries(names.map((name, index) => [name, inScope(names[index - 1] ?? 'courses')]))
        const compiled = compile(tables)
        expect(tablesOf(compiled?.left.courses_id)).toEqual(names.toReversed())
        expect(tablesOf(compiled?.own)).toEqual(['enrollments'])
      }),
    )
  })

  it('refuses a table of the scope that no foreign key, or more than one, leads to a course from', () => {
    expect(() => compile({ progress: inScope() })).toThrow(
      'progress has the scope of an enrollment, but no foreign key leads to enrollments or courses or plans',
    )
    const two = { modules: { ...place, pointsTo: ['courses'] }, lessons: { ...place, pointsTo: ['courses'] } }
    expect(() => compile({ ...two, progress: inScope('modules', 'lessons') })).toThrow(
      'progress has the scope of an enrollment, but several foreign keys lead to courses',
    )
    const alone = smallMap({ courses: place, progress: inScope('courses') })
    expect(() => compileDataMap(alone.map, alone.facts)).toThrow('but no table has enrollments')
  })

  it('refuses two tables of enrollments, and one that is in nothing', () => {
    expect(() => compile({ more_enrollments: enrollments })).toThrow(
      'enrollments and more_enrollments both say that they have enrollments',
    )
    expect(() => compile({ enrollments: { ...enrollments, pointsTo: ['courses'] } })).toThrow(
      'enrollments.plans_id has no foreign key to what an enrollment is in',
    )
  })

  it('refuses rows that stay while they point to rows that go with an enrollment', () => {
    const modules = { ...place, pointsTo: ['courses'] }
    expect(() =>
      compile({ modules, progress: inScope('modules'), notes: { entry: {}, pointsTo: ['progress'] } }),
    ).toThrow(
      'notes (tenant_id, progress_id) points to rows of progress, which go when one enrollment is purged, and stay themselves',
    )
    expect(() => compile({ notes: { entry: {}, pointsTo: ['enrollments'] } })).toThrow(
      'notes (tenant_id, enrollments_id) points to rows of enrollments, which go when one enrollment is purged',
    )
  })
})
