import { type FileCounts, importChunks } from '../import-chunks.ts'
import type { TableReader } from '../table-file.ts'
import { keyPrefix, refPrefix } from './generated-identity.ts'
import { lockLearners } from './lock-learners.ts'
import { type OuladRun, type Settlement, settle } from './oulad-run.ts'

/** Imports assessments.csv. */
export async function importAssessments(run: OuladRun, reader: TableReader, counts: FileCounts): Promise<void> {
  await importChunks(run, reader, counts, async (tx) => {
    const { rows } = await tx.query<Settlement>(
      `with resolved as materialized (
         select s.line, s.id_assessment, s.assessment_type, s.weight, c.id as course_id, c.starts_on + s.date as due_on
         from staged_assessments s
         left join courses c
           on c.tenant_id = $1 and c.external_key = $2 || s.code_module || '/' || s.code_presentation
       ),
       given as (
         select distinct on (id_assessment) course_id, assessment_type || ' ' || id_assessment as title,
           assessment_type as kind, weight, due_on, $2 || id_assessment as external_key
         from resolved where course_id is not null
         order by id_assessment, line desc
       ),
       written as (
         insert into assessments as a (tenant_id, course_id, title, kind, weight, due_on, external_key)
         select $1, course_id, title, kind, weight, due_on, external_key from given
         on conflict (tenant_id, external_key) do update
           set course_id = excluded.course_id, title = excluded.title, kind = excluded.kind,
             weight = excluded.weight, due_on = excluded.due_on
           where (a.course_id, a.title, a.kind, a.weight, a.due_on) is distinct from
             (excluded.course_id, excluded.title, excluded.kind, excluded.weight, excluded.due_on)
         returning 1
       )
       select (select count(*) from written) as written, coalesce(
         (
           select json_agg(json_build_object('line', line, 'learner', null, 'fault', 'presentation'))
           from resolved where course_id is null
         ), '[]') as unsettled`,
      [tx.tenantId, keyPrefix(run.source)],
    )
    return await settle(run, tx, rows[0] ?? { written: 0, unsettled: [] })
  })
}

/** Imports studentAssessment.csv: the first and only attempt of a learner at an assessment. The last line of one counts. */
export async function importAttempts(run: OuladRun, reader: TableReader, counts: FileCounts): Promise<void> {
  await importChunks(run, reader, counts, async (tx) => {
    await lockLearners(run, tx, 'staged_student_assessment')
    // A row that is there already is compared before the insert: "on conflict" would lock it, which is a write as well.
    // "lateral … offset 0" holds the planner, which may know the table as empty, to looking each row up in the index.
    const { rows } = await tx.query<Settlement>(
      `with learners as materialized (
         select s.id_student, u.id as user_id, u.state
         from (select distinct id_student from staged_student_assessment) s
         left join lateral (
           select id, state from users where tenant_id = $1 and ref = $2 || s.id_student offset 0
         ) u on true
       ),
       assessed as materialized (
         select s.id_assessment, a.id as assessment_id, c.starts_on
         from (select distinct id_assessment from staged_student_assessment) s
         left join assessments a on a.tenant_id = $1 and a.external_key = $3 || s.id_assessment
         left join courses c on c.tenant_id = $1 and c.id = a.course_id
       ),
       resolved as materialized (
         select s.line, s.id_student, s.score, s.is_banked, l.user_id, a.assessment_id,
           a.starts_on + s.date_submitted as submitted_on,
           case
             when a.assessment_id is null then 'assessment'
             when l.user_id is null then 'learner'
             when l.state not in ('active', 'suspended') then 'deleted'
           end as fault
         from staged_student_assessment s
         join learners l using (id_student)
         join assessed a using (id_assessment)
       ),
       given as (
         select distinct on (user_id, assessment_id) user_id, assessment_id, submitted_on, score, is_banked
         from resolved where fault is null
         order by user_id, assessment_id, line desc
       ),
       written as (
         insert into assessment_attempts as t
           (tenant_id, user_id, assessment_id, attempt, submitted_on, score, banked)
         select $1, g.user_id, g.assessment_id, 1, g.submitted_on, g.score, g.is_banked
         from given g
         left join lateral (
           select * from assessment_attempts e
           where e.tenant_id = $1 and e.user_id = g.user_id and e.assessment_id = g.assessment_id and e.attempt = 1
           offset 0
         ) e on true
         where e.user_id is null
           or (e.submitted_on, e.score, e.banked) is distinct from (g.submitted_on, g.score, g.is_banked)
         order by g.user_id, g.assessment_id
         on conflict (tenant_id, user_id, assessment_id, attempt) do update
           set submitted_on = excluded.submitted_on, score = excluded.score, banked = excluded.banked
         returning 1
       )
       select (select count(*) from written) as written, coalesce(
         (
           select json_agg(json_build_object('line', line, 'learner', id_student, 'fault', fault))
           from resolved where fault is not null
         ), '[]') as unsettled`,
      [tx.tenantId, refPrefix(run.source), keyPrefix(run.source)],
    )
    return await settle(run, tx, rows[0] ?? { written: 0, unsettled: [] })
  })
}
