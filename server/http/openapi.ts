import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { ODataError, Problem } from './declare-route.ts'
import type { HttpServer } from './http-server.ts'

/** The groups of the document, in the order of the page. */
const tags = [
  { name: 'Users', description: 'People with an account in the tenant, and their life.' },
  { name: 'Erasures', description: 'Orders to purge or anonymize people, and their proof.' },
  { name: 'Exports', description: 'Exports about people that are kept to be fetched, until they expire.' },
  { name: 'Catalogs', description: 'Catalogs, and who is in them.' },
  { name: 'Learning', description: 'Courses, training plans, enrollments, certificates of learners, transcripts.' },
  { name: 'Skills', description: 'Skills with their scales, and who holds them.' },
  { name: 'Groups', description: 'Groups of the directory, and who comes back with them.' },
  { name: 'Audit', description: 'What was done, by whom.' },
  { name: 'Credentials', description: 'API keys and OAuth clients.' },
  { name: 'Sign-in', description: 'Sessions of people, and tokens of programs.' },
  { name: 'Tenants', description: 'For the operator of the installation.' },
  { name: 'Learn365: read', description: 'What clients of Learn365 read, as OData.' },
  { name: 'Learn365: users', description: 'Users as clients of Learn365 know them.' },
  { name: 'Learn365: catalogs', description: 'Catalogs, courses and enrollments as clients of Learn365 know them.' },
  { name: 'Learn365: skills', description: 'Skills as clients of Learn365 know them.' },
  { name: 'Operations', description: 'Health, metrics, keys.' },
]

/** Makes the OpenAPI 3.1 document from the routes' schemas, answers it, and shows it at /docs. Before any route is added. */
export async function addOpenApi(server: HttpServer): Promise<void> {
  server.addSchema(Problem.schema)
  server.addSchema(ODataError.schema)
  await server.register(swagger, {
    // Keys in brackets, as in Users('{key}'), are parameters with a pattern for the router; the library would take the
    // brackets for a pattern too, so they pass it encoded.
    transform: ({ schema, url }) => ({
      schema,
      url: url.replaceAll(/\(('?):(\w+)\(\.\+\)'?\)/g, '%28$1{$2}$1%29'),
    }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      const { paths = {}, ...rest } = document.openapiObject
      const named = Object.entries(paths).map(([path, item]) => [
        path.replaceAll('%28', '(').replaceAll('%29', ')'),
        item,
      ])
      return { ...rest, paths: Object.fromEntries(named) }
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lethe',
        version: readVersion(),
        description:
          'Keeps learner records and can forget them. Errors are problem details (RFC 9457) with a stable `code`. Every answer has the request id that was sent as `X-Request-Id` (a UUID, or 16 to 64 hexadecimal digits), or one of its own.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags,
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'basic',
            description: 'The password is the API key; the user name is not looked at (`api` by custom).',
          },
          token: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'From `POST /oauth2/token/{tenantId}`, for 3,600 seconds.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'lethe_session',
            description: 'Set by the sign-in. Sign in on this page, and the browser sends it.',
          },
          csrf: {
            type: 'apiKey',
            in: 'header',
            name: 'x-csrf-token',
            description: 'With the cookie, for whatever changes something: `csrf_token` of the sign-in.',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `schema-${index}`,
    },
  })
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () =>
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    uiConfig: {
      validatorUrl: null,
      persistAuthorization: true,
      displayRequestDuration: true,
      docExpansion: 'none',
      tryItOutEnabled: true,
    },
    theme: { title: 'Lethe: the APIs' },
  })
  server.route({
    method: 'GET',
    url: '/openapi.json',
    config: { permission: 'public' },
    schema: { hide: true },
    handler: async () => server.swagger(),
  })
}

function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown'
}
