import { defineErrors } from '../platform/errors.ts'

/** What is wrong with a webhook endpoint, its address, or one of its deliveries. */
export const webhookError = defineErrors({
  'webhook.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This tenant has no webhook endpoint ${d.id}.`,
    hint: () => '"lethe webhook list" lists the endpoints.',
  },
  'webhook.delivery_not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `This endpoint has no delivery ${d.id}. An erasure of its person removes a delivery.`,
    hint: () => '"lethe webhook deliveries" lists the deliveries.',
  },
  'webhook.too_many': {
    kind: 'conflict',
    message: (d: { most: number }) => `A tenant has at most ${d.most} webhook endpoints. Delete one first.`,
    hint: () => '"lethe webhook delete" deletes an endpoint.',
  },
  'webhook.not_enabled': {
    kind: 'conflict',
    message: () => 'This webhook endpoint is disabled. Enable it first.',
    hint: () => '"lethe webhook enable" enables it.',
  },
  'webhook.needs_address': {
    kind: 'conflict',
    message: () => 'The address of this webhook endpoint named a person who was erased. Give it a new address first.',
    hint: () => '"lethe webhook change" changes it.',
  },
  'webhook.credential_ended': {
    kind: 'conflict',
    message: () =>
      'The API key or OAuth client that created this webhook endpoint is revoked or expired. Create another endpoint.',
    hint: () => '"lethe webhook create" creates one.',
  },
  'webhook.address_not_allowed': {
    kind: 'forbidden',
    message: () =>
      'The receiver has a private, local or reserved network address, or does not use HTTPS. The operator can allow networks with LETHE_WEBHOOK_NETWORKS, and plain HTTP with LETHE_WEBHOOK_PLAIN_HTTP.',
  },
})

/** Why an endpoint is disabled. The last one is not stored: it follows from the credential. */
export const disabledReasons = ['administrator', 'receiver_gone', 'names_purged_person', 'credential_ended'] as const
export type DisabledBecause = (typeof disabledReasons)[number]
