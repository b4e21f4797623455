import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Permission } from '../permissions/permissions.ts'
import type { Principal } from '../permissions/principal.ts'
import type { Database } from '../platform/database/pool.ts'

/** The server that routes are added to: what a route's schema says is what its handler's types say. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Who may call the route; `authenticated`: whoever has a valid credential; `public`: everybody. A server with a route
     * that says nothing does not start.
     */
    permission?: Permission | 'authenticated' | 'public'
    /** The path parameter that names the user whom it is done to, where a person may do it to the own account. */
    target?: string
    /** A public route whose callers are counted by address, because it costs or because it can be guessed at. */
    guarded?: boolean
    /** The statuses of errors that its operation throws, for the document. Those of any route of its kind are added. */
    errors?: readonly number[]
    /** The route reads a body and does without: nothing in it is needed. */
    bodyOptional?: boolean
  }
  interface FastifySchema {
    /** Stands in the document: who may call the route, and the parameter that names the user whom it is done to. */
    'x-permission'?: string
    'x-permission-target'?: string
    /** Stands in the document as `required: false` of the body. */
    'x-body-optional'?: boolean
  }
  interface FastifyInstance {
    /** What the routes work with. */
    database: Database
    /** The public address of the configuration; undefined: links lead to where a request was sent to. */
    publicUrl: string | undefined
  }
  interface FastifyRequest {
    /** Who asks; null on public routes. */
    principal: Principal | null
  }
}
