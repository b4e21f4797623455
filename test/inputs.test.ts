import { once } from 'node:events'
import { request as sendRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Permission, permissions } from '../server/permissions/permissions.ts'
import { type Answer, type Credential, openTestHttp, type TestHttp } from './http.ts'
import { codeOf, type OpenApiOperation, operationsOf, type Schema, smallestOf } from './openapi-requests.ts'

// What every route of the OpenAPI document takes and refuses. A route that is added is covered.

let http: TestHttp
let key: Credential
let administrator: Credential
let operator: Credential
let operations: OpenApiOperation[]
let optional: Set<string>

beforeAll(async () => {
  http = await openTestHttp()
  const tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  administrator = await http.person(tenant, 'administrator')
  operator = await http.operator()
  const { json } = await http.call('GET', '/openapi.json')
  operations = operationsOf(json)
  optional = new Set(
    operations
      .filter(({ method, path }) => json.paths[path][method.toLowerCase()].requestBody?.required === false)
      .map(nameOf),
  )
})
afterAll(() => http.close())

const nobody = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'
const changing = () => operations.filter(({ method }) => !['GET', 'HEAD'].includes(method))
const withoutBody = () => changing().filter((one) => one.body === undefined || optional.has(nameOf(one)))
const withJson = () => changing().filter(({ body }) => body?.type === 'application/json')
const isOData = ({ path }: OpenApiOperation) => /^\/(odata|services)\//.test(path)
/** Thrive has 400 for what is wrong in the address. */
const isThriveAddress = ({ method, path }: OpenApiOperation) =>
  path === '/webhooks' || (/^\/(rest|users)\//.test(path) && ['GET', 'DELETE'].includes(method))
const invalidStatus = (operation: OpenApiOperation) => (isOData(operation) || isThriveAddress(operation) ? 400 : 422)
/** Ends the session that it is sent with. */
const isSignOut = ({ method, path }: OpenApiOperation) => method === 'DELETE' && path === '/api/v1/session'

function nameOf({ method, path }: OpenApiOperation): string {
  return `${method} ${path}`
}

function addressOf({ path }: OpenApiOperation): string {
  return path.replaceAll(/\{\w+\}/g, nobody)
}

function whoFor({ permission }: OpenApiOperation): Credential {
  if (!(permission in permissions)) return key
  const { roles, scopes }: { roles: readonly string[]; scopes: readonly string[] } =
    permissions[permission as Permission]
  if (roles.length === 1 && roles[0] === 'operator') return operator
  return scopes.length === 0 ? administrator : key
}

function call(operation: OpenApiOperation, options: { query?: string; body?: unknown; headers?: object } = {}) {
  const { query = '', body, headers } = options
  return http.call(operation.method, `${addressOf(operation)}${query}`, {
    as: isSignOut(operation) ? key : whoFor(operation),
    ...(body !== undefined && { body }),
    ...(headers !== undefined && { headers: { ...headers } }),
  })
}

/** What is wrong, by the name that the answer gives it. */
const fieldOf = ({ json }: Answer): string | undefined => json?.field ?? json?.error?.target

/** Sends bytes as they are, in pieces without a length. */
async function sendChunked(operation: OpenApiOperation, contentType: string, bytes: Buffer): Promise<number> {
  const { userId: _, ...credential } = isSignOut(operation) ? key : whoFor(operation)
  const request = sendRequest(`${http.url}${addressOf(operation)}`, {
    method: operation.method,
    headers: { ...credential, 'content-type': contentType, 'transfer-encoding': 'chunked' },
  })
  if (bytes.length > 0) request.write(bytes)
  request.end()
  const [response] = await once(request, 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

describe('every route that needs no body', () => {
  it('does the same without one, whatever content type is said', async () => {
    const names = withoutBody().map(nameOf)
    expect(names).toEqual(
      expect.arrayContaining([
        'DELETE /api/v1/users/{id}',
        'POST /api/v1/users/{id}/suspend',
        'POST /api/v1/users/{id}/restore',
        'POST /api/v1/enrollments/{id}/complete',
        "POST /odata/v2/Users('{key}')/Purge",
      ]),
    )
    for (const operation of withoutBody()) {
      const plain = await call(operation)
      expect([nameOf(operation), plain.status]).not.toEqual([nameOf(operation), expect.toBeOneOf([400, 415, 500])])
      const types = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data', 'x']
      for (const type of types) {
        const answer = await call(operation, { headers: { 'content-type': type } })
        expect([nameOf(operation), type, answer.status, codeOf(answer.json)]).toEqual([
          nameOf(operation),
          type,
          plain.status,
          codeOf(plain.json),
        ])
      }
      for (const type of types.slice(0, 3)) {
        const status = await sendChunked(operation, type, Buffer.alloc(0))
        expect([nameOf(operation), type, status]).toEqual([nameOf(operation), type, plain.status])
      }
      const empty = await call(operation, { body: {} })
      expect([nameOf(operation), empty.status]).toEqual([nameOf(operation), plain.status])
    }
  })

  it('refuses a body that says something, by the name of what it says', async () => {
    for (const operation of withoutBody()) {
      const answer = await call(operation, { body: { with_rolls: true } })
      expect([nameOf(operation), codeOf(answer.json), fieldOf(answer)]).toEqual([
        nameOf(operation),
        'input.unknown_field',
        'with_rolls',
      ])
      expect((await call(operation, { body: 'a=b', headers: { 'content-type': 'text/plain' } })).status).toBe(415)
      if (operation.body === undefined) {
        for (const body of ['[1]', '"x"', '5'])
          expect((await call(operation, { body })).status).toBe(invalidStatus(operation))
      }
    }
  })
})

// The walk grows with the routes.
describe('every route', { timeout: 180_000 }, () => {
  it('refuses a parameter that it does not have, by its name', async () => {
    for (const operation of operations.filter(({ permission }) => permission !== 'public')) {
      for (const name of ['filtre', '$filtre', '@p', '__proto__']) {
        const answer = await call(operation, {
          query: `?${name}=1`,
          body: operation.body === undefined ? undefined : smallestOf(operation.body.schema),
          ...(operation.body?.type === 'text/csv' && { headers: { 'content-type': 'text/csv' } }),
        })
        expect([nameOf(operation), answer.status, codeOf(answer.json), fieldOf(answer)]).toEqual([
          nameOf(operation),
          invalidStatus(operation),
          isOData(operation) ? 'odata.query' : 'input.unknown_field',
          name,
        ])
      }
    }
  })

  it('refuses a member of its body that it does not have, by its name, at any depth', async () => {
    const open = withJson().flatMap((operation) => openObjects(operation.body?.schema ?? {}, nameOf(operation)))
    // A set of public keys may have more members, which are ignored (RFC 7517, sections 4 and 5).
    const jwks = 'PUT /api/v1/identity-providers.keys'
    expect(open).toEqual([jwks, `${jwks}.keys[]`])
    for (const operation of withJson()) {
      const body = { ...Object(smallestOf(operation.body?.schema ?? {})), nothing_known: 1 }
      const answer = await call(operation, { body })
      expect([nameOf(operation), codeOf(answer.json), fieldOf(answer)]).toEqual([
        nameOf(operation),
        'input.unknown_field',
        'nothing_known',
      ])
    }
  })

  // The library converts by patterns made of the names: one with a sign of patterns in it is never converted.
  it('has only texts under names that are no pattern of themselves', () => {
    const parameters = operations.flatMap((operation) =>
      operation.parameters.map((one) => [nameOf(operation), one.name, one.schema.type ?? 'enum'] as const),
    )
    expect(parameters.some(([, name]) => name === '$top')).toBe(true)
    for (const [operation, name, type] of parameters) {
      if (!/^[\w-]+$/.test(name)) expect([operation, name, type]).toEqual([operation, name, 'string'])
    }
  })

  it('refuses a body that is not UTF-8, and a charset that it does not read', async () => {
    for (const operation of withJson()) {
      const body = Buffer.from('{"title":"M\xfcller"}', 'latin1')
      expect([nameOf(operation), await sendChunked(operation, 'application/json', body)]).toEqual([
        nameOf(operation),
        400,
      ])
      for (const charset of ['utf-16', 'iso-8859-1', '"windows-1252"', 'x']) {
        const headers = { 'content-type': `application/json; charset=${charset}` }
        const answer = await call(operation, { body: '{}', headers })
        expect([nameOf(operation), charset, answer.status]).toEqual([nameOf(operation), charset, 415])
      }
      const same = await Promise.all(
        ['', '; charset=utf-8', '; charset="UTF-8"', ';charset=us-ascii'].map((parameter) =>
          call(operation, { body: '{"a":1}', headers: { 'content-type': `application/json${parameter}` } }),
        ),
      )
      expect(new Set(same.map(({ status }) => status)).size).toBe(1)
    }
  })

  it('refuses an address that is not UTF-8 in percent-encoding', async () => {
    for (const operation of operations.filter(({ permission }) => permission !== 'public')) {
      for (const query of ['?search=%ff', '?search=M%fcller', '?search=%ed%a0%80', '?%c3=1']) {
        const answer = await call(operation, { query })
        expect([nameOf(operation), query, answer.status]).toEqual([nameOf(operation), query, 400])
      }
    }
  })

  it('takes a time up to five minutes ahead of its own as now, and none beyond', async () => {
    const timed = withJson().filter(({ body }) => body?.schema.properties?.at !== undefined)
    expect(timed.map(nameOf)).toEqual(expect.arrayContaining(['POST /api/v1/users/{id}/skills']))
    for (const operation of timed) {
      const smallest = Object(smallestOf(operation.body?.schema ?? {}))
      const answerAt = async (minutes: number) =>
        fieldOf(await call(operation, { body: { ...smallest, at: new Date(Date.now() + minutes * 60_000) } }))
      for (const minutes of [-60, 0.02, 4.9]) {
        expect([nameOf(operation), minutes, await answerAt(minutes)]).not.toEqual([nameOf(operation), minutes, 'at'])
      }
    }
  })
})

/** The objects in a schema that take members nobody knows. Custom fields, which have no properties, may be anything. */
function openObjects(schema: Schema, place: string): string[] {
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => openObjects(one, `${place}.${name}`))
  const items = schema.items === undefined ? [] : openObjects(schema.items, `${place}[]`)
  const choices = (schema.anyOf ?? []).flatMap((one) => openObjects(one, place))
  const isOpen = schema.properties !== undefined && schema.additionalProperties !== false
  return [...(isOpen ? [place] : []), ...inside, ...items, ...choices]
}
