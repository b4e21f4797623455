import { announcedAt, announcing } from '../../events/announce-events.ts'
import { addToRun } from '../../import-runs/record-run.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import {
  addCounts,
  countsOf,
  type FileCounts,
  type Outcome,
  prepareForMany,
  reportRejected,
  retryVanished,
} from '../import-chunks.ts'
import { copyIntoStaging, createStaging, type FoundFile, type Rejection, TableReader } from '../table-file.ts'
import { generateIdentity, keyPrefix, refPrefix } from './generated-identity.ts'
import { lockLearners } from './lock-learners.ts'
import type { OuladRun } from './oulad-run.ts'
import { findPurged } from './purged-learners.ts'

const learnersPerStatement = 5000

/**
 * Imports studentInfo.csv and studentRegistration.csv: the users, and their enrollments in presentations.
 *
 * One transaction imports both files, because an enrollment needs a line of each, and the latest line of a learner is
 * known only at the end. The rows wait in the database, not in the process.
 *
 * A new user's names and addresses are generated once and then belong to the tenant. An existing user gets new values
 * only of the custom fields in the file. Deleted and purged people stay so.
 */
export async function importLearners(
  run: OuladRun,
  files: { info: FoundFile; registration: FoundFile },
  counts: { info: FileCounts; registration: FileCounts },
): Promise<void> {
  const done = await retryVanished(() =>
    inTenant(run.database, run.tenantId, async (tx) => {
      await prepareForMany(tx)
      const info = await stageFile(run, tx, files.info)
      const registration = await stageFile(run, tx, files.registration)
      await gatherLearners(run, tx)
      await addUsers(run, tx)
      await updateUsers(tx)
      await writeEnrollments(run, tx)
      const pieces = {
        info: piece(files.info, info, await outcomeOfInfo(run, tx)),
        registration: piece(files.registration, registration, await outcomeOfRegistration(run, tx)),
      }
      await addToRun(tx, run.run, pieces.info.counts)
      await addToRun(tx, run.run, pieces.registration.counts)
      return pieces
    }),
  )
  for (const file of ['info', 'registration'] as const) {
    addCounts(counts[file], done[file].counts)
    reportRejected(run, files[file].file, done[file].rejected)
  }
}

type Staged = { lines: number; rejected: Rejection[] }

async function stageFile(run: OuladRun, tx: TenantTransaction, found: FoundFile): Promise<Staged> {
  const staged: Staged = { lines: 0, rejected: [] }
  await createStaging(tx, found.shape)
  const reader = await TableReader.open(found)
  try {
    for (;;) {
      const chunk = await reader.read(run.linesPerChunk)
      if (chunk === undefined) break
      run.signal?.throwIfAborted()
      await copyIntoStaging(tx, found.shape, chunk)
      staged.lines += chunk.lines
      for (const rejection of chunk.rejected) staged.rejected.push(rejection)
      run.onProgress?.({ file: found.file, rows: staged.lines, bytes: chunk.bytesRead, totalBytes: found.size })
    }
  } finally {
    await reader.close()
  }
  await tx.query(`analyze ${found.shape.stagedAs}`)
  return staged
}

function piece(found: FoundFile, staged: Staged, outcome: Outcome): { counts: FileCounts; rejected: Rejection[] } {
  return {
    counts: countsOf(found.file, staged.lines, staged.rejected, outcome),
    rejected: [...staged.rejected, ...outcome.rejected],
  }
}

/** One row for each learner, from the line of the latest presentation, with the user where there is one already. */
async function gatherLearners(run: OuladRun, tx: TenantTransaction): Promise<void> {
  await lockLearners(run, tx, 'staged_student_info')
  await tx.query(
    `create temporary table learners (
       id_student integer primary key,
       line integer not null,
       ref text not null,
       custom_fields jsonb not null,
       user_id uuid,
       state text,
       purged boolean not null default false,
       written boolean not null default false
     ) on commit drop`,
  )
  await tx.query(
    `insert into learners (id_student, line, ref, custom_fields, user_id, state)
     select latest.id_student, latest.line, $2 || latest.id_student, latest.custom_fields, u.id, u.state
     from (
       select distinct on (i.id_student) i.id_student, i.line,
         jsonb_strip_nulls(jsonb_build_object(
           'gender', i.gender, 'region', i.region, 'highest_education', i.highest_education,
           'imd_band', i.imd_band, 'age_band', i.age_band, 'disability', i.disability
         )) as custom_fields
       from staged_student_info i
       join courses c on c.tenant_id = $1 and c.external_key = $3 || i.code_module || '/' || i.code_presentation
       order by i.id_student, c.starts_on desc, c.external_key desc, i.line desc
     ) as latest
     left join users u on u.tenant_id = $1 and u.ref = $2 || latest.id_student`,
    [tx.tenantId, refPrefix(run.source), keyPrefix(run.source)],
  )
  await tx.query('analyze learners')
}

