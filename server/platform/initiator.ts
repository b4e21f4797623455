/** Who set an act in motion, and by which way. */
export type Initiator = {
  /** The user who acts; undefined where nobody is signed in, as on the command line. */
  userId?: string | undefined
  from: 'command_line' | 'console' | 'api' | 'identity_provider' | 'policy' | 'ledger'
}
