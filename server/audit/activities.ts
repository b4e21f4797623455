/**
 * All activities that the audit trail records. A name is stable, because filters and receivers rely on it. `object` is
 * the kind of object that the activity acts on. If that is a user, the user is also the subject of the entry.
 */
export const activities = {
  TenantCreated: { title: 'Tenant created', object: 'tenant' },
  TenantUpdated: { title: 'Tenant settings changed', object: 'tenant' },

  ExternalSystemCreated: { title: 'External system entered into the register', object: 'external_system' },
  ExternalSystemUpdated: { title: 'External system of the register changed', object: 'external_system' },
  ExternalSystemDeleted: { title: 'External system taken out of the register', object: 'external_system' },

  AddressesCleaned: { title: 'Stored addresses cleaned by an update of the product', object: 'tenant' },

  UserCreated: { title: 'User created', object: 'user' },
  UserUpdated: { title: 'User changed', object: 'user' },
  UserSuspended: { title: 'User suspended', object: 'user' },
  UserReactivated: { title: 'User reactivated', object: 'user' },
  UserDeleted: { title: 'User deleted', object: 'user' },
  UserRestored: { title: 'User restored', object: 'user' },
  UserExported: { title: 'Everything about a user exported', object: 'user' },
  ExportKept: { title: 'Kept export of a user requested', object: 'export' },
  ExportDeleted: { title: 'Kept export of a user deleted', object: 'export' },
  ExportWithdrawn: { title: 'Kept export withdrawn, because a person in it was erased', object: 'export' },
  UserPurged: { title: 'User purged', object: 'user' },
  UserAnonymized: { title: 'User anonymized', object: 'user' },

  UserSignedIn: { title: 'User signed in', object: 'user' },
  UserSignedOut: { title: 'User signed out everywhere', object: 'user' },
  PasswordSet: { title: 'Password set', object: 'user' },
  ConfirmationRequested: { title: 'Confirmation of an address requested', object: 'user' },
  IdentityConfirmed: { title: 'Identity of a user confirmed', object: 'user' },
  ApiKeyCreated: { title: 'API key created', object: 'api_key' },
  ApiKeyRevoked: { title: 'API key revoked', object: 'api_key' },
  ClientCreated: { title: 'OAuth client created', object: 'client' },
  ClientRevoked: { title: 'OAuth client revoked', object: 'client' },

  GroupUpdated: { title: 'Group changed', object: 'group' },
  GroupCreated: { title: 'Group created', object: 'group' },
  UserReappeared: { title: 'Purged person returned with a group', object: 'user' },
  GroupMemberAdded: { title: 'Member added to a group', object: 'group' },
  GroupMemberRemoved: { title: 'Member removed from a group', object: 'group' },

  CatalogCreated: { title: 'Catalog created', object: 'catalog' },
  CatalogUpdated: { title: 'Catalog changed', object: 'catalog' },
  CatalogDeleted: { title: 'Catalog deleted', object: 'catalog' },
  CatalogMemberAdded: { title: 'Member added to a catalog', object: 'catalog' },
  CatalogMemberRemoved: { title: 'Member removed from a catalog', object: 'catalog' },
  CatalogAdminAssigned: { title: 'Administrator of a catalog assigned', object: 'catalog' },
  CatalogAdminUnassigned: { title: 'Administrator of a catalog unassigned', object: 'catalog' },
  CatalogGroupAssigned: { title: 'Catalog opened to a group', object: 'catalog' },
  CatalogGroupUnassigned: { title: 'Catalog closed to a group', object: 'catalog' },
  CourseCreated: { title: 'Course created', object: 'course' },
  CourseUpdated: { title: 'Course changed', object: 'course' },
  CourseDeleted: { title: 'Course deleted', object: 'course' },
  CourseGroupAssigned: { title: 'Course opened to a group', object: 'course' },
  CourseGroupUnassigned: { title: 'Course closed to a group', object: 'course' },
  CourseRated: { title: 'Course rated', object: 'course' },
  TrainingPlanCreated: { title: 'Training plan created', object: 'training_plan' },
  TrainingPlanUpdated: { title: 'Training plan changed', object: 'training_plan' },
  TrainingPlanDeleted: { title: 'Training plan deleted', object: 'training_plan' },
  SessionScheduled: { title: 'Session scheduled', object: 'session' },
  SessionUpdated: { title: 'Session changed', object: 'session' },
  SessionDeleted: { title: 'Session deleted', object: 'session' },
  UserEnrolled: { title: 'User enrolled', object: 'enrollment' },
  UserUnenrolled: { title: 'User unenrolled', object: 'enrollment' },
  EnrollmentCompleted: { title: 'Enrollment completed', object: 'enrollment' },
  EnrollmentPurged: { title: 'Enrollment was purged', object: 'enrollment' },
  EnrollmentsRecorded: { title: 'Enrollments of a user recorded', object: 'user' },
  ProgressRecorded: { title: 'Progress of a user recorded', object: 'user' },
  AttemptsRecorded: { title: 'Attempts of a user recorded', object: 'user' },
  ActionsRecorded: { title: 'Actions of a user recorded', object: 'user' },
  PostWritten: { title: 'Post written', object: 'post' },
  PostUpdated: { title: 'Post changed', object: 'post' },
  PostDeleted: { title: 'Post deleted', object: 'post' },
  WorkSubmitted: { title: 'Work submitted', object: 'submission' },
  CertificateIssued: { title: 'Certificate issued', object: 'issued_certificate' },

  ScaleSetCreated: { title: 'Scale of skills created', object: 'scale_set' },
  ScaleSetUpdated: { title: 'Scale of skills changed', object: 'scale_set' },
  ScaleSetDeleted: { title: 'Scale of skills deleted', object: 'scale_set' },
  SkillCreated: { title: 'Skill created', object: 'skill' },
  SkillUpdated: { title: 'Skill changed', object: 'skill' },
  SkillDeleted: { title: 'Skill deleted', object: 'skill' },
  SkillAwarded: { title: 'Skill awarded', object: 'skill' },
  SkillRevoked: { title: 'Skill was revoked from learner', object: 'skill' },

  ConnectorCreated: { title: 'Connector created', object: 'connector' },
  ConnectorUpdated: { title: 'Connector changed', object: 'connector' },
  ConnectorEnabled: { title: 'Connector enabled', object: 'connector' },
  ConnectorDisabled: { title: 'Connector disabled', object: 'connector' },
  ConnectorDeleted: { title: 'Connector deleted', object: 'connector' },
  ConnectorRunRequested: { title: 'Run of a connector requested', object: 'connector' },
  ConnectorRunConfirmed: { title: 'Feed of a connector confirmed', object: 'connector' },

  UsersImported: { title: 'Users imported', object: 'import_run' },
  ImportSourceForgotten: { title: 'Progress of an import forgotten', object: 'tenant' },
  DataSetImported: { title: 'Data set imported', object: 'import_run' },

  ErasureOrdered: { title: 'Erasure requested', object: 'erasure_request' },
  ErasureFollowUpOrdered: { title: 'Follow-up of an erasure requested', object: 'erasure_request' },
  ErasureCancelled: { title: 'Erasure cancelled', object: 'erasure_request' },
  ErasureConfirmed: { title: 'Erasure confirmed under a new plan', object: 'erasure_request' },
  ErasureRetried: { title: 'Erasure retried', object: 'erasure_request' },
  ErasureCertified: { title: 'Erasure certified', object: 'erasure_request' },
  ErasureFailed: { title: 'Erasure failed', object: 'erasure_request' },
  ErasureSearched: { title: 'Database searched after an erasure', object: 'erasure_request' },
  TrialsReached: { title: 'Trial tenants reached by an erasure', object: 'erasure_request' },
  ErasureReachedDisk: { title: 'Erasure reached a higher level on disk', object: 'erasure_request' },
  BackupsDeclared: { title: 'Age of the backups declared', object: 'installation' },
  LedgerReplayed: { title: 'Ledger replayed', object: 'tenant' },
  TracesSwept: { title: 'Database swept for purged people', object: 'tenant' },
  OperatorCreated: { title: 'Operator created', object: 'operator' },
  OperatorSignedIn: { title: 'Operator signed in', object: 'operator' },
  OperatorPasswordSet: { title: 'Password of an operator set', object: 'operator' },
  OperatorRemoved: { title: 'Operator removed', object: 'operator' },
  IdentityProviderSet: { title: 'Identity provider set', object: 'identity_provider' },
  IdentityProviderRemoved: { title: 'Identity provider removed', object: 'identity_provider' },
  IdentityProviderAsked: { title: 'Erasure requested by an identity provider', object: 'identity_provider' },
  ReachMatched: { title: 'Erasure from outside found a match', object: 'reach_match' },
  ReachAccepted: { title: 'Erasure from outside accepted', object: 'reach_match' },
  ReachExpired: { title: 'Erasure from outside expired', object: 'reach_match' },
  ReachRefused: { title: 'Erasure from outside refused', object: 'reach_match' },
  TenantCreatorSet: { title: 'Creator of a tenant set', object: 'tenant' },
  AdministratorsGone: { title: 'Last administrator erased from outside', object: 'tenant' },
  ContactErasureOrdered: { title: 'Erasure of a contact requested', object: 'erasure_request' },
  SigningKeyRotated: { title: 'Signing key rotated', object: 'installation' },
} as const satisfies Record<string, { title: string; object: string }>

export type Activity = keyof typeof activities
export type ObjectKind = (typeof activities)[Activity]['object']

/** The names of all activities, for lists of choices. */
export const activityNames = Object.keys(activities) as Activity[]

/** Whether the text is the name of an activity. */
export function isActivity(text: string): text is Activity {
  return Object.hasOwn(activities, text)
}
