import { type CompiledMap, peopleTable } from '../plan.ts'
import type { AnyEntry, SchemaFacts } from '../vocabulary.ts'
import { compileEnrollment } from './enrollment.ts'
import { compilePlan } from './erasure-plan.ts'
import { compileHolders, identifiersOf } from './identifiers.ts'
import { compileLifecycle } from './lifecycle.ts'
import { named } from './named.ts'
import { ownRows } from './schema.ts'
import { requireSound } from './soundness.ts'
import { compileTenantDeletion } from './tenant-deletion.ts'
import { versionOf } from './version.ts'

/**
 * Compiles the data map into SQL. Pure: the same map and the same facts give the same statements.
 * Throws where the map contradicts the schema: these are mistakes of a developer, found by the first test that runs.
 */
export function compileDataMap(map: Record<string, AnyEntry>, facts: SchemaFacts): CompiledMap {
  requireSound(map, facts)
  const identifiers = identifiersOf(map)
  const readPeople = `select id, state, ${identifiers.map(({ column }) => column).join(', ')} from ${peopleTable} where ${ownRows} order by id`
  return {
    version: versionOf(map),
    lockPeople: named('lock_people', `${readPeople} for update`),
    readPeople: named('read_people', readPeople),
    identifiers,
    ...compileHolders(identifiers),
    ...compileLifecycle(map, facts),
    enrollment: compileEnrollment(map, facts),
    deleteTenant: compileTenantDeletion(facts),
    plans: { purge: compilePlan('purge', map, facts), anonymize: compilePlan('anonymize', map, facts) },
  }
}
