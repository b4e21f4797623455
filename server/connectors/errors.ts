import { defineErrors } from '../platform/errors.ts'

/** What is wrong with a connector, its source, or what it brings. */
export const connectorError = defineErrors({
  'connector.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This tenant has no connector ${d.id}.`,
    hint: () => '"lethe connector list" lists the connectors.',
  },
  'connector.needs_change': {
    kind: 'conflict',
    message: () =>
      'This connector named a person who was erased. Change its address, its notification addresses or the user it runs as, then enable it.',
    hint: () => '"lethe connector change" changes it.',
  },
  'connector.not_enabled': {
    kind: 'conflict',
    message: () => 'This connector is disabled. Enable it first.',
    hint: () => '"lethe connector enable" enables it.',
  },
  'connector.not_asking': {
    kind: 'conflict',
    message: () => 'No run of this connector waits for a confirmation.',
  },
  'connector.run_as_not_permitted': {
    kind: 'conflict',
    message: () => 'The user that this connector runs as is not active, or may not import users. Name another user.',
  },
  'connector.folder_not_allowed': {
    kind: 'forbidden',
    message: () =>
      'The file is in no folder that the operator has opened to connectors of this tenant. The operator sets LETHE_CONNECTOR_FOLDERS.',
  },
  'connector.file_unreadable': {
    kind: 'not_found',
    message: (d: { reason: string }) => `The file of the connector cannot be read: ${d.reason}.`,
  },
  'connector.address_not_allowed': {
    kind: 'forbidden',
    message: () =>
      'The host has a private, local or reserved network address. The operator can allow networks with LETHE_CONNECTOR_NETWORKS.',
  },
  'connector.source_unreachable': {
    kind: 'unavailable',
    message: (d: { reason: string }) => `The source of the connector cannot be reached: ${d.reason}.`,
  },
  'connector.source_refused': {
    kind: 'unavailable',
    message: (d: { status: number }) =>
      `The source of the connector answers with status ${d.status}; 200 is expected. Redirects are not followed.`,
  },
  'connector.source_too_large': {
    kind: 'too_large',
    message: (d: { mebibytes: number }) => `The source of the connector sends more than ${d.mebibytes} MiB.`,
  },
  'connector.source_too_slow': {
    kind: 'unavailable',
    message: (d: { seconds: number }) => `The source of the connector takes longer than ${d.seconds} seconds.`,
  },
  'connector.feed_smaller': {
    kind: 'conflict',
    message: (d: { rows: number; before: number }) =>
      `The feed has ${d.rows} good rows; the last good one had ${d.before}. Nothing was imported. Check the feed, then confirm the run.`,
    hint: () => '"lethe connector confirm" runs it once.',
  },
})

/** Why a connector is disabled. */
export const disabledReasons = ['new', 'administrator', 'names_purged_person', 'run_as_not_permitted'] as const
export type DisabledBecause = (typeof disabledReasons)[number]
