import { createGroup } from '../directory/create-group.ts'
import { setGroupMembers } from '../directory/set-group-members.ts'
import { addCatalogMembers } from '../learning/catalogs/add-catalog-members.ts'
import { assignGroupToCatalog, assignGroupToCourse } from '../learning/catalogs/assign-groups.ts'
import { rateCourse } from '../learning/courses/rate-course.ts'
import { writePost } from '../learning/courses/write-post.ts'
import { issueCertificate } from '../learning/enrollments/issue-certificate.ts'
import {
  type EnrollmentRecord,
  type EnrollmentState,
  recordEnrollments,
} from '../learning/enrollments/record-enrollments.ts'
import { type ActionRecord, recordActions } from '../learning/records/record-actions.ts'
import { type AttemptRecord, recordAttempts } from '../learning/records/record-attempts.ts'
import { type ProgressRecord, recordProgress } from '../learning/records/record-progress.ts'
import { submitWork } from '../learning/records/submit-work.ts'
import { notify } from '../notify/notify.ts'
import { awardSkill } from '../skills/award-skill.ts'
import { createScaleSet } from '../skills/create-scale-set.ts'
import { createSkill } from '../skills/create-skill.ts'
import { revokeSkill } from '../skills/revoke-skill.ts'
import { departments, feedback, opinions, questions, replies, revokeReasons } from './courses.ts'
import { type Course, dayOf, type Enrollment, type Making, type Person } from './making.ts'

/** Records of actions lie in the last so many days before today, or before the person left. */
const activeDays = 90

const dayLength = 86_400_000

const states: readonly EnrollmentState[] = [
  ...Array<EnrollmentState>(2).fill('registered'),
  ...Array<EnrollmentState>(3).fill('in_progress'),
  ...Array<EnrollmentState>(6).fill('completed'),
  'failed',
  'withdrawn',
]

/** Enrolls everybody in a few courses, and some in training plans. */
export async function enrollPeople(
  making: Making,
  { courses, planIds }: { courses: readonly Course[]; planIds: readonly string[] },
): Promise<Enrollment[]> {
  const { tx, random, people, ago, when, mention } = making
  const enrollments: Enrollment[] = []
  const records: EnrollmentRecord[] = []
  for (const person of people) {
    const registeredOn = dayOf(ago(person.left + activeDays + random.below(60)))
    // Those who left have done a lot, so that a purge has a lot to show.
    for (const course of random.some(courses, person.left > 0 ? 5 : 1 + random.below(4))) {
      const enrollment = { person, course, state: random.pick(states), completedAt: when(person, 60) }
      enrollments.push(enrollment)
      records.push({
        userId: person.id,
        courseId: course.id,
        registeredOn,
        ...(course.sessionIds.length > 0 && random.chance(60) && { sessionId: random.pick(course.sessionIds) }),
        ...(person.managerId !== undefined && random.chance(30) && { enrolledBy: person.managerId }),
        ...(random.chance(8) && { note: mention('Comes along with {who}.') }),
        ...outcomeOf(making, enrollment),
      })
    }
    if (random.chance(25)) {
      records.push({
        userId: person.id,
        trainingPlanId: random.pick(planIds),
        registeredOn,
        state: random.pick(['registered', 'in_progress']),
      })
    }
  }
  await recordEnrollments(tx, records)
  return enrollments
}

function outcomeOf(
  { random, when }: Making,
  { person, state, completedAt }: Enrollment,
): Pick<EnrollmentRecord, 'state' | 'result' | 'completedAt' | 'withdrawnOn' | 'credits'> {
  if (state === 'completed') {
    return { state, result: random.chance(20) ? 'distinction' : 'pass', completedAt, credits: 5 + 5 * random.below(6) }
  }
  if (state === 'failed') return { state, result: 'fail' }
  if (state === 'withdrawn') return { state, result: 'withdrawn', withdrawnOn: dayOf(when(person, activeDays)) }
  return { state }
}

