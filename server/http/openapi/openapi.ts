import swagger from '@fastify/swagger'
import swaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui'
import { type Api, apiAt, type Tag } from '../api.ts'
import type { HttpServer } from '../http-server.ts'
import type { Credentials } from './complete-route.ts'
import { docsStyle } from './docs-style.ts'

/** What the document and its page say about the installation as a whole. */
export type DocumentOptions = {
  info: { title: string; version: string; description: string; license?: { name: string; identifier: string } }
  /** How a caller proves who it is, by the names that `credentials` uses. */
  securitySchemes: Record<string, object>
  credentials: Credentials
  /** The heading of the page at /docs. */
  pageTitle: string
  /** Plugins of Swagger UI. The browser gets the text of these functions: they can use nothing from outside of them. */
  pagePlugins?: NonNullable<FastifySwaggerUiOptions['uiConfig']>['plugins']
  /** What these plugins need of CSS. */
  pageStyle?: string
}

/** Makes the OpenAPI 3.1 document from the routes' schemas, and shows it at /docs. Before any route is added. */
export async function addOpenApi(server: HttpServer, apis: readonly Api[], options: DocumentOptions): Promise<void> {
  const { info, securitySchemes, pageTitle, pagePlugins = [], pageStyle = '' } = options
  await server.register(swagger, {
    // A parameter in brackets, as in Things('{key}'), has a pattern for the router. The library would take the brackets for a
    // pattern too, so they pass it encoded, and so do those of a function without parameters.
    transform: ({ schema, url }) => ({
      schema: { ...schema, ...(schema?.tags && { tags: schema.tags.map((tag) => groupOf(apiAt(apis, url), tag)) }) },
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
      info,
      tags: tagsOf(apis),
      components: { securitySchemes: securitySchemes as never },
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
      plugins: pagePlugins,
      validatorUrl: null,
      // Keys stay out of the browser's storage.
      persistAuthorization: false,
      displayRequestDuration: true,
      docExpansion: 'none',
      tryItOutEnabled: false,
    },
    theme: { title: pageTitle, css: [{ filename: 'docs.css', content: `${docsStyle}${pageStyle}` }] },
  })
}

/** The group of an operation as the page shows it: the API, then the API's own name for the group. */
function groupOf(api: Api | undefined, tag: string): string {
  return api === undefined ? tag : `${api.title}: ${tag}`
}

/** All groups: those of one title stand together, in the order in which the titles come first. */
function tagsOf(apis: readonly Api[]): Tag[] {
  const titles = [...new Set(apis.map(({ title }) => title))]
  return titles.flatMap((title) =>
    apis
      .filter((api) => api.title === title)
      .flatMap((api) => (api.tags ?? []).map((tag) => ({ ...tag, name: groupOf(api, tag.name) }))),
  )
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