/** Creates a user for each learner who has none, except for purged people. */
async function addUsers(run: OuladRun, tx: TenantTransaction): Promise<void> {
  for (let after = -1; ; ) {
    const { rows } = await tx.query<{ id: number }>(
      `select id_student as id from learners
       where user_id is null and id_student > $1 order by id_student limit ${learnersPerStatement}`,
      [after],
    )
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.id
    const ids = rows.map((row) => row.id)
    const purged = await findPurged(tx, run.source, ids)
    if (purged.size > 0) {
      await tx.query('update learners set purged = true where id_student = any ($1::integer[])', [[...purged]])
    }
    await insertUsers(
      run,
      tx,
      ids.filter((id) => !purged.has(id)),
    )
  }
}

async function insertUsers(run: OuladRun, tx: TenantTransaction, ids: number[]): Promise<void> {
  const identities = ids.map((id) => generateIdentity(run.source, id))
  // Another user may hold the ref or the directory object id by now; "do nothing" leaves that learner without a user.
  await tx.query(
    `with added as (
       insert into users (
         tenant_id, ref, first_name, last_name, display_name, email, login_name, directory_object_id, custom_fields
       )
       select $1, l.ref, g.first_name, g.last_name, g.first_name || ' ' || g.last_name, g.email, g.login_name,
         g.directory_object_id, l.custom_fields
       from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[])
         as g (id_student, first_name, last_name, email, login_name, directory_object_id)
       join learners l using (id_student)
       order by g.id_student
       on conflict do nothing
       returning id, ref
     ),
     accounts as (
       insert into product_accounts (tenant_id, user_id, product) select $1, id, 'learn' from added
     ),
     ${announcing('user.created', 'select id from added', { now: '$8', giveUp: '$9' })}
     update learners l set user_id = added.id, state = 'active', written = true from added where added.ref = l.ref`,
    [
      tx.tenantId,
      ids,
      identities.map((identity) => identity.firstName),
      identities.map((identity) => identity.lastName),
      identities.map((identity) => identity.email),
      identities.map((identity) => identity.loginName),
      identities.map((identity) => identity.directoryObjectId),
      ...announcedAt(),
    ],
  )
}

async function updateUsers(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `with changed as (
       select l.id_student, l.user_id, (
         u.custom_fields - '{gender,region,highest_education,imd_band,age_band,disability}'::text[]
       ) || l.custom_fields as custom_fields
       from learners l
       join users u on u.tenant_id = $1 and u.id = l.user_id
       where not l.written and l.state in ('active', 'suspended')
     ),
     updated as (
       update users u set custom_fields = c.custom_fields, updated_at = now()
       from changed c
       where u.tenant_id = $1 and u.id = c.user_id and u.custom_fields <> c.custom_fields
       returning u.id
     ),
     ${announcing('user.updated', 'select id from updated', { now: '$2', giveUp: '$3' })}
     update learners l set written = true from updated where l.user_id = updated.id`,
    [tx.tenantId, ...announcedAt()],
  )
}

