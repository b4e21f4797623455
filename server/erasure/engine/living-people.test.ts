import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { insertOneOfEverything } from '../../../test/one-of-everything.ts'
import { dumpDatabase, newTenant, placesOf, type TenantRows } from '../../../test/rows.ts'
import { dataMap } from '../../datamap/data-map.ts'
import { schemaFacts } from '../../datamap/generated/schema-facts.gen.ts'
import type { AnyEntry } from '../../datamap/vocabulary.ts'
import { exportUser } from '../../exports/export-user.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import { readSchema } from '../../platform/database/read-schema.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { retryErasure } from '../requests/retry-erasure.ts'
import { searchPeople } from '../search/search-people.ts'
import { followUp, settleFindings, sweep } from '../sweep/sweep.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
})

async function description(course: string): Promise<string> {
  const { rows: found } = await test.owner.query<{ description: string }>(
    'select description from courses where id = $1',
    [course],
  )
  return found[0]?.description ?? ''
}

describe('a living person whose identifier holds that of somebody who is purged', () => {
  it.each([
    [
      { email: 'brien@corp.example' },
      { email: "o'brien@corp.example" },
      "Ask o'brien@corp.example, not brien@corp.example",
    ],
    [{ login_name: 'jdoe-7' }, { login_name: 'ACME\\jdoe-7' }, 'Ask ACME\\jdoe-7, not jdoe-7'],
    [{ login_name: 'jdoe-7' }, { login_name: 'i:0#.w|ACME\\jdoe-7' }, 'Ask i:0#.w|acme\\jdoe-7, not jdoe-7'],
    [{ ref: '5f7c8ec7' }, { external_identity_id: 'auth0|5f7c8ec7' }, 'Ask auth0|5f7c8ec7, not 5f7c8ec7'],
    [
      { email: 'max@corp.example' },
      { external_identity_id: 'corp|max@corp.example' },
      'sub=corp%7Cmax%40corp.example, not max@corp.example',
    ],
    [
      { ref: '\u05d0\u05d1.4711' },
      { ref: '\u05d2/\u05d0\u05d1.4711' },
      'Ask \u05d2/\u05d0\u05d1.4711, not \u05d0\u05d1.4711',
    ],
  ])('keeps it in texts and columns, and the purge completes: %j, %j', async (gone, living, text) => {
    await rows.user(living)
    const person = await rows.deletedUser(gone)
    const course = await rows.course({ description: text })
    const value = Object.values(gone)[0] ?? ''
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    expect(preview.effects).toContainEqual({ table: 'courses', effect: 'scrubbed description', rows: 1 })
    expect(preview.blockedBy).toEqual([])
    const { state, failures, receipt } = await test.purge(rows.tenant, [person])
    expect([state, failures]).toEqual(['completed', []])
    expect(receipt).toEqual(preview.effects)
    expect(await description(course)).toBe(`${text.slice(0, text.lastIndexOf(value))}[erased]`)
    const { rows: users } = await test.owner.query('select * from users where tenant_id = $1', [rows.tenant])
    expect(users).toMatchObject([living])
    expect((await sweep(test.app.database, [rows.tenant])).findings).toEqual([])
  })
})

