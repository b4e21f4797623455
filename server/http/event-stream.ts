import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** One event of a stream: a name, and what JSON can say. */
export type ServerEvent = { event: string; data: unknown }

/** In milliseconds. */
const usualHeartbeat = 15_000

/**
 * Answers with server-sent events (WHATWG HTML, section 9.2) until `events` ends, the caller goes away or the server stops;
 * the signal that `events` gets tells it. The first event is waited for, so what it throws is answered as a problem.
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
      for (let next = first; next.done !== true && !stream.destroyed; next = await source.next()) {
        stream.push(`event: ${next.value.event}\ndata: ${JSON.stringify(next.value.data)}\n\n`)
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
