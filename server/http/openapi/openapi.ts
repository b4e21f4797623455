import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { docsPlugin, docsStyle } from '../../apis/docs-plugin.ts'
import { isODataAddress } from '../../apis/learn365/odata-error.ts'
import { aboutScopes } from '../../permissions/principal.ts'
import type { HttpServer } from '../http-server.ts'
import { ODataError, Problem } from './complete-route.ts'

/** The groups of Lethe's own API, in the order of the page. */
const tags = [
  {
    name: 'Users',
    description: 'People with an account in the tenant: create, change, suspend, delete and restore them.',
  },
  { name: 'Erasures', description: 'Erasure requests to purge or anonymize people, and their certificates.' },
  { name: 'Exports', description: 'Kept exports about people, until they expire.' },
  { name: 'Catalogs', description: 'Catalogs and their members.' },
  { name: 'Learning', description: 'Courses, training plans, enrollments, certificates of learners, transcripts.' },
  { name: 'Skills', description: 'Skills, their scales, and awards to users.' },
  { name: 'Groups', description: 'Directory groups, their members, and purged people who return with them.' },
  { name: 'Notifications', description: 'Messages to a user inside the product, read and unread.' },
  { name: 'Audit', description: 'Who did what, and when.' },
  { name: 'Credentials', description: 'API keys and OAuth clients.' },
  { name: 'Sign-in', description: 'Sessions of people and tokens of programs.' },
  { name: 'Tenants', description: 'For the operator of the installation.' },
  { name: 'Operations', description: 'Health, metrics, keys.' },
]

/** The groups of Learn365's API, with its names. */
const learn365Tags = [
  { name: 'Users', description: 'Read, change and purge users; revoke a skill at the old address.' },
  { name: 'UserSkills', description: 'Award and revoke the skills of a user.' },
  { name: 'CourseCatalogs', description: 'Catalogs and their members.' },
  { name: 'Courses', description: 'Courses and training plans; enroll and unenroll.' },
  { name: 'Enrollments', description: 'Read enrollments, and purge those that have ended.' },
  { name: 'Certificates', description: 'Certificates of learners.' },
  { name: 'Skills', description: 'The skills of the tenant.' },
  { name: 'SkillScaleSets', description: 'Scales with their levels.' },
  { name: 'Competencies', description: 'Skills under their old name.' },
  { name: 'Service', description: 'The entity sets and their model.' },
]

/** The group of an operation as the page shows it: the API, then the API's own name for the group. */
function groupOf(url: string, tag: string): string {
  return `${isODataAddress(url) ? 'Learn365' : 'Lethe'}: ${tag}`
}

/** Makes the OpenAPI 3.1 document from the routes' schemas, answers it, and shows it at /docs. Before any route is added. */
export async function addOpenApi(server: HttpServer): Promise<void> {
  server.addSchema(Problem.schema)
  server.addSchema(ODataError.schema)
  await server.register(swagger, {
    // Keys in brackets, as in Users('{key}'), are parameters with a pattern for the router; the library would take the
    // brackets for a pattern too, so they pass it encoded, and so do those of a function without parameters.
    transform: ({ schema, url }) => ({
      schema: { ...schema, ...(schema?.tags && { tags: schema.tags.map((tag) => groupOf(url, tag)) }) },
      url: url.replaceAll('()', '%28%29').replaceAll(/\(('?):(\w+)\(\.\+\)'?\)/g, '%28$1{$2}$1%29'),
    }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      const { paths = {}, ...rest } = document.openapiObject
      const named = Object.entries(paths).map(([path, item]) => {
        for (const operation of Object.values(item ?? {})) {
          putPathFirst(operation)
          sayThatBodyIsOptional(operation)
        }
        return [path.replaceAll('%28', '(').replaceAll('%29', ')'), item]
      })
      return { ...rest, paths: Object.fromEntries(named) }
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lethe',
        version: readVersion(),
        description:
          'Keeps learner records and can forget them. Errors are problem details (RFC 9457) with a stable `code`. Every response has a request id: the one sent as `X-Request-Id` (a UUID, or 16 to 64 hexadecimal digits), or a new one.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        ...tags.map((tag) => ({ ...tag, name: groupOf('/', tag.name) })),
        ...learn365Tags.map((tag) => ({ ...tag, name: groupOf('/odata/v2', tag.name) })),
      ],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'basic',
            description:
              'API key: the key is the password, and the user name is not looked at (`api` by custom). API secret as Thrive has it: the user name is the id of the tenant, the password the secret.',
          },
          token: {
            type: 'oauth2',
            description:
              'For programs: a token of 3,600 seconds, for the id and the secret of an OAuth client. `{tenantId}` is the id of its tenant.',
            flows: {
              clientCredentials: {
                tokenUrl: '/oauth2/token/{tenantId}',
                scopes: aboutScopes,
              },
            },
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'lethe_session',
            description: 'Set by the sign-in of a person, `POST /api/v1/session`; the browser sends it.',
          },
          csrf: {
            type: 'apiKey',
            in: 'header',
            name: 'x-csrf-token',
            description:
              'For people: sign in with `POST /api/v1/session` on this page, and nothing is left to do. The browser keeps the cookie, and `csrf_token` of the answer, which whatever changes something needs, is filled in here.',
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
      // Without the bar on top, which asks for the address of another document.
      layout: 'BaseLayout',
      plugins: [docsPlugin],
      validatorUrl: null,
      // Keys stay out of the browser's storage.
      persistAuthorization: false,
      displayRequestDuration: true,
      docExpansion: 'none',
      tryItOutEnabled: false,
    },
    theme: { title: 'Lethe: the APIs', css: [{ filename: 'docs.css', content: docsStyle }] },
  })
  server.route({
    method: 'GET',
    url: '/openapi.json',
    config: { permission: 'public' },
    schema: { hide: true },
    handler: async () => server.swagger(),
  })
}

/** The library says of every body that it is required. */
function sayThatBodyIsOptional(operation: unknown): void {
  if (typeof operation !== 'object' || operation === null || !('x-body-optional' in operation)) return
  delete operation['x-body-optional']
  if ('requestBody' in operation) Object.assign(operation.requestBody as object, { required: false })
}

/** What the address needs stands before what may be left out. */
function putPathFirst(operation: unknown): void {
  if (typeof operation !== 'object' || operation === null || !('parameters' in operation)) return
  if (!Array.isArray(operation.parameters)) return
  const inPath = (parameter: { in?: string }) => parameter.in === 'path'
  const { parameters } = operation
  operation.parameters = [...parameters.filter(inPath), ...parameters.filter((parameter) => !inPath(parameter))]
}

function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown'
}
