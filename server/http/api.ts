import type { ErrorFormat } from './errors/error-format.ts'
import type { HttpServer } from './http-server.ts'

/** A group of operations in the document. */
export type Tag = { name: string; description: string }

/**
 * An API: a Fastify plugin, and what the frame must know of it before a request has found a route.
 *
 * The plugin gets a context of its own (Fastify calls that encapsulation): its hooks, content types and decorators hold for
 * its routes only. Every route says in its `config` who may call it.
 */
export type Api = {
  /** Stands before the groups of the API in the document. APIs of one title share their groups. */
  title: string
  /**
   * Where its addresses begin, such as `/api/v1`. The plugin may add routes below these only, and errors below these have the
   * format of the API, whether or not the request reaches a route.
   */
  prefixes: readonly string[]
  /** How it answers errors; absent: as the frame does. */
  errors?: ErrorFormat
  /** Its groups of operations, in the order of the page. */
  tags?: readonly Tag[]
  /** Adds the routes, and the hooks and parsers of bodies that only they have. */
  plugin(server: HttpServer): void | Promise<void>
}

/** The API that an address belongs to; undefined for an address of none. */
export function apiAt(apis: readonly Api[], url: string): Api | undefined {
  return apis.find(({ prefixes }) => prefixes.some((prefix) => isBelow(prefix, url)))
}

/** `/api/v1`, `/api/v1/users` and `/api/v1?x` are below `/api/v1`; `/api/v10` and `/api/v1-old` are not. */
function isBelow(prefix: string, url: string): boolean {
  return url.startsWith(prefix) && !/^[\w-]/.test(url.slice(prefix.length))
}
