import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ipaddr from 'ipaddr.js'
import { type DriverName, driverNames, usualDriver } from './platform/database/driver.ts'
import { type Patience, requestPatience, usualConnections, usualWaitSeconds } from './platform/database/patience.ts'
import { inputError } from './platform/validation/errors.ts'
import { requireWholeNumber } from './platform/validation/require-number.ts'

/** Where Lethe finds its database and its keys. Read once at the start; nothing else reads the environment. */
export type Config = {
  /** Folder of the embedded server and of the keys that belong to it. */
  dataFolder: string
  /** The application's own login on a PostgreSQL server; unset: the embedded server. */
  databaseUrl: string | undefined
  /** The owner of the tables, for migrations; unset with the embedded server, which has its own. */
  databaseOwnerUrl: string | undefined
  /** 32 bytes in base64 that wrap every other key; unset with the embedded server: a file in the data folder. */
  masterKey: string | undefined
  /** Tenant that a command means when it names none. */
  tenant: string | undefined
  /** The mail server, such as smtp://user:password@host:587; unset: no e-mails are sent. */
  smtpUrl: string | undefined
  /** The address that e-mails are sent from. */
  mailFrom: string | undefined
  /** Where people and programs reach the server; unset: links lead to where a request was sent to. */
  publicUrl: string | undefined
  /** When the embedded server rewrites the tables that erasures touched, every day (UTC); undefined: never. */
  rewriteAt: { hour: number; minute: number } | undefined
  /** Larger tables are left to "lethe db rewrite" then, in bytes. */
  rewriteLimit: number
  /** How many jobs one process works on at a time. */
  workers: number
  /** Most connections to the database that requests and jobs of one process share. */
  databaseConnections: number
  /** The longest wait for one of them, in seconds. */
  databaseWaitSeconds: number
  /** How long a request waits in the database. */
  requestPatience: Patience
  /** Which driver speaks to the database. */
  driver: DriverName
  /** Folders that connectors may read; with a tenant's id, only that tenant's connectors. */
  connectorFolders: readonly { folder: string; tenant?: string }[]
  /** Private networks that connectors may connect to, in CIDR notation. */
  connectorNetworks: readonly string[]
  /** A file of certificates (PEM) that connectors trust beside those of Node; unset: none. */
  connectorCa: string | undefined
  /** Private networks that webhooks may be delivered to, in CIDR notation. */
  webhookNetworks: readonly string[]
  /** A file of certificates (PEM) that webhooks trust beside those of Node; unset: none. */
  webhookCa: string | undefined
  /** Whether webhooks may be delivered without TLS. */
  webhookPlainHttp: boolean
}

/** Where this installation of Lethe is. */
export const projectFolder = path.resolve(fileURLToPath(new URL('..', import.meta.url)))

/** The data folder where nobody names another one. */
export const defaultDataFolder = path.join(projectFolder, 'data')

/**
 * Reads the configuration from environment variables; `overrides` are the command line's options.
 *
 * Throws `input.invalid`, naming the variable.
 */
export function readConfig(environment: NodeJS.ProcessEnv, overrides: Partial<Config> = {}): Config {
  const set = (name: string) => environment[name] || undefined
  const number = (name: string, usual: number, from: number, to: number) => {
    const given = set(name)
    return given === undefined ? usual : requireWholeNumber(name, Number(given), { from, to })
  }
  return {
    dataFolder: path.resolve(overrides.dataFolder ?? set('LETHE_DATA') ?? defaultDataFolder),
    databaseUrl: overrides.databaseUrl ?? set('DATABASE_URL'),
    databaseOwnerUrl: overrides.databaseOwnerUrl ?? set('DATABASE_OWNER_URL'),
    masterKey: overrides.masterKey ?? set('LETHE_MASTER_KEY'),
    tenant: overrides.tenant ?? set('LETHE_TENANT'),
    smtpUrl: overrides.smtpUrl ?? set('LETHE_SMTP_URL'),
    mailFrom: overrides.mailFrom ?? set('LETHE_MAIL_FROM'),
    publicUrl: overrides.publicUrl ?? set('LETHE_PUBLIC_URL'),
    rewriteAt: overrides.rewriteAt ?? readRewriteTime(set('LETHE_REWRITE_AT') ?? '03:00'),
    rewriteLimit: overrides.rewriteLimit ?? readRewriteLimit(set('LETHE_REWRITE_LIMIT') ?? '256'),
    workers: overrides.workers ?? 2,
    databaseConnections:
      overrides.databaseConnections ?? number('LETHE_DATABASE_CONNECTIONS', usualConnections, 2, 1000),
    databaseWaitSeconds: overrides.databaseWaitSeconds ?? number('LETHE_DATABASE_WAIT', usualWaitSeconds, 1, 600),
    requestPatience: overrides.requestPatience ?? {
      lockSeconds: number('LETHE_LOCK_TIMEOUT', requestPatience.lockSeconds, 1, 3600),
      statementSeconds: number('LETHE_STATEMENT_TIMEOUT', requestPatience.statementSeconds, 1, 86_400),
      idleSeconds: number('LETHE_IDLE_TIMEOUT', requestPatience.idleSeconds, 1, 3600),
    },
    driver: overrides.driver ?? readDriver(set('LETHE_DRIVER') ?? usualDriver),
    ...readConnectorSettings(set, overrides),
    ...readWebhookSettings(set, overrides),
  }
}

