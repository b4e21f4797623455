import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { pathOfRequest } from '../public-address.ts'
import type { ErrorFormat } from './error-format.ts'

/** An error of Node's parser, with the bytes that it could not read (`clientError` of http.Server). */
type ParserError = Error & { code: string; rawPacket: unknown }

/**
 * Answers bytes that are not HTTP, or that have no end, and closes the connection. The server has no request then. If the
 * bytes begin with the line of a request, its address tells which format of errors the caller reads.
 */
export function answerUnreadable(error: ParserError, socket: Socket, formatAt: (url: string) => ErrorFormat): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const { mediaType, unreadable } = formatAt(addressIn(error.rawPacket))
  const body = JSON.stringify(unreadable(status))
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${mediaType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Longer than the part of an address that tells one API from another. */
const enough = 512

/** The address in the first line of a request (RFC 9112, section 3); empty where there is none. */
function addressIn(bytes: unknown): string {
  if (!Buffer.isBuffer(bytes)) return ''
  const [, url = ''] = /^\S+ (\S+)/.exec(bytes.toString('latin1', 0, enough)) ?? []
  return pathOfRequest({ url })
}
