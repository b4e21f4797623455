import { afterAll, beforeAll, expect, it } from 'vitest'
import { killWhileWorking, planKills, Victims } from './kills.ts'

let victims: Victims
beforeAll(async () => {
  victims = await Victims.start()
})
afterAll(() => victims?.stop())

const seed = Number(process.env.LETHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const count = Number(process.env.LETHE_TEST_KILLS ?? 500)
const atATime = 25

it(`loses nothing and does nothing twice through ${count} random kills of servers, of the database and of connections`, async () => {
  process.stderr.write(`kills: LETHE_TEST_SEED=${seed} LETHE_TEST_KILLS=${count}\n`)
  const plan = planKills(seed, count, 1500)
  let hits = 0
  for (let from = 0; from < plan.length; from += atATime) {
    hits += await killWhileWorking(victims, plan.slice(from, from + atATime))
    expect(await victims.problems()).toEqual([])
    process.stderr.write(
      `kills: ${from + atATime} planned, ${hits} hit; ${victims.ordered.size} erasure requests, ${victims.exports.length} exports\n`,
    )
    victims.forget()
  }
  expect(hits).toBeGreaterThan(count / 2)
})
