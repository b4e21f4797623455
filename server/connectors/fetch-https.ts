import { lookup as lookUpName } from 'node:dns'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import ipaddr from 'ipaddr.js'
import { codeOf } from '../platform/database/pool.ts'
import { isLetheError } from '../platform/errors.ts'
import { connectorError } from './errors.ts'
import { type ConnectorSettings, largestFeed, longestFetch } from './settings.ts'

/** What a source is asked with. */
export type Credentials = { kind: 'basic'; username: string; password: string } | { kind: 'bearer'; token: string }

/** Public by its number, and yet no host of the internet: Azure answers virtual machines there (Microsoft, "What is IP address 168.63.129.16?"). */
const notPublic = ['168.63.129.16']

const globalUnicast = ipaddr.parseCIDR('2000::/3')

/**
 * Whether a connector may connect to this address: one of the public internet, or of a network that the operator allows.
 * An IPv4 address inside of an IPv6 address counts as what it is.
 */
export function mayConnectTo(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  const isAllowed = networks.some((network) => {
    const [range, bits] = ipaddr.parseCIDR(network)
    return range.kind() === parsed.kind() && parsed.match([range, bits] as never)
  })
  if (isAllowed) return true
  if (parsed.range() !== 'unicast' || notPublic.includes(parsed.toString())) return false
  return parsed.kind() === 'ipv4' || parsed.match(globalUnicast as never)
}

/**
 * Reads what an HTTPS address answers. The address that the name has is checked where the socket connects, so a name that
 * changes its address in between leads nowhere else. The certificate is checked; redirects are not followed; nothing is
 * decompressed. `limits` are for tests.
 *
 * Throws `connector.address_not_allowed`, `connector.source_unreachable`, `connector.source_refused`,
 * `connector.source_too_large`, `connector.source_too_slow`.
 */
export async function* fetchHttps(
  address: string,
  settings: ConnectorSettings,
  options: {
    credentials?: Credentials | undefined
    signal?: AbortSignal | undefined
    limits?: { bytes?: number; milliseconds?: number }
  } = {},
): AsyncGenerator<Buffer> {
  const { bytes: most = largestFeed, milliseconds = longestFetch } = options.limits ?? {}
  const tooLarge = () => connectorError('connector.source_too_large', { mebibytes: Math.floor(most / 2 ** 20) })
  const tooSlow = AbortSignal.timeout(milliseconds)
  const signal = options.signal === undefined ? tooSlow : AbortSignal.any([tooSlow, options.signal])
  const ca =
    settings.connectorCa === undefined ? undefined : [...rootCertificates, await readFile(settings.connectorCa, 'utf8')]
  const agent = new Agent({ keepAlive: false })
  try {
    const answer = await ask(new URL(address), { ...options, settings, signal, agent, ca })
    if (answer.statusCode !== 200) throw connectorError('connector.source_refused', { status: answer.statusCode ?? 0 })
    if (!['identity', ''].includes(answer.headers['content-encoding'] ?? '')) {
      throw connectorError('connector.source_unreachable', { reason: 'it compresses what it sends' })
    }
    if (Number(answer.headers['content-length'] ?? 0) > most) throw tooLarge()
    let received = 0
    for await (const piece of answer as AsyncIterable<Buffer>) {
      received += piece.length
      if (received > most) throw tooLarge()
      yield piece
    }
    if (!answer.complete) throw connectorError('connector.source_unreachable', { reason: 'it ended too early' })
  } catch (error) {
    if (isLetheError(error)) throw error
    options.signal?.throwIfAborted()
    if (tooSlow.aborted)
      throw connectorError('connector.source_too_slow', { seconds: Math.ceil(milliseconds / 1000) }, error)
    throw connectorError('connector.source_unreachable', { reason: codeOf(error) ?? 'the connection failed' }, error)
  } finally {
    agent.destroy()
  }
}

type Asking = {
  settings: ConnectorSettings
  credentials?: Credentials | undefined
  signal: AbortSignal
  agent: Agent
  ca: string[] | undefined
}

function ask(url: URL, { settings, credentials, signal, agent, ca }: Asking): Promise<IncomingMessage> {
  const { connectorNetworks: networks } = settings
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  // An address in the URL is not looked up.
  if (url.protocol !== 'https:' || (ipaddr.isValid(host) && !mayConnectTo(host, networks))) {
    throw connectorError('connector.address_not_allowed')
  }
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        host,
        port: url.port === '' ? 443 : Number(url.port),
        path: `${url.pathname}${url.search}`,
        ...(ipaddr.isValid(host) ? {} : { servername: host }),
        headers: {
          accept: 'text/csv, text/plain;q=0.9, */*;q=0.1',
          'accept-encoding': 'identity',
          'user-agent': 'Lethe',
          ...(credentials && { authorization: authorizationOf(credentials) }),
        },
        rejectUnauthorized: true,
        lookup: checkedLookup(networks),
        agent,
        signal,
        ...(ca && { ca }),
      },
      resolve,
    )
    // Before the first byte leaves: what the socket is connected to, however it came there.
    asking.once('socket', (socket) =>
      socket.once('connect', () => {
        if (socket.remoteAddress === undefined || !mayConnectTo(socket.remoteAddress, networks)) {
          asking.destroy(connectorError('connector.address_not_allowed'))
        }
      }),
    )
    asking.once('error', reject)
    asking.end()
  })
}

/** Looks a name up, and refuses it where one of its addresses may not be connected to. */
function checkedLookup(networks: readonly string[]): LookupFunction {
  return (hostname, options, callback) => {
    lookUpName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => mayConnectTo(address, networks))) {
        callback(connectorError('connector.address_not_allowed') as NodeJS.ErrnoException, [])
        return
      }
      if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function authorizationOf(credentials: Credentials): string {
  if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}
