import { Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { confirmAddress, showConfirmation } from '../../identity/confirm-address.ts'
import { identityError } from '../../identity/errors.ts'
import { peopleError } from '../../people/errors.ts'
import { type Answer, escapeHtml, Page, pageOf, sendPage } from './page.ts'

const Params = Type.Object({ token: Type.String({ minLength: 1, maxLength: 128 }) })

/** `/confirm/:token`: GET only shows, because programs open links of e-mails before people do; POST confirms. */
export function addConfirmPage(server: HttpServer): void {
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
      sendPage(
        reply,
        async () => {
          const { email, tenantName } = await showConfirmation(server.database, request.params.token)
          return pageOf(
            'Confirm your e-mail address',
            `<p>An account in the tenant <q>${escapeHtml(tenantName)}</q> has the address <b>${escapeHtml(email)}</b>.</p>
<p>If you confirm, you say that the address and this account are yours. A purge of this account then also purges your accounts with this address in trial tenants of this installation.</p>
<form method="post"><button type="submit">Yes, both are mine</button></form>
<p>If this account is not yours, close this page. Nothing changes.</p>`,
          )
        },
        errorPage,
      ),
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
      sendPage(
        reply,
        async () => {
          const { tenantName } = await confirmAddress(server.database, request.params.token)
          return pageOf(
            'Your address is confirmed',
            `<p>The address is confirmed for your account in the tenant <q>${escapeHtml(tenantName)}</q>. You can close this page.</p>`,
          )
        },
        errorPage,
      ),
  })
}

function errorPage(error: unknown): Answer | undefined {
  if (identityError.is(error, 'identity.link_invalid')) {
    return { status: 404, page: pageOf('This link is not valid', `<p>${escapeHtml(error.message)}</p>`) }
  }
  if (peopleError.is(error, 'user.erasure_pending')) {
    const text = '<p>This account is about to be erased, so its address cannot be confirmed.</p>'
    return { status: 409, page: pageOf('This account is about to be erased', text) }
  }
  return undefined
}