describe('a text in which an identifier is written in another way', () => {
  it.each([
    [{ ref: '\u0130ZM\u0130R.7' }, 'Ask i\u0307zmi\u0307r.7!'],
    [{ ref: 'GRO\u1e9e.4711' }, 'Ask gross.4711!'],
    [{ ref: '\uff21\uff22\uff23309' }, 'Ask \uff41\uff42\uff43309!'],
    [{ ref: '\u2167-4711' }, 'Ask \u2177-4711!'],
    [{ ref: 'Kelvin\u212a-4' }, 'Ask KELVINK-4!'],
    [{ ref: '\u212bngstrom-4' }, 'Ask \u00e5ngstrom-4!'],
    [{ ref: '\uf900.4711' }, 'Ask \u8c48.4711!'],
    [{ ref: '\u0958\u092e\u0932.4711' }, 'Ask \u0915\u093c\u092e\u0932.4711!'],
    [{ ref: 'nguy\u1ec5n.4711' }, 'Ask NGUY\u00ca\u0303N.4711!'],
    [{ ref: '\u13a0\u13a1.4711' }, 'Ask \uab70\uab71.4711!'],
    [{ ref: '\u{1e900}\u{1e901}.4711' }, 'Ask \u{1e922}\u{1e923}.4711!'],
    [
      { email: '\u0394\u039f\u039a\u0399\u039c\u0397\u03a3@corp.example' },
      'Ask \u03b4\u03bf\u03ba\u03b9\u03bc\u03b7\u03c2@corp.example!',
    ],
    [{ email: 'ann@b\u00fccher.example' }, 'Ask ann@xn--bcher-kva.example!'],
    [{ email: 'max.muster@corp.example' }, '<a href="?u=max%2Emuster%40corp%2Eexample">'],
    [{ email: 'max.muster@corp.example' }, '{"u":"max\\u002emuster\\u0040corp.example"}'],
    [{ email: "o'brien@corp.example" }, '<p>o&#39;brien@corp.example</p>'],
    [{ email: 'max.muster@corp.example' }, '&#109;&#x61;&#120;.muster&#64;corp&period;example'],
    [{ ref: 'R&D-4711' }, 'Ask R&amp;D-4711!'],
    [{ ref: 'R&amp;D-4711' }, 'Ask R&amp;D-4711!'],
  ])('loses it to a purge, and later to the sweep: %j in %j', async (fields, text) => {
    const person = await rows.deletedUser(fields)
    const course = await rows.course({ description: text })
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    expect(preview.effects).toContainEqual({ table: 'courses', effect: 'scrubbed description', rows: 1 })
    const { state, receipt } = await test.purge(rows.tenant, [person])
    expect(state).toBe('completed')
    expect(receipt).toEqual(preview.effects)
    expect(await description(course)).toContain('[erased]')
    expect((await sweep(test.app.database, [rows.tenant])).findings).toEqual([])

    const again = await rows.course({ description: text })
    const swept = await sweep(test.app.database, [rows.tenant])
    expect(swept.findings).toMatchObject([{ table: 'courses', column: 'description', remedy: 'scrub' }])
    for (const { request } of await followUp(test.app.database, swept)) await test.ended(rows.tenant, request)
    expect(await settleFindings(test.app.database, [rows.tenant])).toEqual({ findings: [], reasons: [] })
    expect(await description(again)).toBe(await description(course))
    expect((await sweep(test.app.database, [rows.tenant])).findings).toEqual([])
  })
})

describe('what describes somebody else', () => {
  it('loses the identifier of who is purged, in every column, as the preview says', async () => {
    const address = 'max.muster@corp.example'
    const person = await rows.deletedUser({ email: address })
    const other = {
      first_name: `A ${address}`,
      display_name: `B (${address})`,
      job_title: `Assistant to ${address}`,
      department: 'c/o MAX.MUSTER@corp.example',
      office: 'max%2Emuster%40corp.example',
    }
    const id = await rows.user(other)
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    const { state, receipt } = await test.purge(rows.tenant, [person])
    expect(state).toBe('completed')
    expect(receipt).toEqual(preview.effects)
    expect(receipt.map(({ effect }) => effect)).toEqual(
      expect.arrayContaining(Object.keys(other).map((column) => `scrubbed ${column}`)),
    )
    const { rows: users } = await test.owner.query('select * from users where id = $1', [id])
    expect(users).toMatchObject([
      {
        first_name: 'A [erased]',
        display_name: 'B ([erased])',
        job_title: 'Assistant to [erased]',
        department: 'c/o [erased]',
        office: '[erased]',
      },
    ])
  })
})

