import { record } from '../audit/record.ts'
import { requireAddress } from '../identifiers/address.ts'
import { peopleError } from '../people/errors.ts'
import { isPermitted } from '../permissions/permissions.ts'
import type { UserRole } from '../permissions/roles.ts'
import { seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'
import { inputError } from '../platform/validation/errors.ts'
import { cutPage, type Paging, readPaging } from '../platform/validation/page.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { connectorError, type DisabledBecause } from './errors.ts'
import type { Credentials } from './fetch-https.ts'

export const connectorKinds = ['folder', 'https'] as const
export type ConnectorKind = (typeof connectorKinds)[number]

/** A connector, without its credentials: they are never shown again. */
export type Connector = {
  id: string
  name: string
  kind: ConnectorKind
  /** The path of the file, or the URL. */
  address: string
  /** E-mail addresses that are told when a run fails or asks. */
  notify_emails: string[]
  /** The user in whose name it runs; null after an erasure of that user. */
  run_as: string | null
  /** Minutes between two runs; null: only on request. */
  every_minutes: number | null
  with_roles: boolean
  /** A feed with fewer good rows than so many percent of the last good one stops the run and asks. */
  least_percent: number
  credentials: Credentials['kind'] | null
  enabled: boolean
  /** Null while it is enabled. */
  disabled_because: DisabledBecause | null
  next_run_at: Date | null
  /** Good rows of the last good feed. */
  last_rows: number | null
  /** Good rows of the feed that stopped the last run; null: nothing is asked. */
  asking_rows: number | null
  created_at: Date
  changed_at: Date
}

const columns = `id, name, kind, address, notify_emails, run_as, every_minutes, with_roles, least_percent,
  credentials_kind as credentials, enabled, disabled_because, case when enabled then next_run_at end as next_run_at,
  last_rows, asking_rows, created_at, changed_at`

/** What a caller gives. A field that is undefined stays, or gets its default. */
export type ConnectorFields = {
  name?: string | undefined
  address?: string | undefined
  notifyEmails?: readonly string[] | undefined
  runAs?: string | undefined
  /** 5 to 44,640 (31 days); null: only on request, which is the default. */
  everyMinutes?: number | null | undefined
  /** Applies the roles in the feed, as far as the user it runs as may give them. Default: false. */
  withRoles?: boolean | undefined
  /** 0 to 100; default 80. */
  leastPercent?: number | undefined
  /** For HTTPS; null: none. */
  credentials?: Credentials | null | undefined
}

/**
 * Creates a connector, which is disabled until {@link enableConnector}. Throws `input.invalid`, `user.not_found`,
 * `connector.run_as_not_permitted`.
 */
export async function createConnector(
  tx: TenantTransaction,
  fields: ConnectorFields & { kind: ConnectorKind },
): Promise<Connector> {
  if (!connectorKinds.includes(fields.kind)) {
    throw inputError('input.invalid', { field: 'kind', expected: `one of ${connectorKinds.join(', ')} is expected` })
  }
  const checked = check(fields.kind, fields)
  if (checked.run_as === undefined)
    throw inputError('input.invalid', { field: 'runAs', expected: 'a user is expected' })
  await requireMayImport(tx, checked.run_as)
  const { rows } = await tx.query<Connector>(
    `insert into connectors (tenant_id, name, kind, address, notify_emails, run_as, every_minutes, with_roles,
       least_percent, disabled_because)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'new') returning ${columns}`,
    [
      tx.tenantId,
      requireLine('name', fields.name),
      fields.kind,
      checked.address ?? requireAddressOf(fields.kind, fields.address),
      checked.notify_emails ?? [],
      checked.run_as,
      checked.every_minutes ?? null,
      checked.with_roles ?? false,
      checked.least_percent ?? 80,
    ],
  )
  const [made] = rows
  if (made === undefined) throw new Error('the connector was just inserted and is not there')
  await record(tx, { activity: 'ConnectorCreated', object: made.id, details: { kind: made.kind } })
  if (fields.credentials == null) return made
  await keepCredentials(tx, made.id, fields.credentials)
  return { ...made, credentials: fields.credentials.kind }
}

/** A page of the connectors, in the order of their creation. Throws `input.invalid`. */
export async function listConnectors(
  tx: TenantTransaction,
  options: Paging = {},
): Promise<{ connectors: Connector[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { rows } = await tx.query<Connector>(
    `select ${columns} from connectors where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    [tx.tenantId, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { connectors: page, next }
}

/** One connector. Throws `input.invalid`, `connector.not_found`. */
export async function showConnector(tx: TenantTransaction, connectorId: string): Promise<Connector> {
  return await read(tx, connectorId, '')
}

async function read(tx: TenantTransaction, connectorId: string, lock: 'for update' | ''): Promise<Connector> {
  const id = requireUuid('connector id', connectorId)
  const { rows } = await tx.query<Connector>(
    `select ${columns} from connectors where tenant_id = $1 and id = $2 ${lock}`,
    [tx.tenantId, id],
  )
  const [found] = rows
  if (found === undefined) throw connectorError('connector.not_found', { id })
  return found
}

/**
 * Changes a connector. One that named an erased person can be enabled again after a change of its address, its
 * notification addresses or the user it runs as. The question of a stopped run is dropped with a new address.
 *
 * Throws `input.invalid`, `connector.not_found`, `connector.run_as_not_permitted`.
 */
export async function changeConnector(
  tx: TenantTransaction,
  connectorId: string,
  fields: ConnectorFields,
): Promise<Connector> {
  const { kind, id } = await read(tx, connectorId, '')
  const checked = check(kind, fields)
  // People first, then the row, as an erasure does.
  if (checked.run_as !== undefined) await requireMayImport(tx, checked.run_as)
  const before = await read(tx, id, 'for update')
  const changed = Object.entries(checked).filter(([, value]) => value !== undefined)
  const isNew = ['address', 'notify_emails', 'run_as'].some((name) => changed.some(([column]) => column === name))
  const runAs = checked.run_as ?? before.run_as
  const address = checked.address ?? before.address
  const isReady = isNew && runAs !== null && !address.includes(erasedMark)
  const sets = changed.map(([column], index) => `${column} = $${index + 3}`)
  if (before.disabled_because === 'names_purged_person' && isReady) sets.push(`disabled_because = 'administrator'`)
  if (checked.address !== undefined && checked.address !== before.address) {
    sets.push('last_rows = null, asking_rows = null, confirmed_rows = null')
  }
  const { rows } = await tx.query<Connector>(
    `update connectors set ${[...sets, 'changed_at = now()'].join(', ')} where tenant_id = $1 and id = $2
     returning ${columns}`,
    [tx.tenantId, id, ...changed.map(([, value]) => value)],
  )
  if (fields.credentials !== undefined) await keepCredentials(tx, id, fields.credentials)
  const names = [...changed.map(([column]) => column), ...(fields.credentials === undefined ? [] : ['credentials'])]
  await record(tx, { activity: 'ConnectorUpdated', object: id, details: { columns: names } })
  const [after = before] = rows
  return fields.credentials === undefined ? after : { ...after, credentials: fields.credentials?.kind ?? null }
}

/**
 * Enables a connector; with a schedule, its first run is due at once. Throws `input.invalid`, `connector.not_found`,
 * `connector.needs_change`, `connector.run_as_not_permitted`.
 */
export async function enableConnector(tx: TenantTransaction, connectorId: string): Promise<Connector> {
  const { id, run_as } = await read(tx, connectorId, '')
  if (run_as !== null) await requireMayImport(tx, run_as)
  const before = await read(tx, id, 'for update')
  if (before.disabled_because === 'names_purged_person' || before.run_as === null) {
    throw connectorError('connector.needs_change')
  }
  if (before.enabled) return before
  const { rows } = await tx.query<Connector>(
    `update connectors set enabled = true, disabled_because = null,
       next_run_at = case when every_minutes is not null then $3::timestamptz end
     where tenant_id = $1 and id = $2 returning ${columns}`,
    [tx.tenantId, id, new Date()],
  )
  await record(tx, { activity: 'ConnectorEnabled', object: id })
  return rows[0] ?? before
}

/** Disables a connector. A run that has begun ends. Throws `input.invalid`, `connector.not_found`. */
export async function disableConnector(
  tx: TenantTransaction,
  connectorId: string,
  because: Extract<DisabledBecause, 'administrator' | 'run_as_not_permitted'> = 'administrator',
): Promise<Connector> {
  const before = await read(tx, connectorId, 'for update')
  if (!before.enabled) return before
  const { rows } = await tx.query<Connector>(
    `update connectors set enabled = false, disabled_because = $3 where tenant_id = $1 and id = $2
     returning ${columns}`,
    [tx.tenantId, before.id, because],
  )
  await record(tx, { activity: 'ConnectorDisabled', object: before.id, details: { because } })
  return rows[0] ?? before
}

/** Deletes a connector. The log of its runs stays. Throws `input.invalid`, `connector.not_found`. */
export async function deleteConnector(tx: TenantTransaction, connectorId: string): Promise<void> {
  const { id } = await read(tx, connectorId, 'for update')
  await tx.query('delete from connectors where tenant_id = $1 and id = $2', [tx.tenantId, id])
  await record(tx, { activity: 'ConnectorDeleted', object: id })
}

/**
 * Requests a run of an enabled connector now. Workers do it; a run that waits already is not doubled. Throws
 * `input.invalid`, `connector.not_found`, `connector.not_enabled`.
 */
export async function requestRun(tx: TenantTransaction, connectorId: string): Promise<void> {
  const { id, enabled } = await read(tx, connectorId, 'for update')
  if (!enabled) throw connectorError('connector.not_enabled')
  await record(tx, { activity: 'ConnectorRunRequested', object: id })
  enqueueRun(tx, id)
}

/**
 * Confirms the feed that stopped the last run, and requests a run. That run accepts as few good rows as were asked about,
 * once. Throws `input.invalid`, `connector.not_found`, `connector.not_enabled`, `connector.not_asking`.
 */
export async function confirmRun(tx: TenantTransaction, connectorId: string): Promise<void> {
  const { id, enabled, asking_rows } = await read(tx, connectorId, 'for update')
  if (!enabled) throw connectorError('connector.not_enabled')
  if (asking_rows === null) throw connectorError('connector.not_asking')
  await tx.query(
    'update connectors set confirmed_rows = asking_rows, asking_rows = null where tenant_id = $1 and id = $2',
    [tx.tenantId, id],
  )
  await record(tx, { activity: 'ConnectorRunConfirmed', object: id, details: { rows: asking_rows } })
  enqueueRun(tx, id)
}

/** Runs of one connector run one after the other. */
export function enqueueRun(tx: TenantTransaction, connectorId: string): void {
  const payload = { tenant: tx.tenantId, connector: connectorId }
  enqueue(tx, 'run_connector', payload, { key: `connector ${connectorId}`, queue: `connector ${connectorId}` })
}

/**
 * Makes sure that a user is active and may import users, and keeps an erasure of that user waiting until the transaction
 * ends. Throws `input.invalid`, `user.not_found`, `connector.run_as_not_permitted`.
 */
export async function requireMayImport(tx: TenantTransaction, userId: string): Promise<void> {
  const { rows } = await tx.query<{ state: string; roles: UserRole[] }>(
    `select state, roles from users where tenant_id = $1 and id = $2 and state <> 'anonymized' for key share`,
    [tx.tenantId, userId],
  )
  const [user] = rows
  if (user === undefined) throw peopleError('user.not_found', { selector: 'id' })
  const principal = {
    tenantId: tx.tenantId,
    initiator: { from: 'policy' as const, userId },
    access: { kind: 'person' as const, roles: user.roles },
  }
  if (user.state !== 'active' || !isPermitted(principal, 'users.write')) {
    throw connectorError('connector.run_as_not_permitted')
  }
}

/** Stands where an erasure took an identifier out of a text. */
const erasedMark = '[erased]'
const mostEmails = 20

type Checked = {
  name?: string | undefined
  address?: string | undefined
  notify_emails?: string[] | undefined
  run_as?: string | undefined
  every_minutes?: number | null | undefined
  with_roles?: boolean | undefined
  least_percent?: number | undefined
}

function check(kind: ConnectorKind, fields: ConnectorFields): Checked {
  const { name, address, notifyEmails, runAs, everyMinutes, leastPercent, credentials } = fields
  if (notifyEmails !== undefined && notifyEmails.length > mostEmails) {
    throw inputError('input.invalid', { field: 'notifyEmails', expected: `at most ${mostEmails} are allowed` })
  }
  if (credentials != null) checkCredentials(kind, credentials)
  return {
    name: name === undefined ? undefined : requireLine('name', name),
    address: address === undefined ? undefined : requireAddressOf(kind, address),
    notify_emails: notifyEmails && [...new Set(notifyEmails.map((one) => requireAddress('notifyEmails', one)))],
    run_as: runAs === undefined ? undefined : requireUuid('runAs', runAs),
    every_minutes:
      everyMinutes == null ? everyMinutes : requireWholeNumber('everyMinutes', everyMinutes, { from: 5, to: 44_640 }),
    with_roles: fields.withRoles,
    least_percent:
      leastPercent === undefined ? undefined : requireWholeNumber('leastPercent', leastPercent, { from: 0, to: 100 }),
  }
}

/** Whether it may be read is decided where it is read: that depends on the operator. */
function requireAddressOf(kind: ConnectorKind, given: string | undefined): string {
  const address = requireLine('address', given, 2000)
  const invalid = (expected: string) => inputError('input.invalid', { field: 'address', expected })
  if (kind === 'folder') {
    const isPlain = address.startsWith('/') && !address.split('/').some((part) => part === '..' || part === '.')
    if (!isPlain) throw invalid('the absolute path of a file is expected, without . and ..')
    return address
  }
  const url = URL.parse(address)
  if (url === null || url.protocol !== 'https:') throw invalid('a URL that begins with https:// is expected')
  if (url.username !== '' || url.password !== '') throw invalid('give user name and password as credentials')
  if (url.hash !== '') throw invalid('a URL without # is expected')
  return url.href
}

function checkCredentials(kind: ConnectorKind, credentials: Credentials): void {
  if (kind === 'folder') {
    throw inputError('input.invalid', { field: 'credentials', expected: 'a file in a folder is read without any' })
  }
  if (credentials.kind === 'basic') {
    if (requireLine('username', credentials.username).includes(':')) {
      throw inputError('input.invalid', { field: 'username', expected: 'a colon is not allowed (RFC 7617, section 2)' })
    }
    requireLine('password', credentials.password, 1000)
  } else if (!/^[A-Za-z0-9._~+/-]+=*$/.test(requireLine('token', credentials.token, 4000))) {
    throw inputError('input.invalid', {
      field: 'token',
      expected: 'letters, digits and - . _ ~ + / are expected (RFC 6750, section 2.1)',
    })
  }
}

/** What a connector's credentials are sealed for. */
export function credentialsPurpose(connectorId: string): string {
  return `credentials of connector ${connectorId}`
}

async function keepCredentials(tx: TenantTransaction, id: string, credentials: Credentials | null): Promise<void> {
  const sealed = credentials && seal(tx.masterKey, Buffer.from(JSON.stringify(credentials)), credentialsPurpose(id))
  await tx.query(
    'update connectors set sealed_credentials = $3, credentials_kind = $4 where tenant_id = $1 and id = $2',
    [tx.tenantId, id, sealed, credentials?.kind ?? null],
  )
}
