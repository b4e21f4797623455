import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with courses, training plans, catalogs and enrollments. */
export const learningError = defineErrors({
  'course.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no course ${d.id} in this tenant.`,
  },
  'training_plan.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no training plan ${d.id} in this tenant.`,
  },
  'session.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `There is no session ${d.id} of this course. Name one of the course's own sessions.`,
  },
  'catalog.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no catalog ${d.id} in this tenant.`,
  },
  'catalog.not_empty': {
    kind: 'conflict',
    message: (d: { courses: number; trainingPlans: number }) =>
      `The catalog still has ${d.courses} courses and ${d.trainingPlans} training plans. Delete them, or move them to another catalog first.`,
    hint: () =>
      '"lethe course delete" deletes one, and "lethe course update --catalog" moves one; "lethe plan" does the same.',
  },
  'catalog.not_member': {
    kind: 'not_found',
    message: (d: { ids: string[] }) =>
      `${d.ids.length === 1 ? 'This user is' : 'These users are'} not in the catalog, neither added to it nor through a group: ${listed(d.ids)}.`,
  },
  'module.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no module ${d.id} in this tenant.`,
  },
  'assessment.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no assessment ${d.id} in this tenant.`,
  },
  'post.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `There is no post ${d.id} in the discussion of this course. Reply to a post of the same course.`,
  },
  'enrollment.not_completed': {
    kind: 'conflict',
    message: (d: { of: 'course' | 'training plan' }) =>
      `There is nothing to certify: the user has not completed this ${d.of}. Record the completion first.`,
  },
  'enrollment.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no enrollment ${d.id} in this tenant.`,
  },
  'enrollment.not_enrolled': {
    kind: 'not_found',
    message: (d: { in: 'course' | 'training plan' }) =>
      `The user is not enrolled in this ${d.in}. Enroll the user first, or check the transcript.`,
  },
  'enrollment.completed': {
    kind: 'conflict',
    message: (d: { of: 'course' | 'training plan' }) =>
      `The user has already completed this ${d.of}. To complete it again, unenroll and enroll the user first.`,
  },
  'enrollment.active': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `The enrollment ${d.id} is active, and an active enrollment cannot be purged. Unenroll the user first.`,
  },
  'enrollment.exists': {
    kind: 'conflict',
    message: (d: { in: 'course' | 'training plan' }) => `The user is already enrolled in this ${d.in}.`,
  },
  'issued_certificate.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This tenant has issued no certificate ${d.id} to a learner.`,
  },
})
