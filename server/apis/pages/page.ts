import type { FastifyReply } from 'fastify'
import { mediaTypes } from '../../http/openapi/shared-schema.ts'

/** The schema of a page in the OpenAPI document. */
export const Page = mediaTypes('A page', { 'text/html': { type: 'string' } })

/** A page, and its status. */
export type Answer = { status: number; page: string }

/**
 * Sends the page. `asPage` makes a page of an error that the visitor can meet, and returns undefined for others, which go
 * on to the frame.
 */
export async function sendPage(
  reply: FastifyReply,
  make: () => Promise<string>,
  asPage: (error: unknown) => Answer | undefined,
): Promise<FastifyReply> {
  reply.headers({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  })
  try {
    return reply.code(200).send(await make())
  } catch (error) {
    const answer = asPage(error)
    if (answer !== undefined) return reply.code(answer.status).send(answer.page)
    reply.removeHeader('content-type')
    throw error
  }
}

/** A page of HTML. The title is a text of the code, and the body is escaped by the caller. */
export function pageOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** The text as HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign)
}
