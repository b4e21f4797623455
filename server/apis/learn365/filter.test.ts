import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { createUser } from '../../people/accounts/create-user.ts'
import { createTenant } from '../../tenancy/tenants.ts'
import { compileFilter } from './compile-filter.ts'
import { entitySet } from './entity-sets.ts'
import { parseFilter } from './parse-filter.ts'
import { readPage } from './read-entities.ts'

// Random filters, over people and over enrollments, against an evaluation of the same filter in JavaScript.

type Row = Record<string, string | boolean | null>
type Value = string | number | boolean | null

let test: TestApplication
let tenant: string
let rows: Record<'Users' | 'Enrollments', Row[]>

const names = ['Ann', 'ann', "O'Neil", 'a%b_c', '\\', 'Zoë', '', 'null', '日本', "'; drop table users; --"]

beforeAll(async () => {
  test = await openTestApplication()
  tenant = (await createTenant(test.database, { name: 'Acme', kind: 'enterprise' })).id
  await test.inTenant(tenant, async (tx) => {
    const ids: string[] = []
    for (const [number, name] of [...names, ...names].entries()) {
      const title = name === '' ? null : name
      const { id } = await createUser(tx, {
        display_name: title,
        department: number % 3 === 0 ? null : (names[(number * 7) % 5] ?? null),
        city: number % 4 === 0 ? 'Ann' : title,
        email: number % 5 === 0 ? null : `Person-${number % 12}@Example.org`,
        login_name:
          number % 6 === 0
            ? null
            : number % 2 === 0
              ? `i:0#.f|membership|P${number % 8}@x.org`
              : `p${number % 8}@x.org`,
        kind: number % 2 === 0 ? 'internal' : 'external',
        directory_object_id: number % 3 === 1 ? null : `0190a0b1-7d2c-4c3e-8a54-${String(number).padStart(12, '0')}`,
        manager_id: number % 4 === 1 ? (ids[0] ?? null) : null,
      })
      ids.push(id)
    }
    await tx.query(
      `with catalog as (insert into catalogs (tenant_id, title) values ($1, 'C') returning id),
       course as (insert into courses (tenant_id, catalog_id, title) select $1, id, 'K' from catalog returning id)
       insert into enrollments (tenant_id, user_id, course_id, registered_on, completed_at, state)
       select $1, id, (select id from course), case when n % 4 > 0 then date '2023-12-30' + n::int end,
         case when n % 3 > 0 then timestamptz '2023-12-31 22:00:00.123456+00' + n * interval '19 minutes' end,
         (array['registered', 'in_progress', 'completed', 'withdrawn'])[1 + n % 4]
       from (select id, row_number() over (order by id) as n from users where tenant_id = $1) people`,
      [tenant],
    )
  })
  const read = async (name: string) =>
    (await test.inTenant(tenant, (tx) => readPage(tx, entitySet(name), { raw: {} }))).value as Row[]
  rows = { Users: await read('Users'), Enrollments: await read('Enrollments') }
})
afterAll(() => test.close())

async function filtered(set: 'Users' | 'Enrollments', filter: string): Promise<string[]> {
  const raw = { $filter: filter }
  const page = await test.inTenant(tenant, (tx) => readPage(tx, entitySet(set), { raw }))
  return page.value.map(({ Id }) => String(Id))
}

/** A filter as text, and what it says of a row: true, false, or null where OData knows no answer. */
type Filter = { text: string; holds: (row: Row) => boolean | null }
type Operand = { text: string; of: (row: Row) => Value }

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
const lookedUp = new Set(['Email', 'LoginName', 'UserLoginName'])
const folded = (name: string, value: Value) =>
  typeof value === 'string' && lookedUp.has(name)
    ? (name === 'Email' ? value : value.slice(value.lastIndexOf('|') + 1)).trim().toLowerCase()
    : value

const texts = fc.constantFrom(
  ...names,
  'person-3@example.ORG',
  'P2@x.org',
  'p2@X.org',
  'i:0#.f|membership|p3@x.org',
  'n',
)
const textProperty = fc.constantFrom('Title', 'Department', 'City')
const property = (name: string): Operand => ({ text: name, of: (row) => row[name] ?? null })

/** Like the database, by the characters' numbers. */
function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

const operators = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'] as const
function compare(operator: (typeof operators)[number], a: Value, b: Value): boolean {
  if (operator === 'eq') return a === b
  if (operator === 'ne') return a !== b
  if (a === null || b === null) return false
  const sign = typeof a === 'string' && typeof b === 'string' ? order(a, b) : Number(a) - Number(b)
  return { gt: sign > 0, ge: sign >= 0, lt: sign < 0, le: sign <= 0 }[operator]
}

