import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ServerEvent, sendEvents } from './event-stream.ts'

const comment = ': still here\n\n'

let server: FastifyInstance | undefined
afterEach(async () => {
  vi.restoreAllMocks()
  server?.server.closeAllConnections()
  await server?.close()
})

/** A server with one stream of these events, listening. Returns the address. */
async function streaming(
  events: (signal: AbortSignal) => AsyncGenerator<ServerEvent>,
  options: { heartbeat?: number } = {},
): Promise<string> {
  server = fastify()
  server.get('/', (request, reply) => sendEvents(request, reply, new AbortController().signal, events, options))
  await server.listen({ host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/`
}

/** Reads until the text has so many comments, and on to the end once `then` was called. */
async function readWithComments(url: string, count: number, then: () => void): Promise<string> {
  const response = await fetch(url)
  let text = ''
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part
    if (text.split(comment).length > count) then()
  }
  return text
}

describe('a stream of events', () => {
  it('says again and again that it is still there while nothing happens, between whole events', async () => {
    const { promise: heard, resolve } = Promise.withResolvers<void>()
    const url = await streaming(
      async function* () {
        yield { event: 'begin', data: 1 }
        await heard
        yield { event: 'end', data: 2 }
      },
      { heartbeat: 5 },
    )
    const text = await readWithComments(url, 3, resolve)
    expect(text.split(comment).length).toBeGreaterThan(3)
    expect(text.replaceAll(comment, '').replaceAll(/^id: [\w-]{22}\n/gm, '')).toBe(
      'event: begin\ndata: 1\n\nevent: end\ndata: 2\n\n',
    )
  })

  it('ends its heartbeat when the events end, when they fail and when the caller goes away', async () => {
    const begun = vi.spyOn(globalThis, 'setInterval')
    const ended = vi.spyOn(globalThis, 'clearInterval')
    const heartbeats = () =>
      begun.mock.calls.flatMap(([, every], index) => (every === 77 ? [begun.mock.results[index]?.value] : []))
    const endings = (signal: AbortSignal) => [
      async function* () {
        yield { event: 'end', data: null }
      },
      async function* () {
        yield { event: 'begin', data: null }
        throw new Error('it failed')
      },
      async function* () {
        yield { event: 'begin', data: null }
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    ]
    let asked = 0
    const url = await streaming(
      async function* (signal) {
        yield* endings(signal)[asked++]?.() ?? []
      },
      { heartbeat: 77 },
    )
    expect(await (await fetch(url)).text()).toMatch(/^id: [\w-]{22}\nevent: end\ndata: null\n\n$/)
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow()
    const gone = new AbortController()
    const response = await fetch(url, { signal: gone.signal })
    await response.body?.getReader().read()
    gone.abort()
    expect(heartbeats()).toHaveLength(3)
    await vi.waitFor(() => {
      const over = ended.mock.calls.map(([timer]) => timer)
      expect(heartbeats().filter((timer) => !over.includes(timer))).toEqual([])
    })
  })

  it('tells a client who knows the end to stay away, and goes on with what another does not know', async () => {
    const url = await streaming(async function* () {
      yield { event: 'progress', data: 1 }
      yield { event: 'end', data: 2, ends: true }
    })
    const ask = (id?: string) => fetch(url, { headers: id === undefined ? {} : { 'last-event-id': id } })
    const [first = '', last = ''] = [...(await (await ask()).text()).matchAll(/^id: (.*)$/gm)].map(([, id]) => id)
    expect(first).not.toBe(last)
    const resumed = await (await ask(first)).text()
    expect(resumed).toContain(`id: ${last}\nevent: end`)
    expect(resumed).not.toContain('event: progress')
    expect(await (await ask(last)).text()).toContain('event: progress')
    await server?.close()
    const over = await streaming(async function* () {
      yield { event: 'end', data: 2, ends: true }
    })
    const answer = await fetch(over, { headers: { 'last-event-id': last } })
    expect([answer.status, await answer.text()]).toEqual([204, ''])
    expect((await fetch(over, { headers: { 'last-event-id': 'unknown' } })).status).toBe(200)
  })
})
