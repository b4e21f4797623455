import pg from 'pg'

/**
 * What every table of the application holds, as one hash a table: equal before and after where nothing has changed.
 * `tenant`: only the rows of this one.
 */
export async function tableFingerprint(
  owner: pg.Client,
  except: readonly string[] = [],
  tenant?: string,
): Promise<Record<string, string>> {
  const { rows: tables } = await owner.query<{ name: string; tenant_column: string | null }>(
    `select c.relname as name, a.attname as tenant_column from pg_class c
     left join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname`,
  )
  const hashes: Record<string, string> = {}
  await owner.query('begin; set local role lethe_auditor')
  for (const { name, tenant_column } of tables) {
    if (except.includes(name) || (tenant !== undefined && tenant_column === null)) continue
    const { rows } = await owner.query(
      `select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as hash from ${pg.escapeIdentifier(name)} t
       where $1::uuid is null or ${tenant_column ?? 'null::uuid'} = $1`,
      [tenant ?? null],
    )
    hashes[name] = rows[0].hash
  }
  await owner.query('commit')
  return hashes
}
