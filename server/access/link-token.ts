const form = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})$/

/** The last part of a link that works without a sign-in: the tenant, and a secret whose hash alone is stored. */
export type LinkToken = { tenant: string; secret: string }

/** The token as it stands in the address. */
export function formatLinkToken({ tenant, secret }: LinkToken): string {
  return `${tenant}.${secret}`
}

/** Reads a token; undefined if the text has another form. */
export function readLinkToken(text: string): LinkToken | undefined {
  const [, tenant, secret] = form.exec(text) ?? []
  return tenant === undefined || secret === undefined ? undefined : { tenant, secret }
}
