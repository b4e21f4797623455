import type { RouteOptions } from 'fastify'
import { type Static, type TSchema, type TUnknown, type TUnsafe, Type } from 'typebox'
import { isODataAddress } from '../../apis/learn365/odata-error.ts'

/** An error as every API of Lethe's own answers it; see problem.ts. */
export const Problem = named(
  'Problem',
  Type.Object(
    {
      type: Type.String({ description: 'urn:lethe:problem: and the code' }),
      title: Type.String(),
      status: Type.Integer(),
      detail: Type.String({ description: 'A sentence that explains how to fix the request, without personal data' }),
      code: Type.String({ description: 'Stable; programs rely on it', examples: ['user.not_found'] }),
      field: Type.Optional(Type.String({ description: 'The field or parameter that is wrong, if it is exactly one' })),
      details: Type.Optional(Type.Object({}, { additionalProperties: true })),
      candidates: Type.Optional(
        Type.Array(Type.Object({}, { additionalProperties: true }), {
          description:
            'The users that an ambiguous name matches, with name, state, department and when last seen; for callers who may read users',
        }),
      ),
      request_id: Type.String(),
    },
    { description: 'Problem details (RFC 9457)' },
  ),
)

/** An error as the clients of Learn365 expect it; see apis/learn365/odata-error.ts. */
export const ODataError = named(
  'ODataError',
  Type.Object(
    {
      error: Type.Object({
        code: Type.String({ description: 'Stable; programs rely on it', examples: ['user.not_found'] }),
        message: Type.String({ description: 'A sentence that explains how to fix the request, without personal data' }),
        target: Type.Optional(
          Type.String({ description: 'The field or parameter that is wrong, if it is exactly one' }),
        ),
        details: Type.Optional(
          Type.Array(Type.Object({ code: Type.String(), message: Type.String(), target: Type.String() }), {
            description:
              'The users that an ambiguous name matches, for callers who may read users: the state, a description, and the key of exactly this user',
          }),
        ),
      }),
    },
    { description: 'An OData error' },
  ),
)

const reasons = {
  400: 'The request cannot be read: no JSON, no UTF-8, or an address that is not encoded as it should be',
  401: 'No valid credential',
  403: 'The credential may not do this',
  404: 'There is no such thing in this tenant',
  409: 'Conflict with what is there',
  413: 'The body is too large',
  415: 'The content type or its charset is not read here',
  422: 'Something is not valid; `field` names it',
  429: 'Too many requests; Retry-After says when to try again',
  503: 'Not available at the moment; Retry-After says when to try again',
} as const
export type ProblemStatus = keyof typeof reasons

const odataReasons = {
  ...reasons,
  400: 'The request is not valid; `target` names what is not',
  500: 'Several users have this login name; `details` has the key of each',
} as const

/** Of a route without any: one that is misspelled, or meant for another route, would be left out unseen. */
const noParameters = Type.Object({}, { additionalProperties: false })

const credentials = [{ key: [] }, { token: [] }, { session: [], csrf: [] }]

/**
 * The answers of a route, by status. The result claims to have only the successful ones, which are what its handler may
 * return; problems are thrown. What any route of its kind can answer is added by {@link completeRoute}.
 */
export function answers<Successes extends Record<number, TSchema>>(
  successes: Successes,
  problems: readonly ProblemStatus[] = [],
): Successes {
  return { ...successes, ...problemAnswers(problems) }
}

/** The same for a route of the API of Learn365. */
export function odataAnswers<Successes extends Record<number, TSchema>>(
  successes: Successes,
  errors: readonly (keyof typeof odataReasons)[] = [],
): Successes {
  return { ...successes, ...odataErrorAnswers(errors) }
}

/** An answer that is not JSON, or not only: its content types with their schemas. */
export function contents(description: string, schemas: Record<string, object>): TUnknown {
  const content = Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]))
  return { description, content } as unknown as TUnknown
}

/**
 * Completes the route's schema for the document: the problems that any route of its kind can answer, and the credentials
 * that it takes. Throws where a route does not say who may call it: then the server does not start.
 */
export function completeRoute(route: RouteOptions): void {
  const { permission } = route.config ?? {}
  if (permission === undefined) {
    throw new TypeError(`The route ${String(route.method)} ${route.url} does not say in its config who may call it`)
  }
  const schema = route.schema ?? {}
  if ('hide' in schema && schema.hide === true) return
  const problems: ProblemStatus[] = [400, 429, 503]
  if (permission !== 'public') problems.push(401, 403)
  // Any of these may come with a body, which is read before anybody knows what it is for.
  if ([route.method].flat().some((method) => !['GET', 'HEAD'].includes(method))) problems.push(413, 415)
  const odata = isODataAddress(route.url)
  // A body is refused where none is read, and a parameter of the address where none is known.
  if (!odata && permission !== 'public') problems.push(422)
  else if (!odata && (schema.body ?? schema.params ?? schema.querystring ?? schema.headers)) problems.push(422)
  const errors = odata ? odataErrorAnswers(problems) : problemAnswers(problems)
  route.schema = {
    ...schema,
    ...(permission !== 'public' && !odata && schema.querystring === undefined && { querystring: noParameters }),
    response: merged(schema.response as Answers | undefined, errors),
    security: permission === 'public' ? [] : credentials,
    'x-permission': permission,
    ...(route.config?.bodyOptional === true && { 'x-body-optional': true }),
    ...(route.config?.target !== undefined && { 'x-permission-target': route.config.target }),
    description: [schema.description, neededFor(permission)].filter((part) => part !== undefined).join('\n\n'),
  }
}

/** A schema that the document has once, under its name; the server must know it (`addSchema`). */
export type Named<Schema extends TSchema> = { schema: Schema & { $id: string }; ref: TUnsafe<Static<Schema>> }

/** Gives a schema a name; `ref` stands for it in other schemas. */
export function named<Schema extends TSchema>(name: string, schema: Schema): Named<Schema> {
  return {
    schema: { ...schema, $id: name },
    ref: Type.Unsafe<Static<Schema>>({ $ref: `${name}#` }),
  }
}

type Answers = Record<string, { content?: Record<string, unknown> }>

/** A status that the route answers in its own way as well has both. */
function merged(own: Answers = {}, problems: Answers): Answers {
  const both = Object.entries(problems).map(([status, problem]) => {
    const { content, ...rest } = own[status] ?? {}
    return [status, { ...problem, ...rest, content: { ...problem.content, ...content } }]
  })
  return { ...own, ...Object.fromEntries(both) }
}

function neededFor(permission: string): string | undefined {
  if (permission === 'public') return undefined
  return permission === 'authenticated' ? 'Needs any credential.' : `Needs the permission \`${permission}\`.`
}

function problemAnswers(statuses: readonly ProblemStatus[]): Answers {
  const content = { 'application/problem+json': { schema: Problem.ref } }
  return Object.fromEntries(statuses.map((status) => [status, { description: reasons[status], content }]))
}

function odataErrorAnswers(statuses: readonly (keyof typeof odataReasons)[]): Answers {
  const content = { 'application/json': { schema: ODataError.ref } }
  return Object.fromEntries(statuses.map((status) => [status, { description: odataReasons[status], content }]))
}
