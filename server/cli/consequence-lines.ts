import type { Consequences } from '../erasure/requests/consequences.ts'
import { counted } from './output.ts'

/** What an erasure leaves behind, as lines of a preview: a paragraph each, with an empty line before. */
export function consequenceLines(consequences: Consequences): string[] {
  const { sessionsWithoutInstructor: sessions, peopleWithoutManager: managed } = consequences
  const { coursesWithoutAuthor: courses, trainingPlansWithoutAuthor: plans } = consequences
  return [
    ...authorLines(consequences),
    ...listed(
      courses,
      (total) => `${counted(total, 'course')} will have no author. "lethe course update COURSE --author" sets one:`,
      ({ id, title }) => `${id}  ${title}`,
    ),
    ...listed(
      plans,
      (total) => `${counted(total, 'training plan')} will have no author. "lethe plan update PLAN --author" sets one:`,
      ({ id, title }) => `${id}  ${title}`,
    ),
    ...listed(
      sessions,
      (total) =>
        `${counted(total, 'session')} will have no instructor. "lethe session reassign --from PERSON --to PERSON" replaces the instructor before:`,
      ({ id, title, course, starts_at }) => `${id}  ${title}, ${course}${startOf(starts_at)}`,
    ),
    ...listed(
      managed,
      (total) =>
        `${counted(total, 'person', 'people')} will have no manager. "lethe user update --manager-id" sets one:`,
      ({ id, display_name }) => `${id}  ${display_name ?? ''}`.trimEnd(),
    ),
    ...listed(
      { total: consequences.externalSystems.length, first: consequences.externalSystems },
      () => 'The erasure does not reach external systems. Ask these to erase the people too:',
      ({ name, contact_emails, holds }) => `${name} (${[...contact_emails, holds].join('; ')})`,
    ),
  ]
}

function authorLines({ authoredCourses, authoredTrainingPlans, successor }: Consequences): string[] {
  if (authoredCourses + authoredTrainingPlans === 0 || successor === null) return []
  const things = [
    ...(authoredCourses > 0 ? [counted(authoredCourses, 'course')] : []),
    ...(authoredTrainingPlans > 0 ? [counted(authoredTrainingPlans, 'training plan')] : []),
  ].join(' and ')
  return ['', `${things} will pass to ${successor.display_name ?? successor.id}.`]
}

function startOf(time: Date | null): string {
  return time === null ? '' : `, ${time.toISOString()}`
}

/** A sentence with the things below it; nothing where there are none. */
function listed<Thing>(
  { total, first }: { total: number; first: readonly Thing[] },
  sentence: (total: number) => string,
  line: (thing: Thing) => string,
): string[] {
  if (total === 0) return []
  const more = total - first.length
  return [
    '',
    sentence(total),
    ...first.map((thing) => `  ${line(thing)}`),
    ...(more > 0 ? [`  and ${counted(more, 'more', 'more')}`] : []),
  ]
}
