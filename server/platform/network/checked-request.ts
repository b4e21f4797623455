import { lookup as lookUpName } from 'node:dns'
import { Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { mayConnectTo } from './allowed-address.ts'

export type CheckedRequest = {
  method: 'GET' | 'POST'
  headers: OutgoingHttpHeaders
  body?: string
  /** Networks in CIDR notation that may be connected to although they are private, local or reserved. */
  networks: readonly string[]
  /** Certificates (PEM) that are trusted, in place of those of Node. */
  ca?: readonly string[] | undefined
  /** Whether a URL that begins with http:// may be used. */
  plainHttp?: boolean
  signal: AbortSignal
  /** The error for an address that may not be connected to. */
  notAllowed: () => Error
}

/** Gets the answer, and closes its connection. */
export type CheckedAnswer = { answer: IncomingMessage; close: () => void }

/**
 * Sends a request to an address that a tenant chose, and returns the answer as soon as its headers are there. The address
 * that the name has is checked where the socket connects, so a name that changes its address in between leads nowhere else.
 * Certificates are checked; redirects are not followed; nothing is decompressed. The caller closes the connection.
 */
export async function sendChecked(url: URL, options: CheckedRequest): Promise<CheckedAnswer> {
  const { networks, notAllowed } = options
  const isPlain = url.protocol === 'http:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const isKnown = url.protocol === 'https:' || (isPlain && options.plainHttp === true)
  // An address in the URL is not looked up.
  if (!isKnown || (ipaddr.isValid(host) && !mayConnectTo(host, networks))) throw notAllowed()
  const agent = isPlain ? new HttpAgent({ keepAlive: false }) : new HttpsAgent({ keepAlive: false })
  const close = () => agent.destroy()
  try {
    return { answer: await ask(url, host, agent, options), close }
  } catch (error) {
    close()
    throw error
  }
}

function ask(
  url: URL,
  host: string,
  agent: HttpAgent | HttpsAgent,
  { method, headers, body, networks, ca, signal, notAllowed }: CheckedRequest,
): Promise<IncomingMessage> {
  const isPlain = url.protocol === 'http:'
  return new Promise((resolve, reject) => {
    const given = {
      method,
      host,
      port: url.port === '' ? (isPlain ? 80 : 443) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
      lookup: checkedLookup(networks, notAllowed),
      agent,
      signal,
    }
    const secured = {
      rejectUnauthorized: true,
      ...(ipaddr.isValid(host) ? {} : { servername: host }),
      ...(ca && { ca: [...ca] }),
    }
    const asking = isPlain ? requestHttp(given, resolve) : requestHttps({ ...given, ...secured }, resolve)
    // Before the first byte leaves: what the socket is connected to, however it came there.
    asking.once('socket', (socket) =>
      socket.once('connect', () => {
        if (socket.remoteAddress === undefined || !mayConnectTo(socket.remoteAddress, networks)) {
          asking.destroy(notAllowed())
        }
      }),
    )
    asking.once('error', reject)
    asking.end(body)
  })
}

/** Looks a name up, and refuses it where one of its addresses may not be connected to. */
function checkedLookup(networks: readonly string[], notAllowed: () => Error): LookupFunction {
  return (hostname, options, callback) => {
    lookUpName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => mayConnectTo(address, networks))) {
        callback(notAllowed() as NodeJS.ErrnoException, [])
        return
      }
      if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
