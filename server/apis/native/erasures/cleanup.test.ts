import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort } from '../../../../test/effort.ts'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

const many = effort(2_800, 28_000)

let http: TestHttp
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  const tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  await http.owner.query(
    `insert into users (tenant_id, display_name, ref, email, department, state, deleted_at, deletion_id)
     select $1, 'Person ' || 100000 + n, 'P-' || 100000 + n, 'person' || 100000 + n || '@example.org', 'Section ' || n % 7, 'deleted',
       timestamptz '2026-03-01 00:00:00Z' + n * interval '90 seconds', gen_random_uuid()
     from generate_series(1, $2::integer) n`,
    [tenant, many],
  )
  await http.owner.query('analyze users')
})
afterAll(() => http.close())

const call = (method: string, path: string, body?: object) =>
  http.call(method, `/api/v1${path}`, { as: key, ...(body !== undefined && { body }) })

/** Cancels a request, again and again while the answer is to try later, as on a busy machine. */
async function cancelled(id: string): ReturnType<typeof call> {
  for (;;) {
    const answer = await call('POST', `/erasures/${id}/cancel`)
    if (answer.status !== 503) return answer
  }
}

describe('User Cleanup', () => {
  it('lists the deleted users of a month in pages, sorted by ref or by the time of the delete', async () => {
    for (const sort of ['ref', 'deleted']) {
      const ids = new Set<string>()
      let after = ''
      do {
        const { json } = await call('GET', `/users?deleted_in=2026-03&sort=${sort}&order=descending&limit=1000${after}`)
        for (const { id } of json.users) ids.add(id)
        after = json.next === null ? '' : `&after=${json.next}`
      } while (after !== '')
      expect(ids.size).toBe(many)
    }
  })

  it('requests nothing for a filter before the number of people is known, or if it has changed', async () => {
    // 90 seconds apart, 959 people were deleted on the first day, and 137 of them are of this section.
    const filter = { department: 'Section 3', deleted_from: '2026-03-01', deleted_to: '2026-03-01' }
    const { json: preview } = await call('POST', '/erasures/preview', { operation: 'purge', filter })
    expect(preview).toMatchObject({ people: 137, not_deleted: [] })
    expect(await call('POST', '/erasures', { operation: 'purge', filter })).toMatchObject({
      status: 422,
      json: { code: 'input.invalid', field: 'expected_people' },
    })
    expect(await call('POST', '/erasures', { operation: 'purge', filter, expected_people: 138 })).toMatchObject({
      status: 409,
      json: { code: 'erasure.other_people', details: { expected: 138, found: 137 } },
    })
    expect((await call('GET', '/erasures')).json.erasures).toEqual([])
  })

  it('counts everyone who matches in one preview', async () => {
    const { json } = await call('POST', '/erasures/preview', { operation: 'purge', filter: {} })
    expect(json).toMatchObject({ people: many, not_deleted: [], effects: [{ table: 'users', rows: many }] })
    expect(json.who).toHaveLength(10)
  }, 120_000)

  it('purges everyone who matches in one request, says what was gone at a cancel, and lists each outcome as CSV', async () => {
    const order = { operation: 'purge', filter: {}, expected_people: many }
    const { json: first, status } = await call('POST', '/erasures', order)
    expect(status).toBe(202)
    // Workers skip people that another transaction holds, so half of them are still to come when the cancel arrives.
    await http.owner.query('begin')
    await http.owner.query(
      'select from erasure_subjects where request_id = $1 order by user_id desc limit $2 for update',
      [first.id, many / 2],
    )
    await http.startWorkers()
    const progress = async (id: string) => (await call('GET', `/erasures/${id}`)).json
    await expect.poll(async () => (await progress(first.id)).people.gone, { timeout: 120_000 }).toBe(many / 2)
    // Two jobs wait for the people that are held. The cancel comes after them: a request does not wait long for a lock.
    const waiting = async () => {
      const { rowCount } = await http.owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount ?? 0
    }
    await expect.poll(waiting, { timeout: 60_000 }).toBeGreaterThanOrEqual(2)
    const cancelling = cancelled(first.id)
    await expect.poll(waiting, { timeout: 60_000 }).toBeGreaterThanOrEqual(3)
    await http.owner.query('commit')
    const { json: cancel } = await cancelling
    expect(cancel.cancelled + cancel.gone).toBe(many)
    expect(cancel.gone).toBeGreaterThanOrEqual(many / 2)
    expect(cancel.cancelled).toBeGreaterThan(0)
    await expect.poll(async () => (await progress(first.id)).state, { timeout: 60_000 }).toBe('partial')
    expect((await progress(first.id)).people).toMatchObject({ total: many, done: cancel.gone, ...cancel })

    const response = await http.call('GET', `/api/v1/erasures/${first.id}/subjects?format=csv`, { as: key })
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="erasure-${first.id}.csv"`)
    const [head = '', ...lines] = response.text.trimEnd().split('\r\n')
    expect(head.replace('\ufeff', '')).toBe('request_id,user_id,state,error_code,error_reason,erased_at,finished_at')
    expect(lines).toHaveLength(many)
    expect(new Set(lines.map((line) => line.split(',')[1])).size).toBe(many)
    expect(lines.filter((line) => line.split(',')[2] === 'done')).toHaveLength(cancel.gone)
    expect(lines.filter((line) => line.split(',')[2] === 'cancelled')).toHaveLength(cancel.cancelled)
    expect(response.text).not.toMatch(/person|example\.org|P-\d/i)

    const { rows } = await http.owner.query('select count(*)::int as left from users')
    expect(rows).toEqual([{ left: cancel.cancelled }])
    const rest = { operation: 'purge', filter: {}, expected_people: cancel.cancelled }
    const { json: second } = await call('POST', '/erasures', rest)
    await expect.poll(async () => (await progress(second.id)).state, { timeout: 120_000 }).toBe('completed')
    expect((await call('GET', '/users?state=all')).json.users).toEqual([])
  }, 300_000)

  it('answers a problem for the CSV of a request that does not exist', async () => {
    const unknown = '/erasures/0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a/subjects?format=csv'
    expect(await call('GET', unknown)).toMatchObject({ status: 404, json: { code: 'erasure.not_found' } })
  })
})