const textOperand: fc.Arbitrary<Operand> = fc.oneof(
  textProperty.map(property),
  textProperty.map((name) => ({
    text: `tolower(${name})`,
    of: (row: Row) => row[name]?.toString().toLowerCase() ?? null,
  })),
  fc.tuple(textProperty, texts).map(([name, text]) => ({
    text: `concat(${name}, ${quoted(text)})`,
    of: (row: Row) => (row[name] == null ? null : `${row[name]}${text}`),
  })),
)

const functions = { contains: 'includes', startswith: 'startsWith', endswith: 'endsWith' } as const

const userConditions: fc.Arbitrary<Filter>[] = [
  fc.tuple(textOperand, fc.constantFrom(...operators), texts).map(([left, operator, text]) => ({
    text: `${left.text} ${operator} ${quoted(text)}`,
    holds: (row) => compare(operator, left.of(row), text),
  })),
  fc.tuple(textOperand, fc.constantFrom(...operators), textOperand).map(([left, operator, right]) => ({
    text: `${left.text} ${operator} ${right.text}`,
    holds: (row) => compare(operator, left.of(row), right.of(row)),
  })),
  fc.tuple(fc.constantFrom('Email', 'LoginName'), fc.constantFrom('eq', 'ne'), texts).map(([name, operator, text]) => ({
    text: `${name} ${operator} ${quoted(text)}`,
    holds: (row) => compare(operator as 'eq', folded(name, row[name] ?? null), folded(name, text)),
  })),
  fc
    .tuple(
      fc.constantFrom('Email', 'LoginName', 'Title'),
      fc.array(fc.option(texts, { freq: 9 }), { minLength: 1, maxLength: 4 }),
    )
    .map(([name, values]) => ({
      text: `${name} in (${values.map((value) => (value === null ? 'null' : quoted(value))).join(',')})`,
      holds: (row) => values.some((value) => folded(name, value) === folded(name, row[name] ?? null)),
    })),
  fc.tuple(fc.constantFrom('Title', 'Email', 'ManagerId', 'DirectoryObjectId'), fc.boolean()).map(([name, equal]) => ({
    text: `${name} ${equal ? 'eq' : 'ne'} null`,
    holds: (row) => (row[name] === null) === equal,
  })),
  fc
    .tuple(fc.constantFrom(...(['contains', 'startswith', 'endswith'] as const)), textOperand, texts)
    .map(([name, left, text]) => ({
      text: `${name}(${left.text},${quoted(text)})`,
      holds: (row) => {
        const value = left.of(row)
        return value === null ? null : String(value)[functions[name]](text)
      },
    })),
  fc.tuple(textProperty, fc.constantFrom(...operators), fc.nat({ max: 8 })).map(([name, operator, number]) => ({
    text: `${number} ${operator} length(${name})`,
    holds: (row) => compare(operator, number, row[name] == null ? null : [...String(row[name])].length),
  })),
  fc.tuple(fc.constantFrom('eq', 'ne'), fc.boolean()).map(([operator, value]) => ({
    text: `IsExternal ${operator} ${value}`,
    holds: (row) => (row.IsExternal === value) === (operator === 'eq'),
  })),
  fc.constant<Filter>({ text: 'IsExternal', holds: (row) => row.IsExternal === true }),
  fc.nat({ max: 20 }).chain((number) =>
    fc.constantFrom('eq', 'ne').map((operator) => {
      const id = `0190a0b1-7d2c-4c3e-8a54-${String(number).padStart(12, '0')}`
      return {
        text: `DirectoryObjectId ${operator} ${number % 2 === 0 ? id.toUpperCase() : quoted(id)}`,
        holds: (row: Row) => (row.DirectoryObjectId === id) === (operator === 'eq'),
      }
    }),
  ),
]

const times = fc.constantFrom(
  '2023-12-31T22:19:00.123Z',
  '2024-01-01T01:00:00+01:00',
  '2024-01-02T00:00:00Z',
  '2024-01-01T00:00Z',
)
const timeProperty = fc.constantFrom('CompletionDate', 'RegistrationDate')
const parts = {
  year: (time: Date) => time.getUTCFullYear(),
  month: (time: Date) => time.getUTCMonth() + 1,
  day: (time: Date) => time.getUTCDate(),
  hour: (time: Date) => time.getUTCHours(),
}

