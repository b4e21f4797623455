import { httpError } from '../errors.ts'
import type { HttpServer } from '../http-server.ts'
import { attempt } from './attempt.ts'
import { answersWithoutBody, requireUtf8 } from './request-body.ts'
import { requireStorableJson } from './storable-json.ts'

/**
 * Reads bodies of these content types as JSON. What no route could keep is refused before any route sees it. Where a route
 * needs no body, an empty one is none.
 */
export function readJson(server: HttpServer, contentTypes: string[]): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.addContentTypeParser<Buffer>(contentTypes, { parseAs: 'buffer' }, (request, bytes, done) => {
    if (bytes.length === 0 && answersWithoutBody(request)) {
      done(null, undefined)
      return
    }
    let text = ''
    attempt(
      () => {
        text = requireUtf8(request, bytes)
      },
      (refusal) => {
        if (refusal) done(refusal)
        else {
          // It answers by its callback only.
          void parse(request, text, (error, value) => {
            if (error) done(error)
            else
              attempt(
                () => requireStorableJson(value),
                (refused) => done(refused ?? null, value),
              )
          })
        }
      },
    )
  })
}

/**
 * Refuses bodies of any content type that nothing reads. Where a route needs no body, an empty one of any content type is
 * none, and one that says something is refused: nothing would do what it says.
 */
export function refuseOtherContentTypes(server: HttpServer): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (request, payload, done) => {
    if (request.is404 || !answersWithoutBody(request)) {
      done(request.is404 ? null : httpError('request.unsupported_media_type'), undefined)
      return
    }
    // Sent in pieces it may still be empty. Told twice, the route would act although the answer is a refusal.
    let told = false
    const tell = (refusal: Error | null) => {
      if (!told) done(refusal, undefined)
      told = true
    }
    payload.once('data', () => tell(httpError('request.unsupported_media_type')))
    payload.once('end', () => tell(null))
    payload.once('error', tell)
  })
  server.addHook('onRequest', (request, _reply, done) => {
    // Without a body there is nothing that the header could be about.
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
    const isEmpty = encoding === undefined && (length === undefined || Number(length) === 0)
    if (isEmpty && answersWithoutBody(request)) delete request.raw.headers['content-type']
    done()
  })
}
