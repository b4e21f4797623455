import autocannon from 'autocannon'
import pg from 'pg'
import { createApiKey } from '../server/access/api-keys.ts'
import { keysOfUsers } from '../server/audit/subject-keys.ts'
import { createCatalog } from '../server/learning/catalogs/create-catalog.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { type Database, openDatabase } from '../server/platform/database/pool.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { createScaleSet } from '../server/skills/create-scale-set.ts'
import { createSkill } from '../server/skills/create-skill.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { type Place, urlOf } from './databases.ts'
import { connections, fillWithUsers, masterKeyOfBenchmark, rounds, type Server, startServer, users } from './http.ts'
import type { SampleAward } from './http-server.ts'
import { median, type Row } from './report.ts'

/** Each revokes another award. */
const requestsEach = 2400
/** Statements are prepared and caches warmed; not counted. */
const warmUp = 400

/**
 * RevokeSkill of Learn365 over HTTP under concurrent load, against a bare handler with the same statements: every request
 * takes the one skill from another user, who was awarded it before.
 */
export async function benchSkills(place: Place): Promise<Row[]> {
  const name = 'lethe_bench_skills'
  const [ownerUrl, appUrl] = [urlOf(place.ownerUrl, name), urlOf(place.appUrl, name)]
  await migrate({ ownerUrl, appUrl })
  const database = await openDatabase({ url: appUrl, masterKey: masterKeyOfBenchmark })
  try {
    const { id: tenant } = await createTenant(database, { name: 'Benchmark', kind: 'enterprise' })
    await fillWithUsers(ownerUrl, tenant)
    const of = await createASkill(database, tenant)
    const logins = await awardToAll({ ownerUrl, database, tenant }, of)
    const { secret } = await inTenant(database, tenant, (tx) =>
      createApiKey(tx, { name: 'Benchmark', access: 'full_control' }),
    )
    const headers = {
      authorization: `Basic ${Buffer.from(`api:${secret}`).toString('base64')}`,
      'content-type': 'application/json',
    }
    const [sample, other] = logins.splice(0, 2)
    if (sample === undefined || other === undefined) throw new Error('There are two users to begin with')
    const award = (login: string) => JSON.stringify({ login, ...of } satisfies SampleAward)
    const floor = await startServer('bare', appUrl, tenant, sample.id, award(sample.login))
    const ours = await startServer('lethe', appUrl, tenant)
    const body = JSON.stringify({ skillId: of.skillId, levelId: of.levelId })
    const revoke = async (server: Server, amount: number) => {
      const paths = logins.splice(0, amount).map(({ login }) => pathOf(of.catalogId, login))
      return await load({ url: server.url, paths, headers, body })
    }
    try {
      const rates = { floor: [] as number[], ours: [] as number[] }
      for (const server of [floor, ours]) await revoke(server, warmUp)
      for (let round = 0; round < rounds; round++) {
        rates.floor.push(await revoke(floor, requestsEach))
        rates.ours.push(await revoke(ours, requestsEach))
      }
      await requireRevoked(database, tenant, 1 + 2 * (warmUp + rounds * requestsEach))
      return [rowOf(median(rates.floor), median(rates.ours))]
    } finally {
      for (const server of [floor, ours]) await server.stop()
    }
  } finally {
    await database.close()
  }
}

function rowOf(floor: number, ours: number): Row {
  return {
    what: 'RevokeSkill over HTTP',
    floor: `${Math.round(floor)}/s`,
    ours: `${Math.round(ours)}/s`,
    ratio: ours / floor,
    target: '>= 0.7',
    met: ours / floor >= 0.7,
  }
}

async function createASkill(database: Database, tenant: string): Promise<Omit<SampleAward, 'login'>> {
  return await inTenant(database, tenant, async (tx) => {
    const { id: catalogId } = await createCatalog(tx, { title: 'Benchmark' })
    const levels = [{ title: 'Basic', value: 1 }]
    const { id: scaleSetId, levelIds } = await createScaleSet(tx, { title: 'Benchmark', catalogId, levels })
    const { id: skillId } = await createSkill(tx, { title: 'Benchmark', scaleSetId, catalogId })
    return { catalogId, skillId, levelId: levelIds[0] ?? '' }
  })
}

type User = { id: string; login: string }

/** Awards the skill to every user, in bulk, and leaves the users' keys as awards one by one would have. */
async function awardToAll(
  { ownerUrl, database, tenant }: { ownerUrl: string; database: Database; tenant: string },
  { skillId, levelId }: { skillId: string; levelId: string },
): Promise<User[]> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    await owner.query(`select set_config('lethe.tenant_id', $1, false)`, [tenant])
    await owner.query(
      'insert into user_skills (tenant_id, user_id, skill_id, level_id) select tenant_id, id, $2, $3 from users where tenant_id = $1',
      [tenant, skillId, levelId],
    )
    const { rows } = await owner.query<User>(
      'select id, login_name as login from users where tenant_id = $1 order by random()',
      [tenant],
    )
    await inTenant(database, tenant, (tx) =>
      keysOfUsers(
        tx,
        rows.map(({ id }) => id),
      ),
    )
    await owner.query('vacuum analyze user_skills, person_keys')
    if (rows.length !== users) throw new Error(`${users} users were awarded a skill, not ${rows.length}`)
    return rows
  } finally {
    await owner.end()
  }
}

function pathOf(catalogId: string, login: string): string {
  return `/services/skills/catalog/${catalogId}/UserSkills/User/${encodeURIComponent(login)}/RevokeSkill`
}

/** Sends each path once, over several connections at a time. Answers how many a second. */
async function load(options: {
  url: string
  paths: string[]
  headers: Record<string, string>
  body: string
}): Promise<number> {
  const { url, paths, headers, body } = options
  const requests = paths.map((path) => ({ method: 'POST' as const, path, headers, body }))
  const share = Math.ceil(requests.length / connections)
  let connected = 0
  const { non2xx, errors, start, finish } = await autocannon({
    url,
    connections,
    amount: requests.length,
    setupClient: (client) => {
      client.setRequests(requests.slice(connected * share, (connected + 1) * share))
      connected++
    },
  })
  if (non2xx + errors > 0) throw new Error(`${non2xx + errors} requests failed`)
  return (requests.length * 1000) / (finish.getTime() - start.getTime())
}

/** A server that answers and does nothing would be fast. */
async function requireRevoked(database: Database, tenant: string, expected: number): Promise<void> {
  const { rows } = await inTenant(database, tenant, (tx) =>
    tx.query<{ revoked: number; told: number; recorded: number }>(
      `select (select count(*) from user_skills where tenant_id = $1 and revoked_at is not null) as revoked,
         (select count(distinct user_id) from notifications where tenant_id = $1 and kind = 'skill_revoked') as told,
         (select count(distinct subject_id) from audit_entries where tenant_id = $1 and activity = 'SkillRevoked') as recorded`,
      [tenant],
    ),
  )
  const [found] = rows
  if (found?.revoked !== expected || found.told !== expected || found.recorded !== expected) {
    throw new Error(`${expected} skills were to be revoked, and found were ${JSON.stringify(found)}`)
  }
}
