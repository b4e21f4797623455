import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { buildWorld, erasedOf, rowsOf, scrubbed, worldPlan } from '../../../test/random-world.ts'
import { type Dump, dumpDatabase, placesOf, type Row } from '../../../test/rows.ts'
import { dataMap } from '../../datamap/data-map.ts'
import type { AnyEntry } from '../../datamap/vocabulary.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { previewErasure } from '../requests/preview-erasure.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

/** The training history: its rows stay under the internal id, without what was written about them in these columns. */
const history: Record<string, string[]> = {
  enrollments: ['note'],
  progress: [],
  assessment_attempts: ['feedback'],
  issued_certificates: ['number'],
  record_actions: [],
  ratings: ['comment'],
  user_skills: ['revoke_reason'],
}

type Expected = {
  anonymized: Set<string>
  /** Of the anonymized, and of nobody else. */
  identifiers: string[]
  successor: string
  surviving: string[]
}

/** What must be left of a row, said a second time in other words than the data map's; undefined: nothing. */
function leftOf(table: string, row: Row, expected: Expected): Row | undefined {
  const { anonymized, identifiers, successor, surviving } = expected
  const isAnonymized = (id: unknown) => anonymized.has(String(id))
  const rest = Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (column === 'manager_id' && isAnonymized(value)) return [column, null]
      if (column === 'contact_emails' && Array.isArray(value)) {
        return [column, value.filter((address) => !identifiers.includes(String(address)))]
      }
      return [column, scrubbed(value, identifiers)]
    }),
  )
  if (table === 'users' && isAnonymized(row.id)) {
    const nothing = Object.fromEntries(Object.keys(row).map((column) => [column, null]))
    const { tenant_id, id, kind, created_at } = row
    const fields = Object.entries(rest.custom_fields as Row).filter(([name]) => surviving.includes(name))
    return {
      ...nothing,
      ...{ tenant_id, id, kind, created_at },
      ...{ state: 'anonymized', email_verified: false, roles: [], former_roles: [] },
      custom_fields: Object.fromEntries(fields),
    }
  }
  if (table === 'posts' && isAnonymized(row.author_id)) return { ...row, author_id: null, body: '' }
  if (!isAnonymized(row.user_id)) return rest
  if (table.endsWith('_authors')) return { ...row, user_id: successor }
  const cleared = history[table]
  return cleared && { ...rest, ...Object.fromEntries(cleared.map((column) => [column, null])) }
}

/** How many rows of the training history each person has. */
function historyOf(dump: Dump): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const table of Object.keys(history)) {
    for (const { user_id } of dump.get(table)?.values() ?? []) {
      const name = `${table} of ${user_id}`
      counts[name] = (counts[name] ?? 0) + 1
    }
  }
  return counts
}

it('the training history is what stays of a person by the data map', () => {
  const kept = Object.entries(dataMap as Record<string, AnyEntry>).flatMap(([table, { about, anonymize }]) =>
    about === 'person' && anonymize !== 'delete' ? [table] : [],
  )
  expect(Object.keys(history).sort()).toEqual(kept.sort())
})

it('anonymize does what the preview counted, keeps the training history, and changes nothing of anybody else, whoever stands in whose rows', async () => {
  const survivingFields = fc.subarray(['buddy', 'shift'])
  await fc.assert(
    fc.asyncProperty(worldPlan, survivingFields, async (plan, surviving) => {
      const world = await buildWorld(test.owner, plan)
      const { tenant } = world.rows
      const successor = world.administrator
      const { ids: anonymized, identifiers } = erasedOf(world, plan)
      await test.inTenant(tenant, (tx) => updateTenant(tx, { survivingFields: surviving }))
      const before = await dumpDatabase(test.owner, { tenant })
      const preview = await test.inTenant(tenant, (tx) => previewErasure(tx, 'anonymize', [...anonymized]))

      const { request, salt } = await test.orderToAnonymize(tenant, [...anonymized], successor)
      const details = await test.ended(tenant, request)
      expect(details).toMatchObject({ state: 'completed', failures: [] })
      expect(details.receipt).toEqual(preview.effects)
      expect(preview.people).toBe(anonymized.size)
      expect(details.steps).toContainEqual(
        expect.objectContaining({ step: 'erase', shared: preview.sharedIdentifiers, failed: 0 }),
      )

      const after = await dumpDatabase(test.owner, { tenant })
      expect(historyOf(after)).toEqual(historyOf(before))
      const isOfTheOrder = (table: string, row: Row) =>
        (table === 'erasure_requests' && row.id === request) ||
        table === 'erasure_plans' ||
        // For a day, which refs end; see below.
        table === 'event_cutoffs' ||
        (table === 'notifications' && row.user_id === successor)
      const comparable = (table: string, row: Row) => {
        if (table === 'users' && anonymized.has(String(row.id)))
          return { ...row, anonymized_at: null, updated_at: null }
        // An erasure leaves hashes with the imports that run, which look for them in their files at their end.
        return table === 'import_runs' && row.finished_at === null ? { ...row, erased_words: [] } : row
      }
      expect(rowsOf(after, (table, row) => (isOfTheOrder(table, row) ? undefined : comparable(table, row)))).toEqual(
        rowsOf(before, (table, row) => leftOf(table, row, { anonymized, identifiers, successor, surviving })),
      )
      for (const identifier of [...identifiers, salt]) expect(placesOf(after, identifier), identifier).toEqual([])
      expect([...(after.get('tombstones')?.values() ?? [])]).toEqual([])
      const cutoffs = JSON.stringify([...(after.get('event_cutoffs')?.values() ?? [])])
      for (const id of [...anonymized, request]) expect(cutoffs).not.toContain(id)
      expect([...(after.get('erasure_ledger')?.values() ?? [])].map(({ user_id }) => user_id).sort()).toEqual(
        [...anonymized].sort(),
      )
    }),
    { numRuns: effort(4, 20) },
  )
})
