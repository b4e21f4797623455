import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify'
import { type Api, apiAt } from './api.ts'
import { httpError } from './errors.ts'
import type { HttpServer } from './http-server.ts'
import { refuseOtherMethods } from './method-refusals.ts'

/** Answers an error of a request in the format of one API. */
export type ErrorHandler = (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

type Plugin = FastifyPluginAsync<object, RawServerDefault, TypeBoxTypeProvider>

/**
 * Registers the plugin of an API in a context of its own. The context handles the errors of the API, missing addresses below
 * its prefixes, and methods that an address does not take.
 *
 * Throws where the plugin adds a route outside of the prefixes of the API.
 */
export async function mountApi(server: HttpServer, api: Api, handleError: ErrorHandler): Promise<void> {
  const plugin: Plugin = async (context) => {
    context.setErrorHandler(handleError)
    context.addHook('onRoute', ({ url }) => {
      if (apiAt([api], url) === undefined) {
        throw new TypeError(`The route ${url} is not below ${api.prefixes.join(' or ')}`)
      }
    })
    const addRefusals = refuseOtherMethods(context)
    await api.plugin(context)
    // The plugin may have registered others, which add their routes now.
    await context.after()
    addRefusals()
    for (const prefix of api.prefixes) await context.register(notFoundBelow, { prefix })
  }
  await server.register(plugin)
}

/** Fastify keeps one such handler for each prefix. */
const notFoundBelow: Plugin = async (context) => {
  context.setNotFoundHandler(refuseUnknownAddress)
}

/** For addresses that no route has. */
export function refuseUnknownAddress(): never {
  throw httpError('request.unknown_route')
}
