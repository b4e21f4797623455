import net from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../test/http.ts'
import { buildServer } from '../server.ts'
import { readPublicUrl } from './public-address.ts'

let http: TestHttp
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  key = await http.key(await http.tenant('Acme'))
})
afterAll(() => http.close())

/** The answer to what is sent as it stands, with the credential: its status and its link. */
async function send(target: string, hosts: string[], version = '1.1'): Promise<{ status: number; link: string }> {
  const lines = [
    `GET ${target} HTTP/${version}`,
    ...hosts.map((host) => `Host: ${host}`),
    `Authorization: ${key.authorization}`,
    'Connection: close',
  ]
  const text = await new Promise<string>((resolve, reject) => {
    let answer = ''
    const socket = net.connect(Number(new URL(http.url).port), '127.0.0.1', () =>
      socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    )
    socket.on('data', (chunk) => {
      answer += String(chunk)
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? []
  const [, link = ''] = /"@odata\.context":"([^"]*)"/.exec(text) ?? []
  return { status: Number(status), link }
}

const path = '/odata/v2/Users'
const linkAt = (origin: string) => `${origin}/odata/v2/$metadata#Users`

describe('the host of a request', () => {
  it.each([
    ['lethe.example.org'],
    ['lethe.example.org:8080'],
    ['LETHE.example.org'],
    ['lethe_app'],
    ['192.0.2.1:80'],
    ['[2001:db8::1]:8080'],
    ['[::1]'],
  ])('is where links lead, if it is a host with a port: %s', async (host) => {
    expect(await send(path, [host])).toEqual({ status: 200, link: linkAt(`http://${host}`) })
  })

  it.each([
    [['a.example', 'a.example']],
    [['a.example', 'b.example']],
    [['']],
    [['a.example/x']],
    [['a.example?x']],
    [['a.example#x']],
    [['user@a.example']],
    [['a.example, b.example']],
    [['a b']],
    [['a.example:']],
    [['a.example:port']],
    [['a.example:123456']],
    [['"a"']],
    [['<a>']],
    [['b\xfccher.example']],
    [['a.example\\']],
    [['[::1']],
    [['-a']],
    [[]],
  ])('is refused where it is said otherwise: %j', async (hosts) => {
    for (const target of [path, '/healthz', '/nothing']) {
      expect(await send(target, hosts)).toEqual({ status: 400, link: '' })
    }
  })

  it('may stand in the address too, and has to be the same there', async () => {
    expect(await send(`http://a.example${path}`, ['a.example'])).toEqual({
      status: 200,
      link: linkAt('http://a.example'),
    })
    expect((await send('http://A.example/healthz', ['a.example'])).status).toBe(200)
    expect((await send('http://a.example', ['a.example'])).status).toBe(404)
    for (const target of [
      'http://b.example',
      'http://user@a.example',
      'http://a.example:81',
      'https://a.example.org',
    ]) {
      expect((await send(`${target}${path}`, ['a.example'])).status).toBe(400)
    }
  })

  it('may be left out in HTTP/1.0, where links lead to the address that was connected to', async () => {
    expect(await send(path, [], '1.0')).toEqual({ status: 200, link: linkAt(http.url) })
  })

  it('counts for nothing where a public address is set', async () => {
    const publicUrl = 'https://lethe.example.org/learning/'
    const server = await buildServer(http.app, { log: pino({ level: 'silent' }), publicUrl })
    try {
      const headers = { ...key, host: 'elsewhere.example' }
      const { json, statusCode } = await server.inject({ url: '/odata/v2/', headers })
      expect([statusCode, json()['@odata.context']]).toEqual([
        200,
        'https://lethe.example.org/learning/odata/v2/$metadata',
      ])
    } finally {
      await server.close()
    }
  })

  it('is what a proxy in front says, if the proxy is believed and says a host', async () => {
    const linkOf = async (trustedProxies: number, forwarded: Record<string, string>) => {
      const server = await buildServer(http.app, { log: pino({ level: 'silent' }), trustedProxies })
      try {
        const headers = { ...key, host: 'inner.example', ...forwarded }
        const answer = await server.inject({ url: path, headers })
        return answer.statusCode === 200 ? answer.json()['@odata.context'] : answer.statusCode
      } finally {
        await server.close()
      }
    }
    const forwarded = { 'x-forwarded-host': 'outer.example', 'x-forwarded-proto': 'https' }
    expect(await linkOf(0, forwarded)).toBe(linkAt('http://inner.example'))
    expect(await linkOf(1, forwarded)).toBe(linkAt('https://outer.example'))
    expect(await linkOf(1, { ...forwarded, 'x-forwarded-proto': 'javascript' })).toBe(linkAt('http://outer.example'))
    expect(await linkOf(1, { 'x-forwarded-host': 'outer.example/x' })).toBe(400)
  })
})

describe('the public address', () => {
  it.each([
    ['https://lethe.example.org', 'https://lethe.example.org'],
    ['https://lethe.example.org/', 'https://lethe.example.org'],
    ['http://LETHE.example.org:8080/a/b/', 'http://lethe.example.org:8080/a/b'],
  ])('is read without a slash at its end: %s', (given, read) => {
    expect(readPublicUrl(given)).toBe(read)
  })

  it.each(['', 'lethe.example.org', 'ftp://a.example', 'https://u:p@a.example', 'https://a.example/?x', 'https://a/#'])(
    'is refused where it is no address of http or says more: %s',
    (given) => {
      expect(() => readPublicUrl(given)).toThrow(expect.objectContaining({ code: 'server.public_url_invalid' }))
    },
  )
})
