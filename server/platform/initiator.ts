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
}
