/** What the operator opens to connectors: the settings of the same names. */
export type ConnectorSettings = {
  /** Folders that files may be pulled from; with a tenant, only by that tenant's connectors. */
  connectorFolders: readonly { folder: string; tenant?: string }[]
  /** Networks in CIDR notation that may be connected to although they are private, local or reserved. */
  connectorNetworks: readonly string[]
  /** A file of certificates (PEM) that are trusted beside those of Node; undefined: none. */
  connectorCa?: string | undefined
}

/** The largest feed, in bytes. */
export const largestFeed = 256 * 1024 * 1024
/** The longest that a source may take, in milliseconds. */
export const longestFetch = 5 * 60 * 1000
