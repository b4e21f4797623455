import { isODataAddress } from '../../apis/learn365/odata-error.ts'
import { LetheError } from '../../platform/errors.ts'
import type { HttpServer } from '../http-server.ts'
import { attempt } from './attempt.ts'
import { answersWithoutBody, requireUtf8, requireUtf8Escapes, takesBody } from './request-body.ts'
import { guardJson } from './storable-json.ts'

/**
 * Reads JSON bodies and no others; what no route could keep is refused before any route sees it. Where a route needs no
 * body, an empty one of any content type is none, and one that says something is refused: nobody would do what it says.
 */
export function readJsonWithCare(server: HttpServer): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser<Buffer>(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    (request, bytes, done) => {
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
                  () => guardJson(value),
                  (refused) => done(refused ?? null, value),
                )
            })
          }
        },
      )
    },
  )
  server.addContentTypeParser('*', (request, payload, done) => {
    if (request.is404 || !answersWithoutBody(request)) {
      done(request.is404 ? null : new LetheError('request.unsupported_media_type'), undefined)
      return
    }
    // Sent in pieces it may still be empty. Told twice, the route would act although the answer is a refusal.
    let told = false
    const tell = (refusal: Error | null) => {
      if (!told) done(refusal, undefined)
      told = true
    }
    payload.once('data', () => tell(new LetheError('request.unsupported_media_type')))
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
  server.addHook('preValidation', (request, _reply, done) => {
    attempt(() => {
      requireUtf8Escapes(request.url)
      guardJson(request.params)
      guardJson(request.query)
      if (request.body == null && takesBody(request) && answersWithoutBody(request)) request.body = {}
      if (!takesBody(request)) refuseStray(request.body, isODataAddress(request.url))
    }, done)
  })
}

/** Refuses members of a body that no route reads. OData lets clients send annotations along with anything. */
function refuseStray(body: unknown, odata: boolean): void {
  if (body === undefined || body === null) return
  const names = Object.keys(body).filter((name) => !odata || !name.includes('@'))
  if (typeof body === 'object' && !Array.isArray(body)) {
    const [name] = names
    if (name !== undefined) throw new LetheError('input.unknown_field', { field: name.slice(0, 64) || 'body' })
    return
  }
  throw new LetheError('input.invalid', { field: 'body', expected: 'it must be empty' })
}
