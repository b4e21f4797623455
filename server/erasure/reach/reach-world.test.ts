import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { confirmIdentity } from '../../identity/confirm-identity.ts'
import { identityHash } from '../../identity/identity-hash.ts'
import { listWaitingMatches } from './list-matches.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

/** What a tenant knows of the person: nothing, an address in a field, or a user who has confirmed it or not. */
const knowledge = fc.constantFrom('nothing', 'field', 'user', 'confirmed')
const tenants = fc.array(fc.record({ kind: fc.constantFrom('enterprise', 'trial'), knows: knowledge }), {
  maxLength: 5,
})

let number = 0

async function make(
  kind: string,
  knows: string,
  email: string,
): Promise<{ rows: TenantRows; user?: string; course: string }> {
  const rows = await newTenant(test.owner, { kind })
  await rows.administrator()
  const course = await rows.course({ contact_emails: knows === 'field' ? [email] : [] })
  if (knows !== 'user' && knows !== 'confirmed') return { rows, course }
  const user = await rows.user({ email })
  if (knows === 'confirmed') await confirm(rows, user, email)
  return { rows, user, course }
}

const confirm = (rows: TenantRows, userId: string, email: string) =>
  test.inTenant(rows.tenant, (tx) => {
    const hash = identityHash(test.app.masterKey, { kind: 'email', value: email })
    return confirmIdentity(tx, { userId, kind: 'email', hash, method: 'mail_link' })
  })

it('reaches exactly the trials where both accounts are confirmed, or a confirmed address stands in a field', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('enterprise', 'trial'),
      fc.boolean(),
      tenants,
      async (kind, isConfirmed, others) => {
        const email = `person-${++number}@world.example`
        const origin = await newTenant(test.owner, { kind })
        await origin.administrator()
        const person = await origin.deletedUser({ email })
        if (isConfirmed) await confirm(origin, person, email)
        const places = await Promise.all(others.map(({ kind: of, knows }) => make(of, knows, email)))
        const { id: request } = await test.purge(origin.tenant, [person])
        await expect
          .poll(
            async () => {
              const { rows } = await test.owner.query(
                `select (select count(*) from erasure_reaches where finished_at is null)
                 + (select count(*) from erasure_requests where finished_at is null) as n`,
              )
              return Number(rows[0].n)
            },
            { timeout: 20_000, interval: 20 },
          )
          .toBe(0)
        const waiting = await listWaitingMatches(test.database)
        let reached = 0
        for (const [index, { kind: of, knows }] of others.entries()) {
          const place = places[index]
          if (place === undefined) throw new Error('each tenant was made')
          const isTrial = of === 'trial'
          const isReached = isTrial && isConfirmed && (knows === 'confirmed' || knows === 'field')
          const waits = isTrial && knows !== 'nothing' && !isReached
          if (isReached) reached++
          expect(waiting.some(({ tenant_id }) => tenant_id === place.rows.tenant)).toBe(waits)
          const { rows } = await test.owner.query(
            `select (select count(*)::int from users where id = $1) as users,
             (select contact_emails from courses where id = $2) as addresses`,
            [place.user ?? null, place.course],
          )
          const isUser = place.user !== undefined
          expect(rows[0].users).toBe(isUser && !isReached ? 1 : 0)
          expect(rows[0].addresses).toEqual(knows === 'field' && !isReached ? [email] : [])
        }
        const { rows } = await test.owner.query('select trials_reached from erasure_requests where id = $1', [request])
        const isAnotherTrial = rows[0].trials_reached !== null
        if (isAnotherTrial) expect(rows[0].trials_reached).toBe(reached)
        else expect(reached).toBe(0)
      },
    ),
    { numRuns: effort(12, 200) },
  )
}, 120_000)
