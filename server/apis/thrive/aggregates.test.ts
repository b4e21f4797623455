import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort, isThorough } from '../../../test/effort.ts'
import { basic, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { hasOulad, ouladFolder, sliceOfOulad, writeDataSet } from '../../../test/oulad-data-set.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { importOulad } from '../../imports/oulad/import-oulad.ts'
import { createScaleSet } from '../../skills/create-scale-set.ts'
import { createSkill } from '../../skills/create-skill.ts'

/** How many learners are deleted; the full size takes them from the whole data set. */
const leavers = effort(25, 1_000)
const callers = 16

/** Reports by course and presentation that name no column about a person. $1 is the tenant. */
const reports = {
  enrollments: `select c.external_key as course, e.state, count(*), count(e.withdrawn_on) as withdrawn,
      sum(e.credits) as credits, sum(e.previous_attempts) as previous_attempts
    from enrollments e join courses c on c.tenant_id = $1 and c.id = e.course_id
    where e.tenant_id = $1 group by 1, 2 order by 1, 2`,
  results: `select c.external_key as course, e.result, count(*), min(e.registered_on), max(e.completed_at)
    from enrollments e join courses c on c.tenant_id = $1 and c.id = e.course_id
    where e.tenant_id = $1 group by 1, 2 order by 1, 2`,
  attempts: `select c.external_key as course, a.kind, count(*), avg(t.score), sum(t.score), max(t.submitted_on),
      count(*) filter (where t.banked) as banked
    from assessment_attempts t
    join assessments a on a.tenant_id = $1 and a.id = t.assessment_id
    join courses c on c.tenant_id = $1 and c.id = a.course_id
    where t.tenant_id = $1 group by 1, 2 order by 1, 2`,
  clicks: `select c.external_key as course, m.kind, count(*), sum(r.clicks), count(distinct r.happened_on)
    from record_actions r
    join modules m on m.tenant_id = $1 and m.id = r.module_id
    join courses c on c.tenant_id = $1 and c.id = m.course_id
    where r.tenant_id = $1 group by 1, 2 order by 1, 2`,
  skills: `select c.external_key as course, l.value, count(*), min(u.awarded_at), max(u.awarded_at)
    from user_skills u
    join skill_levels l on l.tenant_id = $1 and l.id = u.level_id
    join enrollments e on e.tenant_id = $1 and e.user_id = u.user_id
    join courses c on c.tenant_id = $1 and c.id = e.course_id
    where u.tenant_id = $1 and u.revoked_at is null group by 1, 2 order by 1, 2`,
}

describe.skipIf(!hasOulad)(`the reports over OULAD, and ${leavers} deletes by ref`, () => {
  let http: TestHttp
  let tenant: string
  let key: Credential
  let folder: string
  beforeAll(
    async () => {
      http = await openTestHttp()
      tenant = await http.tenant('University')
      folder = isThorough
        ? ouladFolder
        : await writeDataSet(sliceOfOulad({ learners: 60, clicks: 20_000 }), ['studentVle'])
      await importOulad(http.database, tenant, { folder })
      const { secret, skill, levels } = await http.inTenant(tenant, async (tx) => {
        const made = await createScaleSet(tx, {
          title: 'Scale',
          levels: [1, 2, 3].map((value) => ({ title: `Level ${value}`, value })),
        })
        const { rows } = await tx.query<{ id: string }>(
          'select id from skill_levels where tenant_id = $1 and scale_set_id = $2 order by value',
          [tenant, made.id],
        )
        return {
          secret: (await createApiKey(tx, { name: 'Thrive', access: 'full_control', kind: 'thrive' })).secret,
          skill: (await createSkill(tx, { title: 'Study', scaleSetId: made.id })).id,
          levels: rows.map(({ id }) => id),
        }
      })
      key = basic(tenant, secret)
      // The data set has no skills: every second learner gets a level.
      await http.owner.query(
        `insert into user_skills (tenant_id, user_id, skill_id, level_id, awarded_at)
       select $1, id, $2, ($3::uuid[])[1 + number % 3], timestamptz '2014-01-01' + number * interval '1 minute'
       from (select id, row_number() over (order by id)::int as number from users where tenant_id = $1) numbered
       where number % 2 = 0`,
        [tenant, skill, levels],
      )
      await http.startWorkers()
    },
    effort(60_000, 900_000),
  )
  afterAll(async () => {
    await http?.close()
    if (!isThorough && folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  const read = async () => {
    const figures: Record<string, unknown[]> = {}
    for (const [name, sql] of Object.entries(reports)) figures[name] = (await http.owner.query(sql, [tenant])).rows
    return figures
  }

  it(
    'are equal in every figure before and after',
    async () => {
      const before = await read()
      for (const [name, rows] of Object.entries(before)) expect([name, rows.length]).toEqual([name, expect.any(Number)])
      expect(Object.values(before).every((rows) => rows.length > 0)).toBe(true)
      // Learners of whom there is something in every report come first.
      const { rows } = await http.owner.query<{ ref: string }>(
        `select ref from users u where tenant_id = $1 and ref is not null
         order by exists (select from user_skills s where s.tenant_id = $1 and s.user_id = u.id)
           and exists (select from record_actions r where r.tenant_id = $1 and r.user_id = u.id) desc, id
         limit $2`,
        [tenant, leavers],
      )
      expect(rows).toHaveLength(leavers)
      const waiting = rows.map(({ ref }) => ref)
      const statuses: number[] = []
      const work = async () => {
        for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
          const { status } = await http.call('DELETE', `/users/ref/${encodeURIComponent(ref)}`, { as: key })
          statuses.push(status)
        }
      }
      await Promise.all(Array.from({ length: callers }, work))
      expect(statuses).toEqual(rows.map(() => 200))
      const { rows: gone } = await http.owner.query(
        `select count(*)::int as count from users where tenant_id = $1 and state = 'anonymized' and ref is null`,
        [tenant],
      )
      expect(gone).toEqual([{ count: leavers }])
      expect(await read()).toEqual(before)
    },
    effort(120_000, 1_800_000),
  )
})
