import { accessMap } from '../access/data-map.ts'
import { auditMap } from '../audit/data-map.ts'
import { directoryMap } from '../directory/data-map.ts'
import { erasureMap } from '../erasure/data-map.ts'
import { httpMap } from '../http/data-map.ts'
import { importsMap } from '../imports/data-map.ts'
import { learningMap } from '../learning/data-map.ts'
import { notifyMap } from '../notify/data-map.ts'
import { peopleMap } from '../people/data-map.ts'
import { platformMap } from '../platform/data-map.ts'
import { skillsMap } from '../skills/data-map.ts'
import { tenancyMap } from '../tenancy/data-map.ts'
import type { DataMap } from './vocabulary.ts'

/** Every table of the database, each entry declared by the room that owns the table. Nothing else lists tables. */
export const dataMap: DataMap = {
  ...tenancyMap,
  ...peopleMap,
  ...accessMap,
  ...directoryMap,
  ...learningMap,
  ...skillsMap,
  ...notifyMap,
  ...importsMap,
  ...httpMap,
  ...erasureMap,
  ...auditMap,
  ...platformMap,
}