/** Records what people did in their courses: progress, clicks and attempts. */
export async function recordLearning(making: Making, enrollments: readonly Enrollment[]): Promise<void> {
  const { tx, random, people, when } = making
  const graders = people.filter(({ roles }) => roles.includes('instructor') || roles.includes('author'))
  const progress: ProgressRecord[] = []
  const actions: ActionRecord[] = []
  const attempts: AttemptRecord[] = []
  for (const { person, course, state } of enrollments) {
    if (state === 'registered') continue
    const userId = person.id
    const done = state === 'completed' ? course.moduleIds.length : random.below(course.moduleIds.length)
    for (const [index, moduleId] of course.moduleIds.slice(0, done + 1).entries()) {
      const startedAt = when(person, activeDays)
      progress.push({
        userId,
        moduleId,
        startedAt,
        ...(index < done ? { percent: 100, completedAt: startedAt } : { percent: 10 + random.below(80) }),
      })
      for (let days = 1 + random.below(2); days > 0; days--) {
        const happenedOn = dayOf(when(person, activeDays))
        actions.push({ userId, moduleId, happenedOn, clicks: 1 + random.below(40) })
      }
    }
    if (state !== 'completed' && state !== 'failed') continue
    for (const assessmentId of course.assessmentIds) {
      const given = { userId, assessmentId, submittedOn: dayOf(when(person, activeDays)) }
      const graded = () => ({
        gradedBy: random.pick(graders).id,
        ...(random.chance(40) && { feedback: random.pick(feedback) }),
      })
      if (state === 'failed' || random.chance(15)) attempts.push({ ...given, ...graded(), score: random.below(50) })
      if (state === 'completed') attempts.push({ ...given, ...graded(), score: 50 + random.below(51) })
    }
  }
  await recordProgress(tx, progress)
  await recordActions(tx, actions)
  await recordAttempts(tx, attempts)
}

/** Fills the discussions of the courses, and lets people say what they think of them. */
export async function discuss(
  { tx, random, people, ago, when, mention }: Making,
  { courses, enrollments }: { courses: readonly Course[]; enrollments: readonly Enrollment[] },
): Promise<void> {
  for (const course of courses) {
    const members = enrollments.filter((enrollment) => enrollment.course === course).map(({ person }) => person)
    for (const question of random.some(questions, 3 + random.below(3))) {
      const asking = random.pick(members)
      const asked = when(asking, activeDays)
      const { id: parentId } = await writePost(tx, {
        courseId: course.id,
        authorId: asking.id,
        body: mention(question),
        at: asked,
      })
      // Answers come from those who were there at that time, up to a day later.
      const there = [...members, ...people].filter(({ left }) => asked.getTime() + dayLength < ago(left).getTime())
      for (const answering of random.some(there, random.below(4))) {
        await writePost(tx, {
          courseId: course.id,
          authorId: answering.id,
          parentId,
          body: mention(random.pick(replies)),
          at: new Date(asked.getTime() + random.below(dayLength)),
        })
      }
    }
  }
  for (const { person, course, completedAt } of enrollments.filter(({ state }) => state === 'completed')) {
    if (!random.chance(45)) continue
    await rateCourse(tx, {
      userId: person.id,
      courseId: course.id,
      stars: 5 - Math.min(random.below(4), random.below(4)),
      ...(random.chance(60) && { comment: mention(random.pick(opinions)) }),
      at: completedAt,
    })
  }
}

/** Lets people hand in work with files, and gives certificates to those who have completed. */
export async function handIn(making: Making, enrollments: readonly Enrollment[]): Promise<void> {
  const { tx, random, people, mention } = making
  const issuer = people[0]
  const certified: string[] = []
  for (const enrollment of enrollments.filter(({ state }) => state === 'completed')) {
    const { person, course, completedAt } = enrollment
    if (random.chance(15)) {
      await submitWork(tx, {
        userId: person.id,
        assessmentId: random.pick(course.assessmentIds),
        ...(random.chance(50) && { comment: mention('I worked on this together with {who}.') }),
        files: [writeFile(making, enrollment)],
        at: completedAt,
      })
    }
    if (!random.chance(50)) continue
    certified.push(person.id)
    await issueCertificate(tx, {
      userId: person.id,
      courseId: course.id,
      number: `DA-${completedAt.getUTCFullYear()}-${String(certified.length).padStart(4, '0')}`,
      expiresAt: new Date(completedAt.getTime() + 730 * dayLength),
      ...(issuer !== undefined && { issuedBy: issuer.id }),
      at: completedAt,
    })
  }
  await notify(
    tx,
    people.map(({ id }) => id),
    { kind: 'welcome', subject: 'Welcome to the Demo Academy', body: 'Your first course is waiting for you.' },
  )
  await notify(tx, [...new Set(certified)], {
    kind: 'certificate_issued',
    subject: 'Your certificate is ready',
    body: 'Congratulations! You find it in your transcript.',
  })
}

