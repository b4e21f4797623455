import canonicalize from 'canonicalize'
import type pg from 'pg'
import { readAddress, requireVisible } from './identifiers/address.ts'
import { type IdentifierKind, identifierKey } from './identifiers/identifier-key.ts'
import { inputError } from './platform/validation/errors.ts'

/**
 * The result for a stored value that is not a valid address. It is cleaned, or left as it is: another person of the
 * tenant has the cleaned address, or the intended address is not clear.
 */
export type AddressOutcome = 'cleaned' | 'held_by_another' | 'unclear'

/** A value that was looked at, by the row that it stands in: never what it is. */
export type AddressFinding = { tenant: string; table: string; column: string; id: string; outcome: AddressOutcome }

/** How many values of a column were cleaned and left. */
export type AddressCounts = { table: string; column: string; cleaned: number; left: number }

/** Lists of addresses. A test compares them with the data map. */
export const addressLists = ['catalogs', 'courses', 'training_plans', 'sessions'] as const

const identifierColumns = {
  email: 'email',
  login_name: 'login_name',
  ref: 'ref',
  external_identity_id: 'external_identity_id',
} as const satisfies Record<string, IdentifierKind>
type IdentifierColumn = keyof typeof identifierColumns

/** Where the database keeps what the values are compared by. */
const keyColumns: Record<IdentifierColumn, string> = {
  email: 'email_key',
  login_name: 'login_key',
  ref: 'ref_key',
  external_identity_id: 'external_identity_key',
}

// Nearly all of them are plain, and need not be looked at: PostgreSQL says which are not.
const plain = `'^[A-Za-z0-9!#$%&''*+/=?^_\`{|}~.-]+@[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$'`
const suspicious: Record<IdentifierColumn, string> = {
  email: `email !~ ${plain}`,
  login_name: `(login_name ~ '[^ -~]' or (login_name ~ '@' and regexp_replace(login_name, '^.*[|]', '') !~ ${plain}))`,
  ref: `ref ~ '[^ -~]'`,
  external_identity_id: `external_identity_id ~ '[^ -~]'`,
}

/**
 * Takes off what came along with the addresses that are stored, in all tenants, as it is taken off where one comes in since
 * then. Nobody becomes somebody else by it: what another person of the tenant has is left as it is. Runs in the transaction
 * of the connection, as the owner of the tables, and records in each tenant's audit trail how many it changed.
 */
export async function cleanAddresses(owner: pg.ClientBase): Promise<AddressFinding[]> {
  const { rows: tenants } = await owner.query<{ id: string }>('select tenant_ids() as id')
  const findings: AddressFinding[] = []
  for (const { id: tenant } of tenants) {
    // The owner's rows are separated by tenant, too. The id comes from the database.
    await owner.query(`set local lethe.tenant_id = '${tenant}'`)
    const found: AddressFinding[] = []
    const at = new Date()
    for (const column of Object.keys(identifierColumns) as IdentifierColumn[]) {
      found.push(...(await cleanIdentifiers(owner, tenant, column, at)))
    }
    for (const table of addressLists) found.push(...(await cleanLists(owner, tenant, table)))
    found.push(...(await cleanReplyAddresses(owner, tenant)))
    await recordCleaned(owner, tenant, countAddresses(found), at)
    findings.push(...found)
  }
  await owner.query('reset lethe.tenant_id')
  return findings
}

/** The findings by column, in the order in which they were found. */
export function countAddresses(findings: readonly AddressFinding[]): AddressCounts[] {
  const groups = Map.groupBy(findings, ({ table, column }) => `${table}.${column}`)
  return [...groups.values()].map((group) => {
    const cleaned = group.filter(({ outcome }) => outcome === 'cleaned').length
    return { table: group[0]?.table ?? '', column: group[0]?.column ?? '', cleaned, left: group.length - cleaned }
  })
}

type Candidate = { id: string; value: string; key: string }

async function cleanIdentifiers(
  owner: pg.ClientBase,
  tenant: string,
  column: IdentifierColumn,
  at: Date,
): Promise<AddressFinding[]> {
  const kind = identifierColumns[column]
  const { rows } = await owner.query<{ id: string; value: string }>(
    `select id, ${column} as value from users
     where tenant_id = $1 and ${column} is not null and ${suspicious[column]} order by id`,
    [tenant],
  )
  const findings: AddressFinding[] = []
  const finding = (id: string, outcome: AddressOutcome) =>
    findings.push({ tenant, table: 'users', column, id, outcome })
  const candidates: Candidate[] = []
  for (const { id, value } of rows) {
    const cleaned = column === 'email' ? onlyAddress(value) : visible(column, value)
    if (cleaned === undefined) finding(id, 'unclear')
    else if (cleaned !== value) candidates.push({ id, value: cleaned, key: identifierKey(kind, cleaned) })
  }
  const held = await heldByAnother(owner, tenant, column, candidates)
  const cleaned = candidates.filter(({ id }) => !held.has(id))
  for (const { id } of candidates) finding(id, held.has(id) ? 'held_by_another' : 'cleaned')
  await owner.query(
    `update users set ${column} = given.value, updated_at = $4
     from unnest($2::uuid[], $3::text[]) as given (id, value)
     where users.tenant_id = $1 and users.id = given.id`,
    [tenant, cleaned.map(({ id }) => id), cleaned.map(({ value }) => value), at],
  )
  return findings
}

