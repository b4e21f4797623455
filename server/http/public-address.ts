import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { LetheError } from '../platform/errors.ts'
import { httpError } from './errors.ts'
import type { HttpServer } from './http-server.ts'

/** A name or an address with a port, and nothing else (RFC 9110, section 7.2). */
const hostForm = /^(?:[a-z0-9](?:[a-z0-9._-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i
const absoluteForm = /^(https?):\/\/([^/?#]*)/i

/**
 * Makes sure that a request says where it was sent to, once and in the form of a host: links are made of it. A request that
 * says so twice, or says two different things, may be read otherwise by a proxy in front (RFC 9112, section 3.2).
 */
export function requireOneHost(server: HttpServer, publicUrl: string | undefined): void {
  server.decorate('publicUrl', publicUrl)
  server.addHook('onRequest', (request, _reply, done) => {
    done(faultOf(request))
  })
}

/** The path of an address that a client wrote with scheme and host, as to a proxy (RFC 9112, section 3.2.2). */
export function pathOfRequest({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  if (!absoluteForm.test(url)) return url
  const path = url.replace(absoluteForm, '')
  return path.startsWith('/') ? path : `/${path}`
}

/** Where links lead: the public address of the configuration, else where the request was sent to, as its sender sees it. */
export function originOf(request: FastifyRequest): string {
  const { publicUrl } = request.server
  if (publicUrl !== undefined) return publicUrl
  const { localAddress = '127.0.0.1', localPort } = request.socket
  // HTTP/1.0 may leave the header out.
  const own = `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`
  return `${request.protocol === 'https' ? 'https' : 'http'}://${request.host || own}`
}

/**
 * The address that people and programs reach the server at, without a slash at its end. Throws `server.public_url_invalid`
 * unless it is one of http or https, with nothing behind the path.
 */
export function readPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && url.username === '' && url.password === '' && !/[?#]/.test(text)
  if (url === undefined || !isPlain || !/^https?:$/.test(url.protocol)) {
    throw httpError('server.public_url_invalid')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function faultOf(request: FastifyRequest): LetheError | undefined {
  const { rawHeaders } = request.raw
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length > 1) return malformed('it has more than one Host header')
  const { host } = request.headers
  if (host !== undefined && !hostForm.test(host)) return malformed('its Host header is not a host with a port')
  // Where a proxy that is believed says who was asked, that counts.
  if (request.host !== undefined && request.host !== '' && !hostForm.test(request.host)) {
    return malformed('its X-Forwarded-Host header is not a host with a port')
  }
  const [, , authority] = absoluteForm.exec(request.originalUrl) ?? []
  if (authority !== undefined && authority.toLowerCase() !== host?.toLowerCase()) {
    return malformed('its address and its Host header name different hosts')
  }
  return undefined
}

function malformed(reason: string): LetheError {
  return httpError('request.malformed', { reason })
}
