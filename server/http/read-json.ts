import { guardJson } from './guard-json.ts'
import type { HttpServer } from './http-server.ts'

/** Reads JSON bodies and no others; what no route could keep is refused before any route sees it. */
export function readJsonWithCare(server: HttpServer): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    (request, body, done) => {
      // It answers by its callback only.
      void parse(request, String(body), (error, value) => {
        if (error) done(error)
        else
          attempt(
            () => guardJson(value),
            (refusal) => done(refusal ?? null, value),
          )
      })
    },
  )
  server.addHook('preValidation', (request, _reply, done) => {
    attempt(() => {
      guardJson(request.params)
      guardJson(request.query)
    }, done)
  })
}

function attempt(act: () => void, done: (error?: Error) => void): void {
  let refusal: Error | undefined
  try {
    act()
  } catch (error) {
    refusal = error instanceof Error ? error : new Error(String(error))
  }
  done(refusal)
}
