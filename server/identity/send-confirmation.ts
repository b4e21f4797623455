import { formatLinkToken } from '../access/link-token.ts'
import { hashSecret, newSecret } from '../access/secrets.ts'
import type { Mailer } from '../notify/mailer.ts'
import { deliver } from '../notify/send-email.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../platform/database/transaction.ts'
import type { JobPayload } from '../platform/jobs/enqueue.ts'
import { inputError } from '../platform/validation/errors.ts'
import { identityHash } from './identity-hash.ts'
import { linkHours } from './request-confirmation.ts'

type Waiting = { email: string; base_url: string; tenant_name: string; address_hash: Buffer }

/**
 * The job that mails a confirmation link. It makes the secret of the link, whose hash alone is stored. It sends nothing
 * without a mail server, a second time, after the link expired, or if user or address have changed. An attempt that
 * failed is repeated with another secret.
 */
export async function sendConfirmation(
  database: Database,
  mailer: Mailer | undefined,
  payload: JobPayload,
): Promise<void> {
  const { tenant, link } = payload
  if (tenant === undefined || link === undefined) {
    throw inputError('input.invalid', { field: 'payload', expected: 'a tenant and a link are expected' })
  }
  if (mailer === undefined) return
  const secret = newSecret()
  const waiting = await inTenant(database, tenant, (tx) => takeLink(tx, link, secret))
  if (waiting === undefined) return
  const { email, base_url, tenant_name } = waiting
  await deliver(mailer, {
    id: link,
    email,
    subject: 'Confirm your e-mail address',
    body: bodyOf({ url: `${base_url}/confirm/${formatLinkToken({ tenant, secret })}`, tenant: tenant_name }),
  })
  await inTenant(database, tenant, (tx) =>
    tx.query('update confirmation_links set sent_at = $3 where tenant_id = $1 and id = $2', [tenant, link, new Date()]),
  )
}

async function takeLink(tx: TenantTransaction, link: string, secret: string): Promise<Waiting | undefined> {
  const { rows } = await tx.query<Waiting>(
    `select u.email, l.base_url, t.name as tenant_name, l.address_hash
     from confirmation_links l
     join users u on u.tenant_id = l.tenant_id and u.id = l.user_id
     join tenants t on t.id = l.tenant_id
     where l.tenant_id = $1 and l.id = $2 and l.sent_at is null and l.used_at is null and l.expires_at > now()
       and u.state = 'active' and u.email is not null
     for no key update of l`,
    [tx.tenantId, link],
  )
  const [waiting] = rows
  if (waiting === undefined) return undefined
  if (!identityHash(tx.masterKey, { kind: 'email', value: waiting.email }).equals(waiting.address_hash))
    return undefined
  await tx.query('update confirmation_links set token_hash = $3 where tenant_id = $1 and id = $2', [
    tx.tenantId,
    link,
    hashSecret(secret),
  ])
  return waiting
}

/** The text of the e-mail. The name of the tenant is its administrators' choice, so it stands in quotes. */
function bodyOf({ url, tenant }: { url: string; tenant: string }): string {
  return `An account in "${tenant}" has this e-mail address. Open this link to confirm that the address and the account are yours:

${url}

If you confirm, a purge of this account also purges your accounts with this address in trial tenants of the same installation.

The link works once, for ${linkHours} hours. If this account is not yours, do nothing.
`
}

/** Deletes links that expired a day ago, in all tenants. */
export async function cleanConfirmationLinks(database: Database): Promise<void> {
  for (const id of await tenantIds(database)) {
    await inTenant(database, id, (tx) =>
      tx.query(`delete from confirmation_links where tenant_id = $1 and expires_at < now() - interval '1 day'`, [id]),
    )
  }
}
