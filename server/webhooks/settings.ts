/** What the operator opens to webhooks: the settings of the same names. */
export type WebhookSettings = {
  /** Networks in CIDR notation that may be delivered to although they are private, local or reserved. */
  webhookNetworks: readonly string[]
  /** A file of certificates (PEM) that are trusted beside those of Node; undefined: none. */
  webhookCa?: string | undefined
  /** Whether addresses may begin with http://. */
  webhookPlainHttp: boolean
}

/** The most endpoints of a tenant. */
export const mostEndpoints = 20
/** The longest that a receiver may take to answer, in milliseconds; Thrive's documentation of webhooks has the same. */
export const longestAnswer = 30_000
