import { showUser } from '../server/views/user-details.ts'
import { pipelinedDriver, plainDriver } from '../server/platform/database/drivers.ts'
import type { Database } from '../server/platform/database/pool.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import type { Loaded } from './databases.ts'
import { withPurges } from './purge.ts'
import { median, milliseconds, type Row } from './report.ts'

const warmUp = 15
const purges = 100
const lookUps = 30
const usersOfLookUp = 200

/**
 * What the private part of `pg` is worth that the usual driver stands on: the same work with it and without it, by turns.
 * The floor is with it, ours is without it; the ratio is the median of those of the pairs.
 */
export async function benchDrivers(loaded: Loaded): Promise<Row[]> {
  const rounds = warmUp + purges
  return await withPurges(
    loaded,
    'lethe_bench_pipelined',
    rounds,
    'certified',
    (nextPipelined, pipelined) =>
      withPurges(
        loaded,
        'lethe_bench_plain',
        rounds,
        'certified',
        async (nextPlain, plain) => [
          await inTurn('purge of one without pipelining', purges, [
            async () => (await nextPipelined()).ours,
            async () => (await nextPlain()).ours,
          ]),
          await inTurn(`${usersOfLookUp} look-ups by id without pipelining`, lookUps, [
            () => timeOfLookUps(pipelined, loaded.tenant),
            () => timeOfLookUps(plain, loaded.tenant),
          ]),
        ],
        plainDriver,
      ),
    pipelinedDriver,
  )
}

/** Milliseconds of both, by turns that change places, so that neither always follows the other. */
async function inTurn(what: string, rounds: number, [first, second]: [Work, Work]): Promise<Row> {
  const pairs: { withIt: number; without: number }[] = []
  for (let round = -warmUp; round < rounds; round++) {
    const early = await (round % 2 === 0 ? first : second)()
    const late = await (round % 2 === 0 ? second : first)()
    if (round < 0) continue
    pairs.push(round % 2 === 0 ? { withIt: early, without: late } : { withIt: late, without: early })
  }
  const ratio = median(pairs.map(({ withIt, without }) => without / withIt))
  return {
    what,
    floor: milliseconds(median(pairs.map(({ withIt }) => withIt))),
    ours: milliseconds(median(pairs.map(({ without }) => without))),
    ratio,
    // Less would not be worth a private part.
    target: '>= 1.1',
    met: ratio >= 1.1,
  }
}

type Work = () => Promise<number>

async function timeOfLookUps(database: Database, tenant: string): Promise<number> {
  const ids = await inTenant(database, tenant, async (tx) => {
    const { rows } = await tx.query<{ id: string }>('select id from users where tenant_id = $1 limit $2', [
      tenant,
      usersOfLookUp,
    ])
    return rows.map(({ id }) => id)
  })
  const started = performance.now()
  for (const value of ids) {
    await inTenant(database, tenant, (tx) => showUser(tx, { by: 'id', value }), { readOnly: true })
  }
  return performance.now() - started
}
