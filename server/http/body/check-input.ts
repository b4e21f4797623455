import type { FastifyRequest } from 'fastify'
import { inputError } from '../../platform/validation/errors.ts'
import type { HttpServer } from '../http-server.ts'
import { attempt } from './attempt.ts'
import { answersWithoutBody, requireUtf8Escapes, takesBody } from './request-body.ts'
import { requireStorableJson } from './storable-json.ts'

/** Checks what came in with a request before its schema does. Before any route is added. */
export function checkInput(server: HttpServer): void {
  server.addHook('preValidation', (request, _reply, done) => {
    attempt(() => {
      requireUtf8Escapes(request.url)
      requireStorableJson(request.params)
      requireStorableJson(request.query)
      if (request.body == null && takesBody(request) && answersWithoutBody(request)) request.body = {}
    }, done)
  })
  // Behind the hooks of the API, which may know members that its clients send along with anything.
  server.addHook('onRoute', (route) => {
    route.preValidation = [route.preValidation ?? [], refuseUnreadBody].flat()
  })
}

/** Refuses members of a body that no route reads. */
function refuseUnreadBody(request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void {
  attempt(() => {
    const { body } = request
    if (takesBody(request) || body === undefined || body === null) return
    if (typeof body === 'object' && !Array.isArray(body)) {
      const [name] = Object.keys(body)
      if (name !== undefined) throw inputError('input.unknown_field', { field: name.slice(0, 64) || 'body' })
      return
    }
    throw inputError('input.invalid', { field: 'body', expected: 'it must be empty' })
  }, done)
}
