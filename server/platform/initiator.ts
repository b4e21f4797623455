/** Who set an act in motion, and by which way. */
export type Initiator = {
  from: 'command_line' | 'console' | 'api' | 'identity_provider' | 'policy' | 'ledger' | 'system'
  /** The user who acts; undefined where nobody is signed in, as on the command line or with an API key. */
  userId?: string | undefined
  /** The API key or OAuth client that a program acts with, or the operator, who is nobody's user. */
  credential?:
    | {
        kind: 'api_key' | 'client' | 'operator'
        id: string
        /** What a program was let in with; it hands out no more. */
        scopes?: readonly string[]
      }
    | undefined
  /** The account of the operating system that a command runs as: a name, or `uid 1234` where it has none. */
  systemAccount?: string | undefined
}

/**
 * What stands in the columns `…_by` and `…_by_credential` of what is done: the user named as the actor, otherwise the
 * acting user, otherwise the acting key, client or operator. Both are null on the command line without `--as`, and
 * where the system acts.
 */
export function actorColumns(
  { userId, credential }: Initiator,
  named?: string | null,
): { userId: string | null; credentialId: string | null } {
  const user = named ?? userId ?? null
  return { userId: user, credentialId: user === null ? (credential?.id ?? null) : null }
}
