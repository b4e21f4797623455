import { actor, code, content, deletion, fact, key, mention, type RoomMap, reference, subject } from '../vocabulary.ts'

type LearningTable =
  | 'catalogs'
  | 'catalog_members'
  | 'catalog_groups'
  | 'courses'
  | 'course_groups'
  | 'course_authors'
  | 'modules'
  | 'training_plans'
  | 'training_plan_courses'
  | 'training_plan_authors'
  | 'sessions'
  | 'session_instructors'
  | 'enrollments'
  | 'progress'
  | 'assessments'
  | 'assessment_attempts'
  | 'issued_certificates'
  | 'record_actions'
  | 'submissions'
  | 'submission_files'
  | 'submission_file_chunks'
  | 'posts'
  | 'ratings'

export const learningMap: RoomMap<LearningTable> = {
  catalogs: {
    holds: 'Course catalogs, with the addresses of their contacts.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      title: mention('text'),
      description: mention('text'),
      contact_emails: mention('addresses'),
      external_key: key,
      created_at: fact,
      deleted_at: fact,
    },
  },
  catalog_members: {
    holds: 'Who was added to which catalog, and who administers it.',
    about: 'person',
    scope: 'person',
    onDelete: 'deactivate',
    anonymize: 'delete',
    rights: ['role'],
    columns: {
      tenant_id: key,
      catalog_id: reference,
      user_id: subject,
      role: code,
      deletion_id: deletion,
      added_by: actor('null'),
      added_by_credential: reference,
      added_at: fact,
    },
  },
  catalog_groups: {
    holds: 'Which groups of the directory belong to which catalog.',
    about: 'nobody',
    because: 'It joins catalogs and groups; people stand in the membership of the group.',
    columns: { tenant_id: key, catalog_id: reference, group_id: reference, added_at: fact },
  },
  courses: {
    holds: 'Courses, with the addresses of their contacts.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      catalog_id: reference,
      kind: code,
      title: mention('text'),
      description: mention('text'),
      contact_emails: mention('addresses'),
      reply_to_email: mention('text'),
      starts_on: fact,
      length_days: fact,
      external_key: key,
      created_at: fact,
      deleted_at: fact,
    },
  },
  course_groups: {
    holds: 'Which groups of the directory belong to which course.',
    about: 'nobody',
    because: 'It joins courses and groups; people stand in the membership of the group.',
    columns: { tenant_id: key, course_id: reference, group_id: reference, added_at: fact },
  },
  course_authors: {
    holds: 'Who wrote which course.',
    about: 'other',
    columns: { tenant_id: key, course_id: reference, user_id: actor('reassign'), added_at: fact },
  },
  modules: {
    holds: 'The parts of a course.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      course_id: reference,
      title: mention('text'),
      kind: mention('text'),
      week_from: fact,
      week_to: fact,
      external_key: key,
    },
  },
  training_plans: {
    holds: 'Training plans, with the addresses of their contacts.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      catalog_id: reference,
      title: mention('text'),
      description: mention('text'),
      contact_emails: mention('addresses'),
      created_at: fact,
      deleted_at: fact,
    },
  },
  training_plan_courses: {
    holds: 'Which courses a training plan consists of.',
    about: 'nobody',
    because: 'It joins training plans and courses.',
    columns: { tenant_id: key, training_plan_id: reference, course_id: reference, position: fact },
  },
  training_plan_authors: {
    holds: 'Who wrote which training plan.',
    about: 'other',
    columns: { tenant_id: key, training_plan_id: reference, user_id: actor('reassign'), added_at: fact },
  },
  sessions: {
    holds: 'Dates at which a course takes place.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      course_id: reference,
      title: mention('text'),
      starts_at: fact,
      ends_at: fact,
      location: mention('text'),
      contact_emails: mention('addresses'),
      external_key: key,
      deleted_at: fact,
    },
  },
  session_instructors: {
    holds: 'Who teaches which session.',
    about: 'other',
    columns: { tenant_id: key, session_id: reference, user_id: actor('remove'), added_at: fact },
  },
  enrollments: {
    holds: 'Registrations of a person for a course or a training plan, with their result.',
    about: 'person',
    scope: { enrollmentIn: ['course_id', 'training_plan_id'] },
    onDelete: 'deactivate',
    anonymize: { clear: ['note'] },
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      course_id: reference,
      training_plan_id: reference,
      session_id: reference,
      state: code,
      result: code,
      registered_on: fact,
      withdrawn_on: fact,
      completed_at: fact,
      previous_attempts: fact,
      credits: fact,
      enrolled_by: actor('null'),
      enrolled_by_credential: reference,
      note: mention('text'),
      unenrolled_at: fact,
      unenrolled_by: actor('null'),
      unenrolled_by_credential: reference,
      deletion_id: deletion,
      created_at: fact,
    },
  },
  progress: {
    holds: 'How far a person is in a module.',
    about: 'person',
    scope: 'enrollment',
    onDelete: 'keep',
    anonymize: 'keep',
    columns: {
      tenant_id: key,
      user_id: subject,
      module_id: reference,
      percent: fact,
      started_at: fact,
      completed_at: fact,
    },
  },
  assessments: {
    holds: 'Assessments of a course.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      course_id: reference,
      title: mention('text'),
      kind: mention('text'),
      weight: fact,
      due_on: fact,
      external_key: key,
    },
  },
  assessment_attempts: {
    holds: 'Attempts of a person at an assessment, with score and feedback.',
    about: 'person',
    scope: 'enrollment',
    onDelete: 'keep',
    anonymize: { clear: ['feedback'] },
    columns: {
      tenant_id: key,
      user_id: subject,
      assessment_id: reference,
      attempt: fact,
      submitted_on: fact,
      score: fact,
      banked: fact,
      graded_by: actor('null'),
      graded_by_credential: reference,
      feedback: mention('text'),
    },
  },
  issued_certificates: {
    holds: 'Certificates issued to a person for a course or a training plan.',
    about: 'person',
    scope: 'enrollment',
    onDelete: 'keep',
    anonymize: { clear: ['number'] },
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      course_id: reference,
      training_plan_id: reference,
      number: mention('text'),
      issued_at: fact,
      expires_at: fact,
      issued_by: actor('null'),
      issued_by_credential: reference,
    },
  },
  record_actions: {
    holds: 'What a person did, click by click.',
    about: 'person',
    scope: 'enrollment',
    onDelete: 'keep',
    anonymize: 'keep',
    columns: { tenant_id: key, user_id: subject, id: key, module_id: reference, happened_on: fact, clicks: fact },
  },
  submissions: {
    holds: 'Work that a person handed in.',
    about: 'person',
    scope: 'enrollment',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      assessment_id: reference,
      comment: mention('text'),
      feedback: mention('text'),
      graded_by: actor('null'),
      submitted_at: fact,
    },
  },
  submission_files: {
    holds: 'Files that a person handed in: name, kind, size.',
    about: 'person',
    scope: 'enrollment',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      id: key,
      submission_id: reference,
      user_id: subject,
      name: mention('text'),
      media_type: mention('text'),
      size: fact,
      created_at: fact,
    },
  },
  submission_file_chunks: {
    holds: 'The content of files that a person handed in.',
    about: 'person',
    scope: 'enrollment',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: { tenant_id: key, file_id: reference, position: fact, user_id: subject, content: fact },
  },
  posts: {
    holds: 'Posts in the discussion of a course.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      course_id: reference,
      parent_id: reference,
      author_id: actor('empty'),
      body: content,
      created_at: fact,
      edited_at: fact,
    },
  },
  ratings: {
    holds: 'What a person thinks of a course.',
    about: 'person',
    // It is the course's, as posts are.
    scope: 'person',
    onDelete: 'keep',
    anonymize: { clear: ['comment'] },
    columns: {
      tenant_id: key,
      user_id: subject,
      course_id: reference,
      stars: fact,
      comment: mention('text'),
      created_at: fact,
    },
  },
}