function writeFile({ random, mention }: Making, { person, course }: Enrollment) {
  const lines = [course.draft.title, mention('With thanks to {who}.'), `Sent by ${person.email}.`]
  for (let page = random.below(30); page >= 0; page--) lines.push(...random.some(course.draft.modules, 3))
  const content = new TextEncoder().encode(lines.join('\n'))
  return { name: `${person.email.split('@')[0]} essay ${1 + random.below(9)}.txt`, mediaType: 'text/plain', content }
}

const levels = ['Beginner', 'Advanced', 'Expert'].map((title, index) => ({ title, value: index + 1 }))

/** Awards skills for completed courses, revokes some, and awards a few of those again. */
export async function awardSkills(
  { tx, random, people, when }: Making,
  { courses, enrollments }: { courses: readonly Course[]; enrollments: readonly Enrollment[] },
): Promise<void> {
  const scale = await createScaleSet(tx, { title: 'Three steps', isDefault: true, levels })
  const skillOf = new Map<Course, string>()
  for (const course of courses) {
    const { skill: title, description } = course.draft
    if (title === undefined) continue
    const { id } = await createSkill(tx, { title, scaleSetId: scale.id, catalogId: course.catalogId, description })
    skillOf.set(course, id)
  }
  const judges = people.filter(({ roles }) => roles.includes('instructor'))
  for (const { person, course, state, completedAt } of enrollments) {
    const skillId = skillOf.get(course)
    if (skillId === undefined || state !== 'completed' || !random.chance(60)) continue
    const held = { userId: person.id, skillId, levelId: random.pick(scale.levelIds) }
    await awardSkill(tx, { ...held, awardedBy: random.pick(judges).id, at: completedAt })
    if (!random.chance(12)) continue
    const at = new Date(Math.max(completedAt.getTime(), when(person, 30).getTime()))
    await revokeSkill(tx, { ...held, revokedBy: random.pick(judges).id, reason: random.pick(revokeReasons), at })
    if (random.chance(30)) await awardSkill(tx, { ...held, awardedBy: random.pick(judges).id, at })
  }
}

/** Puts people into the groups of their departments, and opens the catalogs to people and groups. */
export async function openCatalogs(
  { tx, random, people }: Making,
  { courses, enrollments }: { courses: readonly Course[]; enrollments: readonly Enrollment[] },
): Promise<void> {
  const idsOf = (chosen: readonly Person[]) => chosen.map(({ id }) => id)
  const administrators = people.filter(({ roles }) => roles.includes('administrator'))
  const groupIds: string[] = []
  for (const department of departments) {
    const { id } = await createGroup(tx, { displayName: department, directoryObjectId: random.uuid() })
    const userIds = idsOf(people.filter((person) => person.department === department))
    await setGroupMembers(tx, { groupId: id, userIds })
    groupIds.push(id)
  }
  for (const catalogId of new Set(courses.map((course) => course.catalogId))) {
    await addCatalogMembers(tx, {
      catalogId,
      userIds: [random.pick(administrators).id],
      role: 'administrator',
    })
    const members = enrollments.filter(({ course }) => course.catalogId === catalogId).map(({ person }) => person)
    await addCatalogMembers(tx, {
      catalogId,
      userIds: idsOf([...new Set(members)]),
      addedBy: random.pick(administrators).id,
    })
    await assignGroupToCatalog(tx, { catalogId, groupId: random.pick(groupIds) })
  }
  // Behind everything that is drawn, so that the rest of the demo stays as it was.
  const [course] = courses
  const [groupId] = groupIds
  if (course !== undefined && groupId !== undefined) await assignGroupToCourse(tx, { courseId: course.id, groupId })
}
