import { isUtf8 } from 'node:buffer'
import type { FastifyRequest } from 'fastify'
import { httpError } from '../errors.ts'

/** Whether the route reads a body. */
export function takesBody({ routeOptions }: FastifyRequest): boolean {
  const { schema, url } = routeOptions
  // An address that is not there, or not for this method, says so whatever is sent.
  return schema?.body !== undefined || schema?.hide === true || url === undefined
}

/** Whether the route does what it does without a body too. */
export function answersWithoutBody(request: FastifyRequest): boolean {
  const { schema, config } = request.routeOptions
  return schema?.body === undefined || config.bodyOptional === true
}

/**
 * The text of a body. JSON and forms are UTF-8 (RFC 8259, section 8.1; the URL Standard, section 5): in any other charset
 * letters would be lost. Throws `request.unsupported_charset` where another one is declared, `request.malformed` where the
 * bytes are no UTF-8.
 */
export function requireUtf8(request: FastifyRequest, bytes: Buffer): string {
  const [, quoted, plain] =
    /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]*))/i.exec(request.headers['content-type'] ?? '') ?? []
  const charset = (quoted ?? plain)?.toLowerCase()
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
    throw httpError('request.unsupported_charset')
  }
  if (!isUtf8(bytes)) throw httpError('request.malformed', { reason: 'the body is not UTF-8' })
  return bytes.toString('utf8')
}

/**
 * Makes sure that what is percent-encoded is UTF-8, as everything in an address and in a form is; what is not would be
 * read as U+FFFD. Throws `request.malformed`.
 */
export function requireUtf8Escapes(text: string, part: 'address' | 'body' = 'address'): void {
  for (const [run] of text.matchAll(/(?:%[0-9a-f]{2})+/gi)) {
    if (!isUtf8(Buffer.from(run.replaceAll('%', ''), 'hex'))) {
      throw httpError('request.malformed', { reason: `the ${part} is not UTF-8 in percent-encoding` })
    }
  }
  if (part === 'address' && /[^\x21-\x7e]/.test(text)) {
    throw httpError('request.malformed', { reason: 'the encoding of the address is wrong' })
  }
}
