import { resealMentions } from '../../audit/reseal.ts'
import { withdrawExports } from '../../exports/withdraw-exports.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { destroyFiles } from '../../import-runs/destroy-files.ts'
import type { Effect } from '../../personal-data/affected-rows.ts'
import { canLookUp, type Mention } from '../../personal-data/find-mentions.ts'
import { scrubMentions } from '../../personal-data/scrub-mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { disableAllNaming, readNaming } from '../naming-rows.ts'
import { alsoErasedFinder } from './also-erased.ts'
import type { Batch } from './claim-batch.ts'

/** What scrubbing did, as lines of the receipt, and the mentions that are left. */
export type Scrubbed = { effects: Effect[]; left: Mention[] }

/**
 * The fifth phase: takes the identifiers of erased people out of everything that stays. That is the mention columns of the
 * map, values that are sealed under keys of other people, kept exports, and files of imports. Then it looks for them once
 * more. It runs once for a request, after its last person is erased, because finding many identifiers means reading every
 * text, whatever their number. Identifiers held by others stay.
 *
 * `mentions`: those that this transaction has looked up already, of the same people.
 *
 * If {@link canLookUp} the identifiers, the first look-up is sent before it waits for an answer. Otherwise it reads whole
 * tables, which needs the connection to itself: nothing else may be under way.
 */
export async function scrub(
  tx: TenantTransaction,
  batch: Pick<Batch, 'request' | 'operation' | 'isLastBatch'>,
  subjects: { identifiers: Map<string, Identifier[]> },
  { heldByOthers, mentions }: { heldByOthers: Promise<Set<string>>; mentions?: readonly Mention[] | undefined },
): Promise<Scrubbed> {
  const people = [...subjects.identifiers.keys()]
  const identifiers = [...subjects.identifiers.values()].flat()
  const options = {
    operation: batch.operation,
    people,
    heldByOthers,
    known: mentions,
    findAlsoErased: alsoErasedFinder(tx, batch, people),
  }
  // Read before anything is scrubbed in them.
  const naming = readNaming(tx)
  const lookingUp = canLookUp(identifiers) ? scrubMentions(tx, { ...options, identifiers }) : undefined
  const scrubbingElsewhere = heldByOthers.then(async (held) => {
    const own = identifiers.filter(({ value }) => !held.has(value))
    const effects = await Promise.all([
      resealMentions(tx, own, people),
      withdrawExports(tx, own, people),
      destroyFiles(tx, own, people),
      naming.then((rows) => disableAllNaming(tx, rows, own)),
    ])
    return { own, effects: effects.flat() }
  })
  const [elsewhere, lookedUp] = await Promise.all([scrubbingElsewhere, lookingUp])
  const { effects, left } = lookedUp ?? (await scrubMentions(tx, { ...options, identifiers: elsewhere.own }))
  return { effects: [...effects, ...elsewhere.effects], left }
}