const enrollmentConditions: fc.Arbitrary<Filter>[] = [
  fc.tuple(timeProperty, fc.constantFrom(...operators), times).map(([name, operator, time]) => ({
    text: `${name} ${operator} ${time}`,
    holds: (row) => compare(operator, row[name] == null ? null : Date.parse(String(row[name])), Date.parse(time)),
  })),
  fc.tuple(timeProperty, fc.constantFrom(...operators)).map(([name, operator]) => ({
    text: `date(${name}) ${operator} 2024-01-01`,
    holds: (row) => compare(operator, row[name]?.toString().slice(0, 10) ?? null, '2024-01-01'),
  })),
  fc
    .tuple(
      timeProperty,
      fc.constantFrom(...(['year', 'month', 'day', 'hour'] as const)),
      fc.constantFrom(...operators),
      fc.constantFrom(1, 12, 22, 31, 2023, 2024),
    )
    .map(([name, part, operator, number]) => ({
      text: `${part}(${name}) ${operator} ${number}`,
      holds: (row) => compare(operator, row[name] == null ? null : parts[part](new Date(String(row[name]))), number),
    })),
  fc.tuple(fc.constantFrom(...operators)).map(([operator]) => ({
    text: `CompletionDate ${operator} now()`,
    holds: (row) =>
      compare(operator, row.CompletionDate == null ? null : Date.parse(String(row.CompletionDate)), Date.now()),
  })),
  fc.tuple(fc.constantFrom('eq', 'ne'), texts).map(([operator, text]) => ({
    text: `UserLoginName ${operator} ${quoted(text)}`,
    holds: (row) =>
      compare(operator as 'eq', folded('UserLoginName', row.UserLoginName ?? null), folded('UserLoginName', text)),
  })),
  fc.constantFrom('Active', 'Cancelled').map((status) => ({
    text: `RegistrationStatus eq ${quoted(status)}`,
    holds: (row) => row.RegistrationStatus === status,
  })),
]

function treesOf(conditions: fc.Arbitrary<Filter>[]): fc.Arbitrary<Filter> {
  const { tree } = fc.letrec<{ tree: Filter; leaf: Filter; not: Filter; and: Filter; or: Filter }>((tie) => ({
    leaf: fc.oneof(...conditions),
    not: tie('tree').map(({ text, holds }) => ({
      text: `not (${text})`,
      holds: (row) => {
        const inner = holds(row)
        return inner === null ? null : !inner
      },
    })),
    and: fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({
      text: `(${a.text}) and (${b.text})`,
      holds: (row) => {
        const both = [a.holds(row), b.holds(row)]
        return both.includes(false) ? false : both.includes(null) ? null : true
      },
    })),
    or: fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({
      text: `(${a.text}) or (${b.text})`,
      holds: (row) => {
        const either = [a.holds(row), b.holds(row)]
        return either.includes(true) ? true : either.includes(null) ? null : false
      },
    })),
    tree: fc.oneof({ maxDepth: 3, withCrossShrink: true }, tie('leaf'), tie('not'), tie('and'), tie('or')),
  }))
  return tree
}

