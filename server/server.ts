import { authenticate } from './access/authenticate.ts'
import { readCandidatesOf } from './apis/candidates.ts'
import { document } from './apis/document.ts'
import { learn365Api } from './apis/learn365/learn365-api.ts'
import { measureOverdue } from './apis/measure-overdue.ts'
import { nativeApi } from './apis/native/native-api.ts'
import { oauthApi } from './apis/oauth/oauth-api.ts'
import { pagesApi } from './apis/pages/pages-api.ts'
import { problems } from './apis/problems.ts'
import { thriveApi } from './apis/thrive/thrive-api.ts'
import type { Application } from './application.ts'
import { errorCodes } from './error-codes.ts'
import { spoolFolderOf } from './exports/spool.ts'
import { createServer, type ServerOptions } from './http/create-server.ts'
import type { HttpServer } from './http/http-server.ts'
import { lostReference } from './people/accounts/lost-reference.ts'

/** Builds the server with all APIs, ready for `inject` or `listen`. Closing it does not close the application. */
export async function buildServer(app: Application, options: ServerOptions): Promise<HttpServer> {
  const { config, database } = app
  const server = await createServer({
    ...options,
    database,
    dataFolder: config.databaseUrl === undefined ? config.dataFolder : undefined,
    apis: [
      nativeApi({ spoolFolder: spoolFolderOf(config), webhooks: config }),
      oauthApi,
      pagesApi,
      learn365Api,
      thriveApi,
    ],
    authenticate: ({ headers: { authorization, cookie } }) => authenticate(database, { authorization, cookie }),
    document,
    errorCodes,
    errors: problems,
    recognize: lostReference,
    completeError: readCandidatesOf,
  })
  measureOverdue(server)
  return server
}
