import { type FileCounts, importChunks } from '../import-chunks.ts'
import type { TableReader } from '../table-file.ts'
import { keyPrefix } from './generated-identity.ts'
import { type OuladRun, type Settlement, settle } from './oulad-run.ts'

/** Imports vle.csv: a module of the course for each site. */
export async function importModules(run: OuladRun, reader: TableReader, counts: FileCounts): Promise<void> {
  await importChunks(run, reader, counts, async (tx) => {
    const { rows } = await tx.query<Settlement>(
      `with resolved as materialized (
         select s.line, s.id_site, s.activity_type, s.week_from, s.week_to, c.id as course_id
         from staged_vle s
         left join courses c
           on c.tenant_id = $1 and c.external_key = $2 || s.code_module || '/' || s.code_presentation
       ),
       given as (
         select distinct on (id_site) course_id, activity_type || ' ' || id_site as title, activity_type as kind,
           week_from, week_to, $2 || id_site as external_key
         from resolved where course_id is not null
         order by id_site, line desc
       ),
       written as (
         insert into modules as m (tenant_id, course_id, title, kind, week_from, week_to, external_key)
         select $1, course_id, title, kind, week_from, week_to, external_key from given
         on conflict (tenant_id, external_key) do update
           set course_id = excluded.course_id, title = excluded.title, kind = excluded.kind,
             week_from = excluded.week_from, week_to = excluded.week_to
           where (m.course_id, m.title, m.kind, m.week_from, m.week_to) is distinct from
             (excluded.course_id, excluded.title, excluded.kind, excluded.week_from, excluded.week_to)
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