function readWebhookSettings(
  set: (name: string) => string | undefined,
  overrides: Partial<Config>,
): Pick<Config, 'webhookNetworks' | 'webhookCa' | 'webhookPlainHttp'> {
  const field = 'LETHE_WEBHOOK_PLAIN_HTTP'
  const plain = set(field) ?? 'no'
  if (!['yes', 'no'].includes(plain))
    throw inputError('input.invalid', { field, expected: '"yes" or "no" is expected' })
  return {
    webhookNetworks:
      overrides.webhookNetworks ?? readNetworks('LETHE_WEBHOOK_NETWORKS', set('LETHE_WEBHOOK_NETWORKS') ?? ''),
    webhookCa: overrides.webhookCa ?? set('LETHE_WEBHOOK_CA'),
    webhookPlainHttp: overrides.webhookPlainHttp ?? plain === 'yes',
  }
}

function readRewriteTime(text: string): Config['rewriteAt'] {
  if (text === 'off') return undefined
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  if (hour !== undefined && minute !== undefined) return { hour: Number(hour), minute: Number(minute) }
  throw inputError('input.invalid', {
    field: 'LETHE_REWRITE_AT',
    expected: 'a time of day (UTC) such as 03:00, or "off", is expected',
  })
}

function readRewriteLimit(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 2 ** 20
  throw inputError('input.invalid', {
    field: 'LETHE_REWRITE_LIMIT',
    expected: 'a whole number of mebibytes is expected',
  })
}

function readConnectorSettings(
  set: (name: string) => string | undefined,
  overrides: Partial<Config>,
): Pick<Config, 'connectorFolders' | 'connectorNetworks' | 'connectorCa'> {
  return {
    connectorFolders: overrides.connectorFolders ?? readFolders(set('LETHE_CONNECTOR_FOLDERS') ?? ''),
    connectorNetworks:
      overrides.connectorNetworks ?? readNetworks('LETHE_CONNECTOR_NETWORKS', set('LETHE_CONNECTOR_NETWORKS') ?? ''),
    connectorCa: overrides.connectorCa ?? set('LETHE_CONNECTOR_CA'),
  }
}

function readFolders(text: string): Config['connectorFolders'] {
  return text
    .split(path.delimiter)
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      const [, tenant, folder = ''] = /^(?:([0-9a-fA-F-]{36})=)?(.*)$/s.exec(entry.trim()) ?? []
      if (!path.isAbsolute(folder)) {
        throw inputError('input.invalid', {
          field: 'LETHE_CONNECTOR_FOLDERS',
          expected: `absolute paths separated by "${path.delimiter}" are expected, each with "TENANT-ID=" in front or not`,
        })
      }
      return tenant === undefined ? { folder } : { folder, tenant: tenant.toLowerCase() }
    })
}

function readNetworks(field: string, text: string): string[] {
  const networks = text.split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]))
  if (!networks.every((network) => ipaddr.isValidCIDR(network))) {
    throw inputError('input.invalid', {
      field,
      expected: 'networks such as 10.1.0.0/16, separated by commas, are expected',
    })
  }
  return networks
}

function readDriver(text: string): DriverName {
  const driver = driverNames.find((name) => name === text)
  if (driver !== undefined) return driver
  throw inputError('input.invalid', {
    field: 'LETHE_DRIVER',
    expected: `one of ${driverNames.join(', ')} is expected`,
  })
}
