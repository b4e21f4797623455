import type pg from 'pg'
import { expect } from 'vitest'
import { verifyCertificate } from '../server/erasure/proof/certificate.ts'
import { readCertificate } from '../server/erasure/proof/read-certificate.ts'
import { previewErasure } from '../server/erasure/requests/preview-erasure.ts'
import type { TestApplication } from './application.ts'
import { dumpDatabase, newTenant, placesOf, type TenantRows } from './rows.ts'

/**
 * Fills a tenant with deleted users who refer to each other and whom others refer to: managers, graders, notes, posts,
 * contact addresses, authors, instructors. Answers their ids.
 */
export async function fillWithCrowd(owner: pg.Client, rows: TenantRows, size: number): Promise<string[]> {
  const { tenant } = rows
  const catalog = await rows.catalog({ description: 'Ask p1@crowd.example or p2@crowd.example, not p3@crowd.example.' })
  const course = await rows.course()
  const session = await rows.session(course)
  const assessment = await rows.insert('assessments', { course_id: course, title: 'Exam', kind: 'exam' })
  const witness = await rows.user({ custom_fields: { 'p4@crowd.example': 'crowd-5' } })
  // Each person refers to the next one, in a circle.
  await owner.query(`create temp table crowd as select n, uuid_v7() as id from generate_series(1, ${size}) n`)
  await owner.query(
    `create temp table ring as
     select a.n, a.id, b.id as next, 'p' || b.n || '@crowd.example' as next_email
     from crowd a join crowd b on b.n = a.n % ${size} + 1`,
  )
  const statements = [
    `insert into users (tenant_id, id, state, deleted_at, deletion_id, email, login_name, ref, first_name, manager_id)
     select $1, id, 'deleted', now(), gen_random_uuid(), 'p' || n || '@crowd.example', 'i:0#.w|crowd\\p' || n,
       'crowd-' || n, 'Person', next from ring`,
    `insert into enrollments (tenant_id, user_id, course_id, enrolled_by, note)
     select $1, id, '${course}', next, 'with ' || next_email from ring`,
    `insert into assessment_attempts (tenant_id, user_id, assessment_id, graded_by)
     select $1, id, '${assessment}', next from ring`,
    `insert into posts (tenant_id, course_id, author_id, body) select $1, '${course}', id, 'Dear ' || next_email from ring`,
    `insert into assessment_attempts (tenant_id, user_id, assessment_id, attempt, graded_by, feedback)
     select $1, '${witness}', '${assessment}', n, id, 'Ask ' || next_email from ring where n <= 20`,
    `insert into course_authors (tenant_id, course_id, user_id) select $1, '${course}', id from ring where n <= 5`,
    `insert into session_instructors (tenant_id, session_id, user_id) select $1, '${session}', id from ring where n <= 5`,
    `insert into catalog_members (tenant_id, catalog_id, user_id, added_by) select $1, '${catalog}', id, next from ring`,
    `update catalogs set contact_emails = array(select next_email from ring where n <= 30)
     where tenant_id = $1 and id = '${catalog}'`,
  ]
  for (const statement of statements) await owner.query(statement, [tenant])
  await owner.query('drop table ring, crowd')
  // As autovacuum does in time: without statistics every check of a foreign key reads its table as a whole.
  await owner.query('analyze')
  const { rows: people } = await owner.query<{ id: string }>(
    `select id from users where tenant_id = $1 and ref like 'crowd-%' order by id`,
    [tenant],
  )
  return people.map(({ id }) => id)
}

/** An order to purge a crowd. */
export type CrowdErasure = {
  tenant: string
  people: string[]
  /** The requester. */
  administrator: string
  request: string
  /** What the preview said before. */
  preview: unknown
}

/** Makes a tenant with a crowd and requests its purge. */
export async function orderCrowd(test: TestApplication, size: number): Promise<CrowdErasure> {
  const rows = await newTenant(test.owner)
  const administrator = await rows.administrator()
  const people = await fillWithCrowd(test.owner, rows, size)
  const { effects } = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', people))
  const request = await test.order(rows.tenant, people, administrator)
  return { tenant: rows.tenant, people, administrator, request, preview: effects }
}

export type ErasureRecord = Awaited<ReturnType<typeof readRecord>>

/**
 * Waits until the purge of a crowd has ended, and reads what it leaves on record, in a form that is the same for every
 * crowd of that size. Expects that everybody stands in the ledger once, and that nothing of them stands anywhere.
 */
export async function readRecord(test: TestApplication, { tenant, request, administrator, people }: CrowdErasure) {
  const details = await test.ended(tenant, request)
  const dump = await dumpDatabase(test.owner, { tenant })
  const rowsOf = (table: string) => [...(dump.get(table)?.values() ?? [])]
  const file = await test.inTenant(tenant, (tx) => readCertificate(tx, request))
  const { certificate, addenda } = await verifyCertificate(file)
  expect(
    rowsOf('erasure_ledger')
      .map(({ user_id }) => user_id)
      .sort(),
  ).toEqual(people)
  expect([...placesOf(dump, 'crowd.example'), ...placesOf(dump, 'crowd-')]).toEqual([])
  const tombstones = Map.groupBy(rowsOf('tombstones'), ({ kind }) => String(kind))
  return {
    state: details.state,
    receipt: details.receipt,
    subjects: details.subjects,
    steps: details.steps.map(({ step, state, removed, shared, failed }) => ({ step, state, removed, shared, failed })),
    tombstones: [...tombstones].map(([kind, stones]) => [kind, stones.length]).sort(),
    certificates: file.certificates.length,
    certified: certificate.subjects.done,
    findings: addenda.map(({ search }) => search?.findings),
    messages: rowsOf('notifications')
      .filter(({ user_id }) => user_id === administrator)
      .map(({ kind }) => kind)
      .sort(),
    usersLeft: rowsOf('users').length,
  }
}