describe('a filter', () => {
  it.each(['Users', 'Enrollments'] as const)(
    'finds the rows of %s that it says, whatever it is made of',
    async (set) => {
      const trees = treesOf(set === 'Users' ? userConditions : enrollmentConditions)
      // Filters that find a row, and filters that leave one out.
      let [finding, leaving] = [0, 0]
      await fc.assert(
        fc.asyncProperty(trees, async ({ text, holds }) => {
          const expected = rows[set].filter((row) => holds(row) === true).map(({ Id }) => Id)
          expect(await filtered(set, text)).toEqual(expected)
          if (expected.length > 0) finding++
          if (expected.length < rows[set].length) leaving++
        }),
        { numRuns: effort(50, 400) },
      )
      expect(finding).toBeGreaterThan(15)
      expect(leaving).toBeGreaterThan(15)
    },
  )

  it('binds not before and, and before or', async () => {
    const titles = async (filter: string) => {
      const ids = await filtered('Users', filter)
      return new Set(rows.Users.filter(({ Id }) => ids.includes(String(Id))).map(({ Title }) => Title))
    }
    expect(await titles("not (Title eq 'Ann') and Title eq 'ann'")).toEqual(new Set(['ann']))
    expect(await titles("not contains(Title,'A') and Title eq 'ann'")).toEqual(new Set(['ann']))
    expect(await titles("Title eq 'Ann' or Title eq 'ann' and Title eq 'x'")).toEqual(new Set(['Ann']))
    expect(await titles("Title eq 'x' and Title eq 'ann' or Title eq 'Ann'")).toEqual(new Set(['Ann']))
  })

  it('lets no text reach the SQL: every value is a parameter', () => {
    const users = entitySet('Users')
    const known = compileFilter(parseFilter("Title eq 'a' or contains(City,'b')"), users, () => '$1')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (one, other) => {
        const bound: unknown[] = []
        const filter = parseFilter(`Title eq ${quoted(one)} or contains(City,${quoted(other)})`)
        const sql = compileFilter(filter, users, (value) => {
          bound.push(value)
          return '$1'
        })
        expect(sql).toBe(known)
        expect(bound).toEqual([one, other])
      }),
    )
  })

  it('answers an error of its own for whatever is no filter, and compiles nothing of it', () => {
    const pieces = fc.constantFrom(
      ...[
        "'",
        "''",
        '(',
        ')',
        ',',
        ' and ',
        ' or ',
        'not ',
        'Title',
        ' eq ',
        "'x'",
        '1',
        'null',
        'in',
        ';',
        '--',
        '/*',
        '$1',
      ],
      ...[
        '::text',
        '"',
        'pg_sleep(9)',
        'tenant_id',
        'u.email',
        '\\',
        ' union select ',
        'contains(',
        '2024-01-01',
        'true',
        '%27',
      ],
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        try {
          const sql = compileFilter(parseFilter(text), entitySet('Users'), () => '$1')
          // It was one after all: made of what is declared, and of nothing else.
          expect(sql.replaceAll(/\$1::\w+(\[\])?/g, '')).not.toMatch(/;|--|\/\*|pg_sleep|union|tenant_id = [^$ul]/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'odata.query' })
          expect(String(error)).not.toMatch(/pg_sleep|union select/)
        }
      }),
      { numRuns: effort(300, 3000) },
    )
  })

  it.each([
    ['brackets', `${'('.repeat(200)}true${')'.repeat(200)}`],
    ['unclosed brackets', '('.repeat(5000)],
    ['not', `${'not '.repeat(3000)}true`],
    ['calls', `${'tolower('.repeat(2000)}Title${')'.repeat(2000)} eq 'x'`],
    ['a text without an end', `Title eq '${"''".repeat(20_000)}`],
    ['numbers without an end', `length(Title) eq ${'9'.repeat(50_000)}`],
    ['parts', Array.from({ length: 3000 }, () => 'true').join(' or ')],
  ])('is refused, not tried, where it has too many %s', (_, text) => {
    expect(() => parseFilter(text)).toThrow(expect.objectContaining({ code: 'odata.query' }))
  })

  it('is read where it is merely long', () => {
    expect(parseFilter(Array.from({ length: 1000 }, () => "Title eq 'x'").join(' or '))).toMatchObject({
      kind: 'or',
      operands: { length: 1000 },
    })
  })

  it.each([
    ['Email', "Email eq 'person-3@example.org'", 'users_email_key'],
    ['LoginName', "LoginName eq 'p3@x.org'", 'users_login_key'],
    ['a claims string', "LoginName eq 'i:0#.f|membership|p3@x.org'", 'users_login_key'],
    ['DirectoryObjectId', "DirectoryObjectId eq '0190a0b1-7d2c-4c3e-8a54-000000000003'", 'users_directory_object_id'],
    ['several', "Email in ('a@b.c','d@e.f')", 'users_email_key'],
  ])('by %s goes through an index, not through the table', async (_, filter, index) => {
    const crowd = (await createTenant(test.database, { name: `Crowd ${filter}`, kind: 'enterprise' })).id
    const client = test.owner
    await client.query(`select set_config('lethe.tenant_id', $1, false)`, [crowd])
    await client.query(
      `insert into users (tenant_id, email, login_name, directory_object_id)
       select $1, n || '@example.org', n || '@x.org', gen_random_uuid() from generate_series(1, 5000) n`,
      [crowd],
    )
    await client.query('reset lethe.tenant_id')
    await client.query('analyze users')
    const values: unknown[] = [crowd]
    const users = entitySet('Users')
    const condition = compileFilter(parseFilter(filter), users, (value) => `$${values.push(value)}`)
    const { rows: lines } = await test.inTenant(crowd, (tx) =>
      tx.query<{ 'QUERY PLAN': string }>(
        `explain select u.id from ${users.source} and ${condition} order by u.id limit 10001`,
        values,
      ),
    )
    const plan = lines.map((line) => line['QUERY PLAN']).join('\n')
    expect(plan).toContain(index)
    expect(plan).not.toContain('Seq Scan')
  })
})
