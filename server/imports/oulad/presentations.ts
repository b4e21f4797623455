import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type FileCounts, importChunks } from '../import-chunks.ts'
import type { TableReader } from '../table-file.ts'
import { keyPrefix } from './generated-identity.ts'
import type { OuladRun } from './oulad-run.ts'

/**
 * Imports courses.csv: a course for each presentation, with the presentation itself as its session, all in one catalog.
 * B starts on 1 February of its year, J on 1 October.
 */
export async function importPresentations(run: OuladRun, reader: TableReader, counts: FileCounts): Promise<void> {
  await importChunks(run, reader, counts, async (tx) => {
    const catalog = await ensureCatalog(tx, run.source)
    const { rows } = await tx.query<{ written: number }>(
      `with given as (
         select distinct on (code_module, code_presentation)
           $3 || code_module || '/' || code_presentation as external_key,
           code_module || ' ' || code_presentation as title,
           make_date(left(code_presentation, 4)::integer, case when code_presentation like '%B' then 2 else 10 end, 1)
             as starts_on,
           module_presentation_length as length_days
         from staged_courses
         order by code_module, code_presentation, line desc
       ),
       written_courses as (
         insert into courses as c (tenant_id, catalog_id, title, starts_on, length_days, external_key)
         select $1, $2, title, starts_on, length_days, external_key from given order by starts_on, external_key
         on conflict (tenant_id, external_key) do update
           set starts_on = excluded.starts_on, length_days = excluded.length_days
           where (c.starts_on, c.length_days) is distinct from (excluded.starts_on, excluded.length_days)
         returning id, external_key
       ),
       known as (
         select id, external_key from written_courses
         union
         select id, external_key from courses where tenant_id = $1 and external_key in (select external_key from given)
       ),
       written_sessions as (
         insert into sessions as s (tenant_id, course_id, title, starts_at, ends_at, external_key)
         select $1, k.id, g.title, g.starts_on::timestamp at time zone 'UTC',
           (g.starts_on + g.length_days)::timestamp at time zone 'UTC', g.external_key
         from given g join known k using (external_key)
         order by g.starts_on, g.external_key
         on conflict (tenant_id, external_key) do update
           set course_id = excluded.course_id, starts_at = excluded.starts_at, ends_at = excluded.ends_at
           where (s.course_id, s.starts_at, s.ends_at)
             is distinct from (excluded.course_id, excluded.starts_at, excluded.ends_at)
         returning external_key
       )
       select count(*) as written
       from (select external_key from written_courses union select external_key from written_sessions) as changed`,
      [tx.tenantId, catalog, keyPrefix(run.source)],
    )
    return { written: rows[0]?.written ?? 0, rejected: [], deleted: 0, purged: 0 }
  })
}

async function ensureCatalog(tx: TenantTransaction, source: string): Promise<string> {
  await tx.query(
    `insert into catalogs (tenant_id, title, external_key) values ($1, 'Open University', $2)
     on conflict (tenant_id, external_key) do nothing`,
    [tx.tenantId, source],
  )
  const { rows } = await tx.query<{ id: string }>(
    'select id from catalogs where tenant_id = $1 and external_key = $2',
    [tx.tenantId, source],
  )
  const id = rows[0]?.id
  if (id === undefined) throw new Error('The catalog was created and is not there')
  return id
}
