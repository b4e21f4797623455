import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import type pg from 'pg'
import { ouladFiles } from '../server/imports/oulad/files.ts'

/** The lines of each file of a small data set, without the headers. A Buffer holds bytes that are no UTF-8. */
export type DataSet = Record<keyof typeof ouladFiles, (string | Buffer)[]>

/** The folder of the real data set, as it is published. */
export const ouladFolder = process.env.LETHE_OULAD || fileURLToPath(new URL('../../shared/data/oulad', import.meta.url))

/** Whether it is there. */
export const hasOulad = existsSync(path.join(ouladFolder, 'courses.csv'))

/** One presentation of the real data, AAA of October 2013: its first so many learners, and their clicks among the first so many. */
export function sliceOfOulad(limits: { learners?: number; clicks: number }): DataSet {
  const linesOf = (file: string) => {
    const raw = readFileSync(path.join(ouladFolder, file))
    const text = (file.endsWith('.gz') ? gunzipSync(raw) : raw).toString('latin1')
    return text
      .split('\n')
      .slice(1)
      .map((line) => line.trimEnd())
  }
  const ofPresentation = (file: string) => linesOf(file).filter((line) => line.startsWith('AAA,2013J,'))
  const assessments = ofPresentation('assessments.csv')
  const ids = new Set(assessments.map((line) => line.split(',')[2]))
  const infos = ofPresentation('studentInfo.csv').slice(0, limits.learners)
  const learners = new Set(infos.map((line) => line.split(',')[2]))
  const isOfLearner = (line: string) => learners.has(line.split(',')[2])
  return {
    courses: ofPresentation('courses.csv'),
    studentInfo: infos.map((line) => Buffer.from(line, 'latin1')),
    studentRegistration: ofPresentation('studentRegistration.csv').filter(isOfLearner),
    assessments,
    studentAssessment: linesOf('studentAssessment.csv').filter((line) => {
      const [assessment, learner] = line.split(',')
      return ids.has(assessment) && learners.has(learner)
    }),
    vle: linesOf('vle.csv').filter((line) => line.split(',').slice(1, 3).join(',') === 'AAA,2013J'),
    studentVle: ofPresentation('studentVle-first-1048575.csv.gz').slice(0, limits.clicks).filter(isOfLearner),
  }
}

/** Writes the data set into a folder of its own; the files named in `compressed` with gzip. */
export async function writeDataSet(data: DataSet, compressed: (keyof DataSet)[] = []): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-oulad-'))
  await rewriteDataSet(folder, data, compressed)
  return folder
}

/** Writes the data set over what the folder holds of it. */
export async function rewriteDataSet(folder: string, data: DataSet, compressed: (keyof DataSet)[] = []): Promise<void> {
  for (const key of Object.keys(data) as (keyof DataSet)[]) {
    const header = Object.keys(ouladFiles[key].columns).join(',')
    const bytes = Buffer.concat([header, ...data[key]].flatMap((line) => [Buffer.from(line), Buffer.from('\n')]))
    const plain = path.join(folder, `${key}.csv`)
    await rm(plain, { force: true })
    await rm(`${plain}.gz`, { force: true })
    await writeFile(
      ...(compressed.includes(key) ? ([`${plain}.gz`, gzipSync(bytes)] as const) : ([plain, bytes] as const)),
    )
  }
}

const contents = {
  catalogs: `select external_key, title from catalogs where tenant_id = $1`,
  courses: `select c.external_key, c.title, c.kind, c.starts_on::text, c.length_days, k.external_key as catalog
    from courses c join catalogs k on k.tenant_id = c.tenant_id and k.id = c.catalog_id where c.tenant_id = $1`,
  sessions: `select s.external_key, s.title, s.starts_at, s.ends_at, c.external_key as course
    from sessions s join courses c on c.tenant_id = s.tenant_id and c.id = s.course_id where s.tenant_id = $1`,
  modules: `select m.external_key, m.title, m.kind, m.week_from, m.week_to, c.external_key as course
    from modules m join courses c on c.tenant_id = m.tenant_id and c.id = m.course_id where m.tenant_id = $1`,
  assessments: `select a.external_key, a.title, a.kind, a.weight, a.due_on::text, c.external_key as course
    from assessments a join courses c on c.tenant_id = a.tenant_id and c.id = a.course_id where a.tenant_id = $1`,
  users: `select ref, state, first_name, last_name, display_name, email, login_name, directory_object_id, custom_fields,
      roles, (select json_agg(product) from product_accounts p where p.tenant_id = u.tenant_id and p.user_id = u.id) as products
    from users u where tenant_id = $1`,
  enrollments: `select u.ref, c.external_key as course, s.external_key as session, e.state, e.result,
      e.registered_on::text, e.withdrawn_on::text, e.previous_attempts, e.credits
    from enrollments e
    join users u on u.tenant_id = e.tenant_id and u.id = e.user_id
    join courses c on c.tenant_id = e.tenant_id and c.id = e.course_id
    left join sessions s on s.tenant_id = e.tenant_id and s.id = e.session_id
    where e.tenant_id = $1`,
  assessment_attempts: `select u.ref, a.external_key as assessment, t.attempt, t.submitted_on::text, t.score, t.banked
    from assessment_attempts t
    join users u on u.tenant_id = t.tenant_id and u.id = t.user_id
    join assessments a on a.tenant_id = t.tenant_id and a.id = t.assessment_id
    where t.tenant_id = $1`,
  record_actions: `select u.ref, m.external_key as module, r.happened_on::text, r.clicks
    from record_actions r
    join users u on u.tenant_id = r.tenant_id and u.id = r.user_id
    join modules m on m.tenant_id = r.tenant_id and m.id = r.module_id
    where r.tenant_id = $1`,
} satisfies Record<string, string>

export type Contents = Record<keyof typeof contents, Record<string, unknown>[]>

/** Everything that an import writes, without generated ids, each table in one fixed order. */
export async function readContents(owner: pg.Client, tenantId: string): Promise<Contents> {
  const all: Record<string, Record<string, unknown>[]> = {}
  for (const [table, query] of Object.entries(contents)) {
    const { rows } = await owner.query<{ row: Record<string, unknown> }>(
      `select to_json(t) as row from (${query}) as t order by to_json(t)::text collate "C"`,
      [tenantId],
    )
    all[table] = rows.map(({ row }) => row)
  }
  return all as Contents
}
