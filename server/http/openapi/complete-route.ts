import type { RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { type ErrorFormat, statusOf } from '../errors/error-format.ts'

/** The security schemes that let a caller in: any one of these sets. */
export type Credentials = readonly Record<string, readonly string[]>[]

/** Of a route without any: one that is misspelled, or meant for another route, would be left out unseen. */
const noParameters = Type.Object({}, { additionalProperties: false })

/**
 * Completes the route's schema for the document with its credentials and its errors, in the format of its API. Errors are
 * those that it declares (`config.errors`) and those of any route of its kind. Throws if a route does not say who may call
 * it: then the server does not start.
 */
export function completeRoute(route: RouteOptions, format: ErrorFormat, credentials: Credentials): void {
  const { permission, errors = [], bodyOptional, target } = route.config ?? {}
  if (permission === undefined) {
    throw new TypeError(`The route ${String(route.method)} ${route.url} does not say in its config who may call it`)
  }
  const schema = route.schema ?? {}
  if ('hide' in schema && schema.hide === true) return
  const statuses = [...errors, 400, 429, 503]
  if (permission !== 'public') statuses.push(401, 403)
  // Any of these may come with a body, which is read before anybody knows what it is for.
  if ([route.method].flat().some((method) => !['GET', 'HEAD'].includes(method))) statuses.push(413, 415)
  // A body is refused where none is read, and a parameter of the address where none is known.
  const isChecked = permission !== 'public' || (schema.body ?? schema.params ?? schema.querystring ?? schema.headers)
  if (isChecked)
    statuses.push(...[route.method].flat().map((method) => statusOf(format, 'input', { method, route: route.url })))
  route.schema = {
    ...schema,
    ...(permission !== 'public' && schema.querystring === undefined && { querystring: noParameters }),
    response: merged(schema.response as Answers | undefined, errorAnswers(route.url, statuses, format)),
    security: permission === 'public' ? [] : credentials,
    'x-permission': permission,
    ...(bodyOptional === true && { 'x-body-optional': true }),
    ...(target !== undefined && { 'x-permission-target': target }),
    description: [schema.description, neededFor(permission)].filter((part) => part !== undefined).join('\n\n'),
  }
}

type Answers = Record<string, { content?: Record<string, unknown> }>

function errorAnswers(url: string, statuses: readonly number[], { mediaType, schema, reasons }: ErrorFormat): Answers {
  const content = { [mediaType]: { schema: schema.ref } }
  return Object.fromEntries(
    statuses.map((status) => {
      const description = reasons[status]
      if (description === undefined) throw new TypeError(`The API of ${url} does not say what ${status} means`)
      return [status, { description, content }]
    }),
  )
}

/** A status that the route answers in its own way as well has both. */
function merged(own: Answers = {}, errors: Answers): Answers {
  const both = Object.entries(errors).map(([status, error]) => {
    const { content, ...rest } = own[status] ?? {}
    return [status, { ...error, ...rest, content: { ...error.content, ...content } }]
  })
  return { ...own, ...Object.fromEntries(both) }
}

function neededFor(permission: string): string | undefined {
  if (permission === 'public') return undefined
  return permission === 'authenticated' ? 'Needs any credential.' : `Needs the permission \`${permission}\`.`
}
