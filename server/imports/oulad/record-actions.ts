import { type FileCounts, importChunks } from '../import-chunks.ts'
import { moveMark } from '../import-mark.ts'
import type { TableReader } from '../table-file.ts'
import { keyPrefix, refPrefix } from './generated-identity.ts'
import { lockLearners } from './lock-learners.ts'
import { type OuladRun, type Settlement, settle } from './oulad-run.ts'

/**
 * Imports the rest of studentVle.csv, from where the reader stands: an action for each line. Two equal lines are two
 * actions, so no key tells whether a line is there already; the mark, which each chunk moves in its own transaction,
 * does.
 */
export async function importRecordActions(run: OuladRun, reader: TableReader, counts: FileCounts): Promise<void> {
  await importChunks(run, reader, counts, async (tx, chunk) => {
    await lockLearners(run, tx, 'staged_student_vle')
    await moveMark(tx, run.source, reader.found.shape.name, chunk.from, chunk.to)
    const { rows } = await tx.query<Settlement>(
      `with learners as materialized (
         select s.id_student, u.id as user_id, u.state
         from (select distinct id_student from staged_student_vle) s
         left join lateral (
           select id, state from users where tenant_id = $1 and ref = $2 || s.id_student offset 0
         ) u on true
       ),
       sites as materialized (
         select s.code_module, s.code_presentation, s.id_site, c.id as course_id, c.starts_on, m.id as module_id
         from (select distinct code_module, code_presentation, id_site from staged_student_vle) s
         left join courses c
           on c.tenant_id = $1 and c.external_key = $3 || s.code_module || '/' || s.code_presentation
         left join lateral (
           select id, course_id from modules where tenant_id = $1 and external_key = $3 || s.id_site offset 0
         ) m on m.course_id = c.id
       ),
       resolved as materialized (
         select s.line, s.id_student, s.sum_click, l.user_id, p.module_id, p.starts_on + s.date as happened_on,
           case
             when p.course_id is null then 'presentation'
             when l.user_id is null then 'learner'
             when p.module_id is null then 'site'
             when l.state not in ('active', 'suspended') then 'deleted'
           end as fault
         from staged_student_vle s
         join learners l using (id_student)
         join sites p using (code_module, code_presentation, id_site)
       ),
       written as (
         insert into record_actions (tenant_id, user_id, module_id, happened_on, clicks)
         select $1, user_id, module_id, happened_on, sum_click from resolved where fault is null
         order by user_id
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
