import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../test/people.ts'
import type { Application } from '../application.ts'
import { readConfig } from '../config.ts'
import { newKey } from '../platform/crypto/seal.ts'
import { createApiKey } from './api-keys.ts'
import { authenticate } from './authenticate.ts'

let test: TestTenant
let app: Application
let secret: string
beforeAll(async () => {
  test = await createTestTenant()
  app = { config: readConfig({}), database: test.database, masterKey: newKey(), close: () => Promise.resolve() }
  secret = (await test.run((tx) => createApiKey(tx, { name: 'A program', access: 'read_only' }))).secret
})
afterAll(() => test.close())

const base64 = (text: string) => Buffer.from(text).toString('base64')
const challenge = (expected: string) => ({
  code: 'access.unauthenticated',
  kind: 'unauthenticated',
  details: { challenge: expected },
})

describe('a request', () => {
  it('without any credential is asked for HTTP Basic', async () => {
    await expect(authenticate(app.database, {})).rejects.toMatchObject(challenge('Basic'))
    await expect(authenticate(app.database, { cookie: 'theme=dark' })).rejects.toMatchObject(challenge('Basic'))
  })

  it('is asked for what it tried, by scheme', async () => {
    await expect(authenticate(app.database, { authorization: 'Bearer x' })).rejects.toMatchObject(challenge('Bearer'))
    for (const authorization of ['Basic', 'Basic x', `Basic ${base64('no colon')}`, `Digest ${secret}`, '', secret]) {
      await expect(authenticate(app.database, { authorization })).rejects.toMatchObject(challenge('Basic'))
    }
  })

  it('names the scheme in any case', async () => {
    for (const scheme of ['Basic', 'basic', 'BASIC']) {
      const authorization = `${scheme} ${base64(`api:${secret}`)}`
      expect(await authenticate(app.database, { authorization })).toMatchObject({ tenantId: test.tenantId })
    }
  })

  it('with a wrong header is not let in by its cookie', async () => {
    const cookie = `lethe_session=${test.tenantId}.${'A'.repeat(43)}`
    await expect(authenticate(app.database, { cookie })).rejects.toMatchObject(challenge('session'))
    await expect(authenticate(app.database, { cookie, authorization: 'Bearer x' })).rejects.toMatchObject(
      challenge('Bearer'),
    )
  })

  it('with anything else is refused, never failed, and the answer repeats nothing of it', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text,
          text.map((value) => `Basic ${base64(value)}`),
          text.map((value) => `Basic ${base64(`api:${value}`)}`),
          text.map((value) => `Basic ${base64(`api:lethe_00000000_${value}`)}`),
          text.map((value) => `Bearer ${value}`),
          text.map((value) => `Bearer ${base64(`{"alg":"EdDSA","kid":"${value}"}`)}.e30.AA`),
        ),
        async (authorization) => {
          const error = await authenticate(app.database, { authorization }).then(
            () => undefined,
            (reason) => reason,
          )
          expect(error).toMatchObject({ code: 'access.unauthenticated' })
          expect(error.message).toBe(
            'No valid credential was sent. Send an API key, a token that is not expired, or sign in.',
          )
        },
      ),
    )
  })
})