describe('every column that holds text, of every table of a tenant', () => {
  const address = 'max.muster@corp.example'
  const nameOf = ({ table, column }: { table: string; column: string }) => `${table}.${column}`
  const byName = (names: Iterable<string>) => [...new Set(names)].sort()
  const columns = Object.entries(schemaFacts).flatMap(([table, facts]) => {
    if (table !== 'tenants' && !('tenant_id' in facts.columns)) return []
    const entry: AnyEntry | undefined = (dataMap as Record<string, AnyEntry>)[table]
    return Object.entries(facts.columns).flatMap(([column, { type, generated }]) => {
      const isText = ['text', 'text[]', 'json', 'jsonb'].includes(type) && generated === undefined
      return isText ? [{ table, column, type, is: entry?.columns[column]?.is ?? 'unknown' }] : []
    })
  })
  /** What no search reads. */
  const passedOver = columns.filter(({ is }) => ['code', 'sealed', 'outside_name'].includes(is))

  /** Where the database lets no identifier in, though a search would find it. */
  const refused: Record<string, string> = {
    'audit_entries.details': 'a sealed entry of the audit trail is never changed',
    'former_identifiers.kind': 'former_identifiers_kind_check',
  }

  /** What no search reads though no check of the database fixes its words: which part of the code writes them. */
  const writtenByTheCode: Record<string, string> = {
    'api_keys.prefix': 'The beginning of a secret, which is drawn at random.',
    'audit_checkpoints.jws': 'A signature over numbers and hashes.',
    'audit_entries.activity': 'One of the list of activities.',
    'audit_entries.initiated_from': 'One of the ways in.',
    'audit_entries.object_kind': 'One of the list of kinds.',
    'confirmation_links.base_url': 'The public address of the server.',
    'erasure_certificates.jws': 'A signature over ids, counts, names of tables and keyed hashes.',
    'erasure_certificates.kid': 'The thumbprint of a key.',
    'erasure_findings.column_name': 'The name of a column.',
    'erasure_findings.table_name': 'The name of a table.',
    'erasure_plan_subjects.parts': 'Names of tables, effects, numbers and digests of keys.',
    'erasure_receipts.effect': 'One of the effects that the data map is compiled to.',
    'erasure_receipts.table_name': 'The name of a table.',
    'erasure_requests.map_version': 'A digest.',
    'erasure_steps.error_code': 'A code of the table of errors.',
    'erasure_steps.error_reason': 'Names of tables and columns in a sentence of the code.',
    'erasure_subjects.counts': 'Names of tables, effects and numbers.',
    'erasure_subjects.error_code': 'A code of the table of errors.',
    'erasure_subjects.error_reason': 'Names of tables and columns in a sentence of the code.',
    'erasure_subjects.plan_changes': 'Names of tables, effects and numbers.',
    'erasure_subjects.salted_hashes': 'Hashes.',
    'erasure_subjects.commitments': 'Hashes.',
    'exports.error_code': 'A code of the table of errors.',
    'idempotent_requests.fingerprint': 'A hash.',
    'idempotent_requests.key_hash': 'A hash.',
    'import_files.file_name': 'The name that the format gives its file, not the one on disk.',
    'import_run_rows.changed': 'Names of fields.',
    'import_run_rows.reason': 'A sentence of the code, which never holds a value.',
    'import_runs.counts': 'Names of outcomes and numbers.',
    'import_runs.error_code': 'A code of the table of errors.',
    'import_runs.format': 'One of the formats.',
    'notifications.kind': 'One of the kinds of messages.',
    'passwords.hash': 'argon2id.',
    'received_events.reason': 'One of two words for why an event changed nothing.',
    'users.event_times': 'Times under names of fields.',
    'webhook_deliveries.attempt_log': 'Times, statuses and codes of errors.',
    'users.former_roles': 'What stood in the roles, which a check fixes.',
  }

  it('is read by the search, or holds nothing but what the code writes', async () => {
    const { tables } = await readSchema(test.owner)
    const unchecked = passedOver.filter(({ table, column }) => {
      const checks = tables.find(({ name }) => name === table)?.constraints ?? []
      return !checks.some((text) => text.startsWith('CHECK') && new RegExp(`\\b${column}\\b.*'`).test(text))
    })
    expect(byName(unchecked.map(nameOf))).toEqual(byName(Object.keys(writtenByTheCode)))
  })

  it.each(['purge', 'anonymize'] as const)(
    'is named by the preview where the search finds a person in it, and afterwards by the receipt or the reason (%s)',
    async (operation) => {
      const person = await rows.deletedUser({ email: address })
      const [member, other] = [await rows.user({ ref: 'member-1' }), await rows.administrator({ ref: 'other-1' })]
      // Former identifiers, and keys that open something.
      for (const id of [member, other]) {
        await test.inTenant(rows.tenant, (tx) => updateUser(tx, id, { ref: `renamed-${id}` }))
      }
      await insertOneOfEverything(test.owner, { tenantId: rows.tenant, userId: member, otherUserId: other })
      const gone = await rows.deletedUser({ ref: 'before-4711' })
      expect((await test.purge(rows.tenant, [gone])).state).toBe('completed')

      const planted: string[] = []
      const kept: string[] = []
      const notPlanted: Record<string, string> = {}
      for (const one of columns.filter((column) => !passedOver.includes(column))) {
        const { table, column, type, is } = one
        // A longer identifier of somebody who stays.
        const text = is === 'identifier' ? `${column}/${address}` : `see ${address}`
        const list = [is === 'mention' ? address : text]
        const value = type === 'text' ? text : type === 'text[]' ? list : JSON.stringify({ a: text })
        const ofMember = table === 'users' ? ` and id = '${member}'` : ''
        try {
          const { rowCount } = await test.owner.query(
            `update ${table} set ${column} = $2 where ctid = (
               select ctid from ${table} where ${table === 'tenants' ? 'id' : 'tenant_id'} = $1${ofMember} limit 1
             )`,
            [rows.tenant, value],
          )
          if (rowCount === 0) notPlanted[nameOf(one)] = 'the table has no row'
          else (is === 'identifier' ? kept : planted).push(nameOf(one))
        } catch (error) {
          if (!(error instanceof pg.DatabaseError)) throw error
          notPlanted[nameOf(one)] = error.constraint ?? error.message
        }
      }
      expect(notPlanted).toEqual(refused)
      expect(kept).toHaveLength(4)

      const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, operation, [person]))
      const scrubbed = preview.effects.flatMap(({ table, effect }) => {
        const column = /^scrubbed (.*)$/.exec(effect)?.[1]
        return column === undefined ? [] : [nameOf({ table, column })]
      })
      const blocked = preview.blockedBy.map(nameOf)
      const search = async () => {
        const { places } = await searchPeople(test.app.database, rows.tenant, [{ by: 'email', value: address }])
        return byName(places.map(nameOf))
      }
      const own = ['users.email', 'users.email_key']
      expect((await search()).filter((name) => !own.includes(name))).toEqual(byName(planted))
      expect([...scrubbed, ...blocked].sort()).toEqual(byName(planted))
      expect(scrubbed.length).toBeGreaterThan(50)
      expect(blocked.length).toBeGreaterThan(5)
      let mentions = '[]'
      await test.inTenant(rows.tenant, (tx) =>
        exportUser(tx, {
          userId: person,
          async receive(name, content) {
            const bytes = Buffer.concat(await Array.fromAsync(content))
            if (name === 'data/mentions.json') mentions = bytes.toString('utf8')
          },
        }),
      )
      expect(byName((JSON.parse(mentions) as { table: string; column: string }[]).map(nameOf))).toEqual(
        byName(scrubbed),
      )

      const { id, state, receipt, failures } = await test[operation](rows.tenant, [person])
      expect([state, receipt]).toEqual(['failed', preview.effects])
      const [, named = '', wayOut] = /^left in ([^;]*); (.*)$/.exec(failures[0]?.reason ?? '') ?? []
      expect(byName(named.split(', '))).toEqual(byName(blocked))
      expect(wayOut).toContain('lethe erasure retry')
      const left = async () => placesOf(await dumpDatabase(test.owner, { tenant: rows.tenant }), address)
      const keys = kept.map((name) => name.replace(/login_name|external_identity_id|ref|email/, keyColumnOf))
      const ofTenants = (names: string[]) => names.filter((name) => !name.startsWith('tenants.'))
      expect(byName(ofTenants(await left()))).toEqual(byName([...ofTenants(blocked), ...kept, ...keys]))
      expect(await search()).toEqual(byName(blocked))

      for (const { table, column } of preview.blockedBy) {
        await test.owner.query(
          `update ${table} set ${column} = $2 where ${table === 'tenants' ? 'id' : 'tenant_id'} = $1 and ${column}::text like '%max.muster%'`,
          [rows.tenant, column === 'surviving_fields' ? [] : `other ${id}`],
        )
      }
      await test.inTenant(rows.tenant, (tx) => retryErasure(tx, id))
      expect((await test.ended(rows.tenant, id)).state).toBe('completed')
      expect(await search()).toEqual([])
      expect(byName(ofTenants(await left()))).toEqual(byName([...kept, ...keys]))
      expect((await sweep(test.app.database, [rows.tenant])).findings).toEqual([])
    },
    120_000,
  )

  function keyColumnOf(column: string): string {
    const keys: Record<string, string> = { login_name: 'login_key', external_identity_id: 'external_identity_key' }
    return keys[column] ?? `${column}_key`
  }
})

it('goes on with a failed purge once the tenant has another name', async () => {
  await test.owner.query('update tenants set name = $2 where id = $1', [
    rows.tenant,
    'Tenant of max.muster@corp.example',
  ])
  const person = await rows.deletedUser({ email: 'max.muster@corp.example' })
  const { id, state, failures } = await test.purge(rows.tenant, [person])
  expect([state, failures[0]?.reason]).toEqual([
    'failed',
    'left in tenants.name; change it with "lethe tenant update --name NAME", then run "lethe erasure retry"',
  ])
  await test.owner.query('update tenants set name = $2 where id = $1', [rows.tenant, `Tenant ${rows.tenant}`])
  await test.inTenant(rows.tenant, (tx) => retryErasure(tx, id))
  expect((await test.ended(rows.tenant, id)).state).toBe('completed')
})