async function writeEnrollments(run: OuladRun, tx: TenantTransaction): Promise<void> {
  // The planner may know the table as empty, and would look each enrollment up in whatever index: by course, with all of
  // the course's learners, or by tenant, with everybody, those that the statement adds included. So it may not look up one
  // by one: it reads what the tenant has once and joins by hash.
  await tx.query(
    `create temporary table written_enrollments (user_id uuid not null, course_id uuid not null) on commit drop;
     set local enable_nestloop = off`,
  )
  await tx.query(
    `with registrations as (
       select distinct on (id_student, code_module, code_presentation)
         id_student, code_module, code_presentation, date_registration, date_unregistration
       from staged_student_registration
       order by id_student, code_module, code_presentation, line desc
     ),
     given as (
       select distinct on (l.user_id, c.id)
         l.user_id, c.id as course_id, s.id as session_id,
         case i.final_result
           when 'Pass' then 'completed'
           when 'Distinction' then 'completed'
           when 'Fail' then 'failed'
           when 'Withdrawn' then 'withdrawn'
           else 'in_progress'
         end as state,
         lower(i.final_result) as result,
         c.starts_on + r.date_registration as registered_on,
         c.starts_on + r.date_unregistration as withdrawn_on,
         i.num_of_prev_attempts as previous_attempts,
         i.studied_credits as credits
       from staged_student_info i
       join learners l using (id_student)
       join courses c on c.tenant_id = $1 and c.external_key = $2 || i.code_module || '/' || i.code_presentation
       left join sessions s on s.tenant_id = $1 and s.external_key = c.external_key
       left join registrations r using (id_student, code_module, code_presentation)
       where l.user_id is not null and l.state in ('active', 'suspended')
       order by l.user_id, c.id, i.line desc
     ),
     written as (
       insert into enrollments (
         tenant_id, user_id, course_id, session_id, state, result, registered_on, withdrawn_on, previous_attempts, credits
       )
       select $1, g.*
       from given g
       left join enrollments e
         on e.tenant_id = $1 and e.user_id = g.user_id and e.course_id = g.course_id
       where e.id is null
         -- Whoever was unenrolled since stays so.
         or e.unenrolled_at is null and (e.session_id, e.state, e.result, e.registered_on, e.withdrawn_on, e.previous_attempts, e.credits)
           is distinct from
           (g.session_id, g.state, g.result, g.registered_on, g.withdrawn_on, g.previous_attempts, g.credits)
       order by g.user_id
       on conflict (tenant_id, user_id, course_id) where course_id is not null and unenrolled_at is null do update
         set session_id = excluded.session_id, state = excluded.state, result = excluded.result,
           registered_on = excluded.registered_on, withdrawn_on = excluded.withdrawn_on,
           previous_attempts = excluded.previous_attempts, credits = excluded.credits
       returning user_id, course_id
     )
     insert into written_enrollments select user_id, course_id from written`,
    [tx.tenantId, keyPrefix(run.source)],
  )
  await tx.query('set local enable_nestloop = on; analyze written_enrollments')
}

const reasons: Record<string, string> = {
  presentation: 'code_module and code_presentation name no presentation of courses.csv',
  taken: 'another user has the ref or the directory object id of the learner that id_student names',
  no_info: 'studentInfo.csv has no line of this learner and presentation',
}

/** What became of the lines of a staged file: `lines` only where they were rejected. */
type LinesByFate = { fate: string; count: number; lines: number[] | null }

async function outcomeOfInfo(run: OuladRun, tx: TenantTransaction): Promise<Outcome> {
  const { rows } = await tx.query<LinesByFate>(
    `with judged as (
       select i.line, case
         when c.id is null then 'presentation'
         when l.purged then 'purged'
         when l.user_id is null then 'taken'
         when l.state not in ('active', 'suspended') then 'deleted'
         when e.user_id is not null or (l.written and l.line = i.line) then 'written'
         else 'unchanged'
       end as fate
       from staged_student_info i
       left join courses c on c.tenant_id = $1 and c.external_key = $2 || i.code_module || '/' || i.code_presentation
       left join learners l using (id_student)
       left join written_enrollments e on e.user_id = l.user_id and e.course_id = c.id
     )
     select fate, count(*) as count, array_agg(line) filter (where fate in ('presentation', 'taken')) as lines
     from judged group by fate`,
    [tx.tenantId, keyPrefix(run.source)],
  )
  return outcomeOf(rows)
}

async function outcomeOfRegistration(run: OuladRun, tx: TenantTransaction): Promise<Outcome> {
  const { rows } = await tx.query<LinesByFate>(
    `with enrolled as (
       select distinct id_student, code_module, code_presentation, true as found from staged_student_info
     ),
     judged as (
       select r.line, case
         when c.id is null then 'presentation'
         when i.found is null then 'no_info'
         when l.purged then 'purged'
         when l.user_id is null then 'taken'
         when l.state not in ('active', 'suspended') then 'deleted'
         when e.user_id is not null then 'written'
         else 'unchanged'
       end as fate
       from staged_student_registration r
       left join courses c on c.tenant_id = $1 and c.external_key = $2 || r.code_module || '/' || r.code_presentation
       left join enrolled i using (id_student, code_module, code_presentation)
       left join learners l using (id_student)
       left join written_enrollments e on e.user_id = l.user_id and e.course_id = c.id
     )
     select fate, count(*) as count,
       array_agg(line) filter (where fate in ('presentation', 'no_info', 'taken')) as lines
     from judged group by fate`,
    [tx.tenantId, keyPrefix(run.source)],
  )
  return outcomeOf(rows)
}

function outcomeOf(rows: LinesByFate[]): Outcome {
  const count = (fate: string) => rows.find((row) => row.fate === fate)?.count ?? 0
  const rejected = rows.flatMap(({ fate, lines }) => {
    const reason = reasons[fate]
    return reason === undefined ? [] : (lines ?? []).map((line) => ({ line, reason }))
  })
  return { written: count('written'), rejected, deleted: count('deleted'), purged: count('purged') }
}
