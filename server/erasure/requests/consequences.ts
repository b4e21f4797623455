import {
  type AuthoredLeft,
  readAuthored,
  type SessionLeft,
  type Some,
  sessionsLeftBehind,
} from '../../learning/courses/left-behind.ts'
import { type ManagedUser, usersManagedBy } from '../../people/accounts/managed-users.ts'
import { findSuccessor } from '../../people/lifecycle/successor.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { type ExternalSystem, listExternalSystems } from '../../tenancy/external-systems.ts'

/** What an erasure leaves behind for the people who stay to do. */
export type Consequences = {
  /** Takes over the courses and training plans, if the acting person requests the erasure; null: no one can. */
  successor: { id: string; display_name: string | null } | null
  /** Courses that these people wrote. */
  authoredCourses: number
  /** Training plans that these people wrote. */
  authoredTrainingPlans: number
  sessionsWithoutInstructor: Some<SessionLeft>
  /** Empty if there is a successor. */
  coursesWithoutAuthor: Some<AuthoredLeft>
  trainingPlansWithoutAuthor: Some<AuthoredLeft>
  peopleWithoutManager: Some<ManagedUser>
  /** The register of the tenant: the owners must be asked to erase the people there. */
  externalSystems: ExternalSystem[]
}

/** The most sessions, courses, plans and people that a preview names, of each. */
const mostNamed = 100

const none = { total: 0, first: [] }

/**
 * Finds, without changing anything, what an erasure of these people leaves behind. Purge and anonymize leave the same.
 * The successor is the one that an erasure request of the acting person would have.
 */
export async function findConsequences(tx: TenantTransaction, people: string[]): Promise<Consequences> {
  const some = { people, most: mostNamed }
  const [successor, authored, sessions, managed, register] = await Promise.all([
    findSuccessor(tx, actorColumns(tx.initiator), people, { lock: false }),
    readAuthored(tx, some),
    sessionsLeftBehind(tx, some),
    usersManagedBy(tx, some),
    listExternalSystems(tx, { limit: 1000 }),
  ])
  return {
    successor: successor ?? null,
    authoredCourses: authored.courses,
    authoredTrainingPlans: authored.training_plans,
    sessionsWithoutInstructor: sessions,
    coursesWithoutAuthor: successor === undefined ? authored.coursesWithoutOthers : none,
    trainingPlansWithoutAuthor: successor === undefined ? authored.plansWithoutOthers : none,
    peopleWithoutManager: managed,
    externalSystems: register.systems,
  }
}
