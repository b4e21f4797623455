import { createCatalog } from '../learning/catalogs/create-catalog.ts'
import { createCourse } from '../learning/courses/create-course.ts'
import { createTrainingPlan } from '../learning/courses/create-training-plan.ts'
import { scheduleSession } from '../learning/courses/schedule-session.ts'
import { catalogs, trainingPlans } from './courses.ts'
import { type Course, dayOf, type Making } from './making.ts'

/** Creates catalogs, courses, their sessions and training plans. */
export async function openCourses(making: Making): Promise<{ courses: Course[]; planIds: string[] }> {
  const { tx, random, people, leavers, ago } = making
  const authors = people.filter(({ roles }) => roles.includes('author'))
  const courses: Course[] = []
  for (const catalog of catalogs) {
    const { id: catalogId } = await createCatalog(tx, {
      title: catalog.title,
      description: catalog.description,
      contactEmails: [random.pick(authors).email, random.pick(leavers).email],
    })
    for (const draft of catalog.courses) {
      const chosen = random.some(authors, 1 + random.below(2))
      const contact = random.pick(chosen)
      const { id, moduleIds, assessmentIds } = await createCourse(tx, {
        catalogId,
        title: draft.title,
        kind: draft.kind,
        description: `${draft.description} Questions go to ${contact.email}.`,
        contactEmails: [contact.email, ...(random.chance(40) ? [random.pick(leavers).email] : [])],
        ...(random.chance(60) && { replyToEmail: contact.email }),
        startsOn: dayOf(ago(120 + random.below(200))),
        lengthDays: random.pick([30, 60, 90, 180]),
        authorIds: chosen.map((author) => author.id),
        modules: draft.modules.map((title, week) => ({
          title,
          kind: random.pick(['page', 'video', 'exercise']),
          weekFrom: week + 1,
          weekTo: week + 1,
        })),
        assessments: draft.assessments.map((title, index) => ({
          title,
          kind: index === 0 ? 'exam' : 'assignment',
          weight: 100 / draft.assessments.length,
          dueOn: dayOf(ago(-30 * index)),
        })),
      })
      courses.push({ id, catalogId, draft, moduleIds, assessmentIds, sessionIds: [] })
    }
  }
  await scheduleSessions(making, courses)
  return { courses, planIds: await createPlans(making, courses) }
}

async function scheduleSessions({ tx, random, people, ago }: Making, courses: readonly Course[]): Promise<void> {
  const instructors = people.filter(({ roles }) => roles.includes('instructor'))
  const leavingInstructor = instructors.find(({ left }) => left > 0)
  for (const [index, course] of courses.filter(({ draft }) => draft.kind !== 'e_learning').entries()) {
    for (const [number, days] of [-60, -12, 9, 40].entries()) {
      // Nobody else teaches two of the coming sessions: a purge leaves them without an instructor.
      const alone = leavingInstructor !== undefined && days > 0 && index % 5 === 0
      const chosen = alone ? [leavingInstructor] : random.some(instructors, 1 + random.below(2))
      const startsAt = ago(-days)
      const { id } = await scheduleSession(tx, {
        courseId: course.id,
        title: `Group ${number + 1}`,
        startsAt,
        endsAt: new Date(startsAt.getTime() + 3 * 3_600_000),
        location: course.draft.kind === 'webinar' ? 'https://meet.example.org/academy' : 'Training room, Hill 2.14',
        contactEmails: chosen.map(({ email }) => email),
        instructorIds: chosen.map((instructor) => instructor.id),
      })
      course.sessionIds.push(id)
    }
  }
}

async function createPlans({ tx, random, people }: Making, courses: readonly Course[]): Promise<string[]> {
  const authors = people.filter(({ roles }) => roles.includes('author'))
  const planIds: string[] = []
  for (const [title, courseTitles] of Object.entries(trainingPlans)) {
    const parts = courseTitles.flatMap((wanted) => courses.find(({ draft }) => draft.title === wanted) ?? [])
    const { id } = await createTrainingPlan(tx, {
      catalogId: parts[0]?.catalogId ?? '',
      title,
      description: `${parts.length} courses, one after the other.`,
      contactEmails: [random.pick(authors).email],
      courseIds: parts.map(({ id }) => id),
      authorIds: [random.pick(authors).id],
    })
    planIds.push(id)
  }
  return planIds
}
