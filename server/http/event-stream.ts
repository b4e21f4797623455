import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'

/** One event of a stream: a name, and what JSON can say. After one that `ends` the stream, nothing will ever follow. */
export type ServerEvent = { event: string; data: unknown; ends?: boolean }

/** What a client sends that comes back to a stream. */
export const EventStreamHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'The `id` of the last received event; an EventSource sends it by itself',
    }),
  ),
})

/** In milliseconds. */
const usualHeartbeat = 15_000

/**
 * Answers with server-sent events (WHATWG HTML, section 9.2) until `events` ends, the caller goes away or the server stops;
 * the signal that `events` gets tells it. The first event is waited for, so what it throws is answered as a problem.
 *
 * The id of an event is a digest of it, so it says which state the client knows, in whatever process. A client that
 * comes back with the id of the first event does not get it again. If that event ends the stream, the response is 204,
 * which tells an EventSource not to reconnect (section 9.2.3). Otherwise it would come back every few seconds for ever.
 *
 * Every `heartbeat` milliseconds (15,000) a comment is sent, so that nobody in between takes the connection for dead.
 */
export async function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  stopping: AbortSignal,
  events: (signal: AbortSignal) => AsyncGenerator<ServerEvent>,
  options: { heartbeat?: number } = {},
): Promise<FastifyReply> {
  const gone = new AbortController()
  const signal = AbortSignal.any([gone.signal, stopping])
  const source = events(signal)
  const first = await source.next()
  const known = first.done !== true && request.headers['last-event-id'] === idOf(first.value)
  if (known && first.value.ends === true) {
    gone.abort()
    await source.return(undefined)
    return reply.code(204).send()
  }
  const stream = new Readable({
    read: () => undefined,
    destroy(error, done) {
      gone.abort()
      done(error)
    },
  })
  const heartbeat = setInterval(() => stream.push(': still here\n\n'), options.heartbeat ?? usualHeartbeat)
  const send = async () => {
    try {
      // What the client knows already is not said again, but that it is connected.
      if (known) stream.push(': connected\n\n')
      let next = known ? await source.next() : first
      for (; next.done !== true && !stream.destroyed; next = await source.next()) {
        const { event, data } = next.value
        stream.push(`id: ${idOf(next.value)}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
      }
      stream.push(null)
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)))
    } finally {
      clearInterval(heartbeat)
      gone.abort()
      await source.return(undefined)
    }
  }
  request.raw.once('close', () => stream.destroy())
  reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  reply.send(stream)
  await send()
  return reply
}

function idOf({ event, data }: ServerEvent): string {
  return createHash('sha256')
    .update(JSON.stringify([event, data]))
    .digest('base64url')
    .slice(0, 22)
}
