import type { AddressInfo } from 'node:net'
import { codeOf } from '../platform/database/pool.ts'
import { httpError } from './errors.ts'
import type { HttpServer } from './http-server.ts'

/** Port 0: any that is free. */
export type Address = { host: string; port: number }

/** Lets the server listen, and answers the URL that it is at. Throws `server.address_unusable`. */
export async function listen(server: HttpServer, { host, port }: Address): Promise<string> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const reason = codeOf(error)
    if (reason === undefined) throw error
    const why = reason === 'EADDRINUSE' ? 'another program has it' : reason
    throw httpError('server.address_unusable', { host, port, reason: why }, error)
  }
  const address = server.server.address() as AddressInfo
  const name = address.address === '::' || address.address === '0.0.0.0' ? 'localhost' : address.address
  return `http://${name.includes(':') ? `[${name}]` : name}:${address.port}`
}
