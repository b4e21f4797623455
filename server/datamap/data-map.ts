import { accessMap } from './entries/access.ts'
import { auditMap } from './entries/audit.ts'
import { connectorsMap } from './entries/connectors.ts'
import { directoryMap } from './entries/directory.ts'
import { erasureMap } from './entries/erasure.ts'
import { eventsMap } from './entries/events.ts'
import { exportsMap } from './entries/exports.ts'
import { holdsMap } from './entries/holds.ts'
import { httpMap } from './entries/http.ts'
import { identityMap } from './entries/identity.ts'
import { importRunsMap } from './entries/import-runs.ts'
import { importsMap } from './entries/imports.ts'
import { keyringMap } from './entries/keyring.ts'
import { learningMap } from './entries/learning.ts'
import { notifyMap } from './entries/notify.ts'
import { peopleMap } from './entries/people.ts'
import { platformMap } from './entries/platform.ts'
import { receivedEventsMap } from './entries/received-events.ts'
import { skillsMap } from './entries/skills.ts'
import { tenancyMap } from './entries/tenancy.ts'
import { tombstonesMap } from './entries/tombstones.ts'
import { webhooksMap } from './entries/webhooks.ts'
import type { DataMap } from './vocabulary.ts'

/** Every table of the database, each entry declared by the room that owns the table. Nothing else lists tables. */
export const dataMap: DataMap = {
  ...tenancyMap,
  ...keyringMap,
  ...tombstonesMap,
  ...peopleMap,
  ...accessMap,
  ...identityMap,
  ...directoryMap,
  ...holdsMap,
  ...learningMap,
  ...skillsMap,
  ...notifyMap,
  ...connectorsMap,
  ...webhooksMap,
  ...eventsMap,
  ...importRunsMap,
  ...importsMap,
  ...httpMap,
  ...receivedEventsMap,
  ...exportsMap,
  ...erasureMap,
  ...auditMap,
  ...platformMap,
}
