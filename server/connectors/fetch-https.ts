import { codeOf } from '../platform/database/pool.ts'
import { isLetheError } from '../platform/errors.ts'
import { sendChecked } from '../platform/network/checked-request.ts'
import { trustedCertificates } from '../platform/network/trusted-certificates.ts'
import { connectorError } from './errors.ts'
import { type ConnectorSettings, largestFeed, longestFetch } from './settings.ts'

/** What a source is asked with. */
export type Credentials = { kind: 'basic'; username: string; password: string } | { kind: 'bearer'; token: string }

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
  const ca = await trustedCertificates(settings.connectorCa)
  let close: (() => void) | undefined
  try {
    const sent = await sendChecked(new URL(address), {
      method: 'GET',
      headers: {
        accept: 'text/csv, text/plain;q=0.9, */*;q=0.1',
        'accept-encoding': 'identity',
        'user-agent': 'Lethe',
        ...(options.credentials && { authorization: authorizationOf(options.credentials) }),
      },
      networks: settings.connectorNetworks,
      ca,
      signal,
      notAllowed: () => connectorError('connector.address_not_allowed'),
    })
    close = sent.close
    const { answer } = sent
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
    close?.()
  }
}

function authorizationOf(credentials: Credentials): string {
  if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}
