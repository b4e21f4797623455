import { writeFile } from 'node:fs/promises'
import type pg from 'pg'
import { compiledMap } from '../server/datamap/compiled.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { type Loaded, withClone } from './databases.ts'
import { filterStatements, openLoaded } from './filters.ts'
import { isSmoke } from './size.ts'
import { drop, multiply } from './ten-fold.ts'

/** Writes the plans of the heaviest statements, on the loaded data, to docs/plans.md. */
export async function writePlans(loaded: Loaded): Promise<void> {
  const parts = [
    '# Plans of the heaviest statements',
    '',
    "PostgreSQL 18, the whole of OULAD in one tenant (28,785 learners, 1.05 million clicks), as the application's role under row level security, or as the auditor where that is said. Written by `npm run bench plans`. Of statements over many tables, the parts that read more than a page.",
  ]
  await withClone(loaded, 'lethe_bench_plans', async ({ app }) => {
    const client = await app.database.pool.connect()
    try {
      parts.push(...(await explainPurge(client, loaded.tenant)))
    } finally {
      client.release()
    }
  })
  parts.push(...(await explainFilters(loaded)))
  // A small run looks at other data.
  if (!isSmoke) await writeFile(new URL('../docs/plans.md', import.meta.url), `${parts.join('\n')}\n`)
}

async function explainPurge(client: pg.PoolClient, tenant: string): Promise<string[]> {
  await client.query(`begin; set local lethe.tenant_id = '${tenant}'`)
  const { rows } = await client.query<{ user_id: string }>(
    `select user_id from record_actions group by user_id having count(*) between 200 and 320 order by user_id limit 1`,
  )
  const people = rows.map(({ user_id }) => user_id)
  const parts: string[] = []
  const explain = async (title: string, text: string, values: unknown[]) => {
    const result = await client.query<Record<'QUERY PLAN', string>>(
      `explain (analyze, costs off, timing off, buffers off, summary off) ${text}`,
      values,
    )
    const plan = result.rows.map((row) =>
      row['QUERY PLAN'].replaceAll(tenant, 'TENANT').replaceAll(people[0] ?? '', 'LEARNER'),
    )
    parts.push('', `## ${title}`, '', '```', ...worthReading(plan), '```')
  }
  const plan = compiledMap.plans.purge
  const acts = plan.acts.filter(({ table }) => ['record_actions', 'assessment_attempts', 'users'].includes(table))
  await client.query('set local role lethe_auditor; set local enable_seqscan = off; set local cpu_operator_cost = 0.05')
  await explain('Locate: what there is about one learner, as the auditor', plan.locate.text, [tenant, people, people])
  await explain('The same with the plan of a preview', plan.locatePlanned.text, [
    tenant,
    people,
    people,
    '018f0000-0000-7000-8000-000000000000',
  ])
  await explain('Look up mentions of three identifiers, as the auditor', plan.lookUpMentions.text, [
    tenant,
    people,
    ['%somebody.else%', '%oulad-99999999%', '%e82c3301%'],
  ])
  await client.query('set local role lethe_app; set local enable_seqscan = on; set local cpu_operator_cost to default')
  for (const { table, effect, statements } of acts.filter(({ effect }) => effect === 'deleted')) {
    const last = statements.at(-1)
    if (last !== undefined && table !== 'users') await explain(`${table}: ${effect}`, last.text, [tenant, people])
  }
  await client.query('rollback')
  return parts
}

/** The filters that look a user up, in one tenant with ten copies of the users. */
async function explainFilters(loaded: Loaded): Promise<string[]> {
  const tenfold = await multiply(loaded, 'one tenant', ['users'])
  const database = await openLoaded(tenfold)
  try {
    const statements = await filterStatements(database, loaded.tenant)
    const parts: string[] = []
    for (const { property, text, values, wanted } of statements) {
      const { rows } = await inTenant(database, loaded.tenant, (tx) =>
        tx.query<Record<'QUERY PLAN', string>>(
          `explain (analyze, costs off, timing off, buffers off, summary off) ${text}`,
          values,
        ),
      )
      const plan = rows.map((row) =>
        row['QUERY PLAN'].replaceAll(loaded.tenant, 'TENANT').replaceAll(bare(wanted), 'VALUE'),
      )
      parts.push(
        '',
        `## OData: $filter by ${property}, in ten copies of all users as one tenant`,
        '',
        '```',
        ...plan,
        '```',
      )
    }
    return parts
  } finally {
    await database.close()
    await drop(tenfold)
  }
}

/** A login name is looked up by the part behind its last bar, and all texts in small letters. */
function bare(value: string): string {
  return value.slice(value.lastIndexOf('|') + 1).toLowerCase()
}

/** Leaves out the parts of a long plan that found an empty table. */
function worthReading(plan: string[]): string[] {
  // Where all tables are aggregated at once, they stand one step deeper.
  const depth = ' '.repeat(plan.some((line) => line.startsWith('  ->  Append')) ? 8 : 2)
  const blocks: string[][] = []
  for (const line of plan) {
    const starts = line.startsWith(`${depth}->`) || blocks.length === 0
    if (starts) blocks.push([line])
    else blocks.at(-1)?.push(line)
  }
  const large = /record_actions|assessment_attempts|enrollments|modules|product_accounts|users/
  return blocks.filter((block, index) => index === 0 || block.some((line) => large.test(line))).flat()
}
