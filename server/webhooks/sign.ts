import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

/**
 * The headers that show a receiver who sent a body, and that it is unchanged: those of the Standard Webhooks specification,
 * with one signature for each secret. `thriveSecret`: what the header `x-hmac-signature` of Thrive is made with, if it is
 * wanted; the key is the secret as text, `whsec_` included.
 */
export function signatureHeaders(
  body: string,
  {
    id,
    at,
    secrets,
    thriveSecret,
  }: { id: string; at: Date; secrets: readonly string[]; thriveSecret?: string | undefined },
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
    ...(thriveSecret !== undefined && {
      'x-hmac-signature': `sha256=${createHmac('sha256', thriveSecret).update(body).digest('hex')}`,
    }),
  }
}
