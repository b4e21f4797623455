import { recordEverywhere } from '../audit/record-everywhere.ts'
import { insertKey, type SigningPurpose } from '../keyring/signing-keys.ts'
import type { Database } from '../platform/database/pool.ts'

/**
 * Retires the active key and makes a new one. Certificates that the retired key signed stay verifiable; access tokens
 * that it signed end. It is recorded in the system trail and in the trail of every tenant. Answers the new key's id.
 */
export async function rotateSigningKey(database: Database, purpose: SigningPurpose = 'certificate'): Promise<string> {
  // Where it fails the connection is closed, and the server undoes it.
  return await database.pool.lend(async (client) => {
    await client.query('begin')
    await client.query('update signing_keys set retired_at = now() where purpose = $1 and retired_at is null', [
      purpose,
    ])
    await insertKey(client, database.masterKey, purpose)
    await recordEverywhere(database, client, { activity: 'SigningKeyRotated', details: { purpose } })
    const { rows } = await client.query<{ kid: string }>(
      'select kid from signing_keys where purpose = $1 and retired_at is null',
      [purpose],
    )
    await client.query('commit')
    const [active] = rows
    if (active === undefined) throw new Error('a key was just inserted and none is active')
    return active.kid
  })
}
