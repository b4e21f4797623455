import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Api } from '../../http/api.ts'
import { readForms } from '../../http/body/read-form.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { mediaTypes } from '../../http/openapi/shared-schema.ts'
import { confirmAddress, showConfirmation } from '../../identity/confirm-address.ts'
import { identityError } from '../../identity/errors.ts'
import { peopleError } from '../../people/errors.ts'

const Params = Type.Object({ token: Type.String({ minLength: 1, maxLength: 128 }) })
const Page = mediaTypes('A page', { 'text/html': { type: 'string' } })

/** Pages that links in e-mails lead to. They work without scripts and without a sign-in. */
export const pagesApi: Api = {
  title: 'Lethe',
  prefixes: ['/confirm'],
  plugin(server) {
    // A browser sends the form of the page so.
    readForms(server)
    addConfirmPage(server)
  },
}

/** `/confirm/:token`: GET only shows, because programs open links of e-mails before people do; POST confirms. */
function addConfirmPage(server: HttpServer): void {
  const shared = { url: '/confirm/:token', config: { permission: 'public' as const, guarded: true, errors: [] } }
  const tags = ['Users']
  server.route({
    ...shared,
    method: 'GET',
    schema: {
      tags,
      summary: 'The page that asks the owner of an e-mail address to confirm it',
      description: 'Changes nothing.',
      params: Params,
      response: { 200: Page, 404: Page },
    },
    handler: (request, reply) =>
      answer(reply, async () => {
        const { email, tenantName } = await showConfirmation(server.database, request.params.token)
        return page(
          'Confirm your e-mail address',
          `<p>An account in the tenant <q>${escapeHtml(tenantName)}</q> has the address <b>${escapeHtml(email)}</b>.</p>
<p>If you confirm, you say that the address and this account are yours. A purge of this account then also purges your accounts with this address in trial tenants of this installation.</p>
<form method="post"><button type="submit">Yes, both are mine</button></form>
<p>If this account is not yours, close this page. Nothing changes.</p>`,
        )
      }),
  })
  server.route({
    ...shared,
    method: 'POST',
    schema: {
      tags,
      summary: 'Confirm an e-mail address by the link that was mailed to it',
      params: Params,
      response: { 200: Page, 404: Page, 409: Page },
    },
    handler: (request, reply) =>
      answer(reply, async () => {
        const { tenantName } = await confirmAddress(server.database, request.params.token)
        return page(
          'Your address is confirmed',
          `<p>The address is confirmed for your account in the tenant <q>${escapeHtml(tenantName)}</q>. You can close this page.</p>`,
        )
      }),
  })
}

/** Sends the page, or the page of an error that the visitor can meet. */
async function answer(reply: FastifyReply, make: () => Promise<string>): Promise<FastifyReply> {
  reply.headers({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  })
  try {
    return reply.code(200).send(await make())
  } catch (error) {
    if (identityError.is(error, 'identity.link_invalid')) {
      return reply.code(404).send(page('This link is not valid', `<p>${escapeHtml(error.message)}</p>`))
    }
    if (peopleError.is(error, 'user.erasure_pending')) {
      const text = '<p>This account is about to be erased, so its address cannot be confirmed.</p>'
      return reply.code(409).send(page('This account is about to be erased', text))
    }
    reply.removeHeader('content-type')
    throw error
  }
}

function page(title: string, body: string): string {
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

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign)
}
