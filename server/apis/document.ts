import { readFileSync } from 'node:fs'
import { aboutScopes } from '../permissions/principal.ts'
import type { DocumentOptions } from '../http/openapi/openapi.ts'
import { docsPlugin, docsPluginStyle } from './docs-plugin.ts'

/** What the document of all APIs says of Lethe, and how its credentials are sent. */
export const document: DocumentOptions = {
  info: {
    title: 'Lethe',
    version: readVersion(),
    description:
      'Keeps learner records and can forget them. Errors are problem details (RFC 9457) with a stable `code`. Every response has a request id: the one sent as `X-Request-Id` (a UUID, or 16 to 64 hexadecimal digits), or a new one.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
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
  // A person who changes something needs both.
  credentials: [{ key: [] }, { token: [] }, { session: [], csrf: [] }],
  pageTitle: 'Lethe: the APIs',
  pagePlugins: [docsPlugin],
  pageStyle: docsPluginStyle,
}

function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown'
}
