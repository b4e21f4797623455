import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

let http: TestHttp
let tenant: string
let key: Credential
let boss: Credential & { userId: string }
let keyId: string
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  boss = await http.person(tenant, 'administrator')
  const { rows } = await http.owner.query<{ id: string }>(
    `update api_keys set name = 'HR system' where tenant_id = $1 returning id`,
    [tenant],
  )
  keyId = rows[0]?.id ?? ''
})
afterAll(() => http.close())

/** Columns that nothing writes yet, or where no credential of a tenant can act. */
const without = ['erasure_decisions.decided_by', 'submissions.graded_by', 'tenants.created_by']

it('every column that says which user did something has one beside it for the credential that did', async () => {
  const { rows } = await http.owner.query<{ column: string; paired: boolean }>(
    `select c.table_name || '.' || c.column_name as column, exists (
       select from information_schema.columns p
       where p.table_schema = 'public' and p.table_name = c.table_name and p.column_name = c.column_name || '_credential'
     ) as paired
     from information_schema.columns c
     where c.table_schema = 'public' and c.column_name like '%\\_by' and c.data_type = 'uuid' order by 1`,
  )
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.filter(({ paired }) => !paired).map(({ column }) => column)).toEqual(without)
})

/** Does everything that leaves a name behind; answers what a reader is shown of who did it. */
async function act(as: Credential, ref: string) {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await http.call(method, `/api/v1${path}`, { as, ...(body !== undefined && { body }) })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`)
    return answer.json
  }
  const { id: user_id } = await call('POST', '/users', { ref })
  const { id: catalog_id } = await call('POST', '/catalogs', { title: 'Bakery' })
  const { id: course_id } = await call('POST', '/courses', { catalog_id, title: 'Bread', kind: 'e_learning' })
  await call('POST', `/catalogs/${catalog_id}/members`, { user_ids: [user_id] })
  const enrollment = await call('POST', '/enrollments', { user_id, course_id })
  await call('POST', `/enrollments/${enrollment.id}/complete`, {})
  await call('POST', `/enrollments/${enrollment.id}/certificates`, {})
  await call('POST', `/enrollments/${enrollment.id}/unenroll`, {})
  const levels = [{ title: 'Apprentice', value: 1 }]
  const { id: scale_set_id } = await call('POST', '/scale-sets', { title: 'Scale', levels })
  const { id: skill_id } = await call('POST', '/skills', { title: 'Kneading', scale_set_id })
  const level_id = (await call('GET', `/scale-sets/${scale_set_id}`)).levels[0].id
  await call('POST', `/users/${user_id}/skills`, { skill_id, level_id })
  await call('POST', `/users/${user_id}/skills/revoke`, { skill_id, level_id })
  await call('POST', `/users/${user_id}/exports`, {})
  const transcript = await call('GET', `/users/${user_id}/transcript`)
  const enrolled = await call('GET', `/enrollments/${enrollment.id}`)
  const kept = (await call('GET', `/users/${user_id}/exports`)).exports[0]
  await call('DELETE', `/users/${user_id}`)
  const deleted = await call('GET', `/users/${user_id}`)
  const member = await http.owner.query(
    `select added_by, added_by_credential from catalog_members where user_id = $1`,
    [user_id],
  )
  const ordered = await call('POST', '/erasures', {
    operation: 'purge',
    subjects: [{ id: user_id }],
    reason: 'asked in writing',
  })
  const erasure = await call('GET', `/erasures/${ordered.id}`)
  const [skill] = transcript.skills
  const [certificate] = transcript.certificates
  return {
    reason: erasure.reason,
    names: [skill.awarded_by_name, skill.revoked_by_name, certificate.issued_by_name],
    by: {
      awarded: [skill.awarded_by, skill.awarded_by_credential],
      revoked: [skill.revoked_by, skill.revoked_by_credential],
      issued: [certificate.issued_by, certificate.issued_by_credential],
      enrolled: [enrolled.enrolled_by, enrolled.enrolled_by_credential],
      unenrolled: [enrolled.unenrolled_by, enrolled.unenrolled_by_credential],
      exported: [kept.ordered_by, kept.ordered_by_credential],
      deleted: [deleted.deleted_by, deleted.deleted_by_credential],
      added: [member.rows[0].added_by, member.rows[0].added_by_credential],
      requested: [erasure.requested_by, erasure.requested_by_credential],
    },
  }
}

it('what a key did is shown with the key, and what a person did with the person', async () => {
  const byKey = await act(key, 'by-key')
  for (const [what, by] of Object.entries(byKey.by)) expect([what, ...by]).toEqual([what, null, keyId])
  expect(byKey).toMatchObject({ names: ['HR system', 'HR system', 'HR system'], reason: 'asked in writing' })
  const byBoss = await act(boss, 'by-boss')
  for (const [what, by] of Object.entries(byBoss.by)) expect([what, ...by]).toEqual([what, boss.userId, null])
  const audit = await http.call('GET', '/api/v1/audit?activity=ErasureOrdered', { as: boss })
  expect(audit.json.entries.map(({ reason }: { reason: string }) => reason)).toEqual([
    'asked in writing',
    'asked in writing',
  ])
})
