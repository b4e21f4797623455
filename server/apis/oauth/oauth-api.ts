import type { Api } from '../../http/api.ts'
import { readForms } from '../../http/body/read-form.ts'
import { addDiscoveryRoutes } from './discovery-routes.ts'
import { addTokenRoutes } from './token-routes.ts'

/** OAuth 2.0 for programs: access tokens, and what there is to know about them. In the document it is a part of Lethe's API. */
export const oauthApi: Api = {
  title: 'Lethe',
  prefixes: ['/oauth2', '/.well-known/oauth-jwks.json', '/.well-known/oauth-authorization-server'],
  plugin(server) {
    // Only here: a browser sends forms from any page.
    readForms(server)
    addDiscoveryRoutes(server)
    addTokenRoutes(server)
  },
}