/** Which candidates would get what another person has, or what another candidate would get. */
async function heldByAnother(
  owner: pg.ClientBase,
  tenant: string,
  column: IdentifierColumn,
  candidates: readonly Candidate[],
): Promise<Set<string>> {
  // An address of one person may be the login name of another.
  const columns = column === 'email' || column === 'login_name' ? (['email', 'login_name'] as const) : [column]
  const holders = new Map<string, Set<string>>()
  const add = (key: string, id: string) => holders.set(key, (holders.get(key) ?? new Set()).add(id))
  for (const keyColumn of columns.map((one) => keyColumns[one])) {
    const { rows } = await owner.query<{ id: string; key: string }>(
      `select id, ${keyColumn} as key from users where tenant_id = $1 and ${keyColumn} = any ($2)`,
      [tenant, candidates.map(({ key }) => key)],
    )
    for (const { id, key } of rows) add(key, id)
  }
  for (const { id, key } of candidates) add(key, id)
  const isHeld = ({ id, key }: Candidate) => [...(holders.get(key) ?? [])].some((one) => one !== id)
  return new Set(candidates.filter(isHeld).map(({ id }) => id))
}

async function cleanLists(
  owner: pg.ClientBase,
  tenant: string,
  table: (typeof addressLists)[number],
): Promise<AddressFinding[]> {
  const column = 'contact_emails'
  const { rows } = await owner.query<{ id: string; addresses: string[] }>(
    `select id, ${column} as addresses from ${table}
     where tenant_id = $1 and exists (select from unnest(${column}) as address where address !~ ${plain}) order by id`,
    [tenant],
  )
  const findings: AddressFinding[] = []
  const changed: { id: string; addresses: string[] }[] = []
  for (const { id, addresses } of rows) {
    const read = addresses.map((entry) => ({ entry, addresses: allAddresses(entry) }))
    const cleaned = [...new Set(read.flatMap(({ entry, addresses }) => addresses ?? [entry]))]
    if (JSON.stringify(cleaned) !== JSON.stringify(addresses)) {
      changed.push({ id, addresses: cleaned })
      findings.push({ tenant, table, column, id, outcome: 'cleaned' })
    }
    if (read.some(({ addresses }) => addresses === undefined)) {
      findings.push({ tenant, table, column, id, outcome: 'unclear' })
    }
  }
  // Lists of different lengths: one row after the other.
  for (const { id, addresses } of changed) {
    await owner.query(`update ${table} set ${column} = $3 where tenant_id = $1 and id = $2`, [tenant, id, addresses])
  }
  return findings
}

async function cleanReplyAddresses(owner: pg.ClientBase, tenant: string): Promise<AddressFinding[]> {
  const { rows } = await owner.query<{ id: string; value: string }>(
    `select id, reply_to_email as value from courses
     where tenant_id = $1 and reply_to_email is not null and reply_to_email !~ ${plain} order by id`,
    [tenant],
  )
  const place = { tenant, table: 'courses', column: 'reply_to_email' }
  const findings: AddressFinding[] = []
  const cleaned: { id: string; value: string }[] = []
  for (const { id, value } of rows) {
    const address = onlyAddress(value)
    if (address === undefined) findings.push({ ...place, id, outcome: 'unclear' })
    else if (address !== value) {
      cleaned.push({ id, value: address })
      findings.push({ ...place, id, outcome: 'cleaned' })
    }
  }
  await owner.query(
    `update courses set reply_to_email = given.value
     from unnest($2::uuid[], $3::text[]) as given (id, value)
     where courses.tenant_id = $1 and courses.id = given.id`,
    [tenant, cleaned.map(({ id }) => id), cleaned.map(({ value }) => value)],
  )
  return findings
}

/** The addresses in what stands where one address should; undefined where there is none, or something that may be one. */
function allAddresses(entry: string): string[] | undefined {
  const read = readAddress(entry)
  if ('address' in read) return [read.address]
  const found = entry.match(/[^\s<>()[\]"“”„«»,;:\\]+@[^\s<>()[\]"“”„«»,;\\]+/gu)?.map((part) => readAddress(part))
  const addresses = found?.flatMap((one) => ('address' in one ? one.address : []))
  return addresses?.length === found?.length && entry.split('@').length - 1 === found?.length ? addresses : undefined
}

function onlyAddress(value: string): string | undefined {
  const addresses = [...new Set(allAddresses(value) ?? [])]
  return addresses.length === 1 ? addresses[0] : undefined
}

function visible(column: IdentifierColumn, value: string): string | undefined {
  try {
    return requireVisible(column, value, { mayBeAddress: column === 'login_name' }) || undefined
  } catch (error) {
    if (inputError.is(error, 'input.invalid')) return undefined
    throw error
  }
}

async function recordCleaned(
  owner: pg.ClientBase,
  tenant: string,
  counts: readonly AddressCounts[],
  at: Date,
): Promise<void> {
  const cleaned = counts.filter((one) => one.cleaned > 0)
  if (cleaned.length === 0) return
  const details = Object.fromEntries(cleaned.map((one) => [`${one.table}.${one.column}`, one.cleaned]))
  await owner.query(
    `insert into audit_entries (tenant_id, id, at, initiated_from, actor_kind, activity, object_kind, object_id, details)
     values ($1, audit_entry_id($2), $2, 'system', 'system', 'AddressesCleaned', 'tenant', $1, $3)`,
    [tenant, at, canonicalize(details)],
  )
}
