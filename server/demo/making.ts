import type { EnrollmentState } from '../learning/enrollments/record-enrollments.ts'
import type { UserRole } from '../permissions/roles.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { CourseDraft } from './courses.ts'
import type { Random } from './random.ts'

/** Somebody of the demo. */
export type Person = {
  id: string
  email: string
  department: string
  roles: readonly UserRole[]
  managerId: string | undefined
  /** How many days ago the person left; 0 for those who are still there. */
  left: number
}

export type Course = {
  id: string
  catalogId: string
  draft: CourseDraft
  moduleIds: string[]
  assessmentIds: string[]
  sessionIds: string[]
}

export type Enrollment = { person: Person; course: Course; state: EnrollmentState; completedAt: Date }

/** What the parts of the demo are made with. */
export type Making = {
  tx: TenantTransaction
  random: Random
  people: readonly Person[]
  leavers: readonly Person[]
  /** A point in time so many days before now. */
  ago(this: void, days: number): Date
  /** One at which the person was there, in the last so many days before today or before leaving. */
  when(this: void, person: Person, within: number): Date
  /** The text with somebody's address in it: every other time of one who has left since, so that a purge finds it. */
  mention(this: void, text: string): string
}

/** The day of a point in time (UTC), as YYYY-MM-DD. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10)
}
