import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { projectFolder } from '../config.ts'
import { newWebhookSecret } from './sealed.ts'
import { signatureHeaders } from './sign.ts'

const page = readFileSync(path.join(projectFolder, 'docs', 'webhooks.md'), 'utf8')
// Inside of the project, where the program finds its library.
const folder = mkdtempSync(path.join(projectFolder, 'node_modules', '.webhooks-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The block of this language behind a line of the page. */
function block(behind: string, language: string): string {
  const [, code] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page.slice(page.indexOf(behind))) ?? []
  if (code === undefined) throw new Error(`docs/webhooks.md has no ${language} behind "${behind}"`)
  return code
}

const [before, after, other] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()]
const body = '{"type":"user.purged","name":"Ünïcödé \u{1f511}"}'
const headers = signatureHeaders(body, { id: 'id-1', at: new Date(), secrets: [after, before], thriveSecret: before })
writeFileSync(path.join(folder, 'body'), body)

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined

describe('the code of docs/webhooks.md', () => {
  it('in TypeScript accepts what is signed with either secret, and nothing else', () => {
    const program = `${block('### TypeScript', 'ts')}
import { readFileSync } from 'node:fs'
const [headers, secret] = process.argv.slice(1)
try {
  readEvent(readFileSync('body', 'utf8'), JSON.parse(headers ?? ''), secret ?? '')
  process.stdout.write('yes')
} catch (error) {
  process.stdout.write(error instanceof Error ? error.name : 'no')
}`
    const accepts = (secret: string, given = headers) =>
      execFileSync(process.execPath, ['--input-type=module-typescript', '-e', program, JSON.stringify(given), secret], {
        cwd: folder,
        encoding: 'utf8',
      })
    expect([accepts(before), accepts(after)]).toEqual(['yes', 'yes'])
    expect(accepts(other)).toBe('WebhookVerificationError')
    expect(accepts(after, { ...headers, 'webhook-timestamp': '1700000000' })).toBe('WebhookVerificationError')
  })

  it.skipIf(!isThere('python3'))('in Python accepts the same', () => {
    const program = `${block('### Python', 'python')}
import json, sys
headers, secret = sys.argv[1:]
print(is_genuine(open("body", "rb").read(), json.loads(headers), secret), end="")
`
    const accepts = (secret: string, given = headers) =>
      execFileSync('python3', ['-c', program, JSON.stringify(given), secret], { cwd: folder, encoding: 'utf8' })
    expect([accepts(before), accepts(after), accepts(other)]).toEqual(['True', 'True', 'False'])
    expect(accepts(after, { ...headers, 'webhook-timestamp': '1700000000' })).toBe('False')
  })

  it('in the shell prints the same signatures', () => {
    const prints = (script: string, secret: string) =>
      execFileSync('sh', ['-c', script], {
        cwd: folder,
        encoding: 'utf8',
        env: {
          ...process.env,
          secret,
          webhook_id: headers['webhook-id'],
          webhook_timestamp: headers['webhook-timestamp'],
        },
      })
    const standard = block('### Shell', 'sh')
    expect(headers['webhook-signature']?.split(' ')).toEqual(
      [prints(standard, after), prints(standard, before)].map((text) => text.trim()),
    )
    expect(prints(block("Thrive's header:", 'sh'), before)).toBe(headers['x-hmac-signature'])
  })

  it('shows a payload of the shape that is sent', () => {
    expect(Object.keys(JSON.parse(block('## The payload', 'json')))).toEqual([
      ...['id', 'type', 'timestamp', 'data'],
      ...['eventType', 'tenantId', 'user', 'createdAt', 'dispatchedAt'],
    ])
  })
})
