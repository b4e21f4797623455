import type { Identifier } from '../../identifiers/identifier-key.ts'
import type { Effect, Located } from '../../personal-data/affected-rows.ts'
import { type Mention, mentionEffects } from '../../personal-data/mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Who left something behind fails, with the names of the tables. */
export function recordResidue(tx: TenantTransaction, request: string, residue: Map<string, Effect[]>): void {
  if (residue.size === 0) return
  const reasons = [...residue.values()].map(
    (effects) => `left in ${effects.map(({ table, effect }) => `${table} (${effect})`).join(', ')}`,
  )
  tx.send(
    `with failed as (
       update erasure_subjects s
       set state = 'failed', finished_at = null, error_code = 'erasure.residue', error_reason = given.reason
       from unnest($3::uuid[], $4::text[]) as given (user_id, reason)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     )
     update erasure_steps set failed = failed + $5 where tenant_id = $1 and request_id = $2 and step = 'verify'`,
    [tx.tenantId, request, [...residue.keys()], reasons, residue.size],
    'record_residue',
  )
}

/** Whose what is left is. Somebody else's row that mentions an identifier is the person's whose identifier it is. */
export function residueOf(
  left: { located?: Located[]; mentions?: Mention[] },
  identifiers: Map<string, Identifier[]>,
): Map<string, Effect[]> {
  const residue = new Map<string, Effect[]>()
  const add = (person: string, effect: Effect) => residue.set(person, [...(residue.get(person) ?? []), effect])
  for (const { person, table, effect, rows } of left.located ?? []) add(person, { table, effect, rows })
  for (const mention of left.mentions ?? []) {
    const mentioned = new Set(mention.identifiers.map(({ value }) => value))
    for (const [person, theirs] of identifiers) {
      if (!theirs.some(({ value }) => mentioned.has(value))) continue
      for (const effect of mentionEffects([mention])) add(person, effect)
    }
  }
  return residue
}
