import { enrollBody, skillOfUserBody, unenrollBody } from './bodies.ts'
import type { EntitySet, Property } from './entity-model.ts'

const id = (sql: string): Property => ({ type: 'Edm.Guid', sql })
const text = (sql: string): Property => ({ type: 'Edm.String', sql })
const nullable = (property: Property): Property => ({ ...property, nullable: true })
/** As fine as the answer shows it, so that what was read can be filtered by. */
const time = (sql: string): Property => ({ type: 'Edm.DateTimeOffset', sql: `date_trunc('milliseconds', ${sql})` })
const day = (sql: string): Property => ({ type: 'Edm.DateTimeOffset', sql: `(${sql}::timestamp at time zone 'utc')` })

const loginNameOf = (user: string, tenant: string) =>
  `(select login.login_name from users login where login.tenant_id = ${tenant} and login.id = ${user})`

const listed = `state in ('active', 'suspended')`

/** Who has this login name, whatever of its forms is given; an index finds them. */
const usersOfLogin = (parameter: string) =>
  `select login.id from users login where login.tenant_id = $1 and login.login_key = lethe_login_key(${parameter})`

// For Learn365 a training plan is a course too.
const allCourses = `(
    select tenant_id, id, catalog_id, title, description, deleted_at,
      case kind when 'e_learning' then 'ELearning' when 'classroom' then 'ClassRoom' else 'Webinar' end as kind
    from courses
    union all
    select tenant_id, id, catalog_id, title, description, deleted_at, 'TrainingPlan' from training_plans
  ) c where c.tenant_id = $1`

/** Everything that can be read, with the names of Learn365. */
export const entitySets: readonly EntitySet[] = [
  {
    name: 'Users',
    entityType: 'User',
    source: `users u where u.tenant_id = $1 and u.${listed}`,
    sourceWithDeleted: `users u where u.tenant_id = $1 and u.state <> 'anonymized'`,
    key: 'Id',
    properties: {
      Id: id('u.id'),
      LoginName: {
        ...nullable(text('u.login_name')),
        equals: (parameter) => `u.login_key = lethe_login_key(${parameter})`,
      },
      DirectoryObjectId: nullable(id('u.directory_object_id')),
      Title: { ...nullable(text('u.display_name')), field: 'display_name' },
      Email: {
        ...nullable(text('u.email')),
        field: 'email',
        equals: (parameter) => `u.email_key = lethe_identifier_key(${parameter})`,
      },
      Department: { ...nullable(text('u.department')), field: 'department' },
      JobTitle: { ...nullable(text('u.job_title')), field: 'job_title' },
      Office: { ...nullable(text('u.office')), field: 'office' },
      City: { ...nullable(text('u.city')), field: 'city' },
      Country: { ...nullable(text('u.country')), field: 'country' },
      IsExternal: { type: 'Edm.Boolean', sql: `(u.kind = 'external')` },
      IsDeleted: { type: 'Edm.Boolean', sql: `(u.state = 'deleted')` },
      LastSeenDate: nullable(time('u.last_seen_at')),
      ManagerId: { ...nullable(id('u.manager_id')), field: 'manager_id' },
      ManagerLoginName: {
        ...nullable(text(loginNameOf('u.manager_id', 'u.tenant_id'))),
        equals: (parameter) => `u.manager_id in (${usersOfLogin(parameter)})`,
      },
    },
    navigation: {
      Manager: { target: 'Users', from: 'ManagerId', to: 'Id' },
      Enrollments: { target: 'Enrollments', from: 'Id', to: 'UserId', many: true },
    },
    actions: {
      Purge: {},
      RevokeCompetency: { body: skillOfUserBody('competencyId', 'competencyLevelId') },
      AssignCompetency: { body: skillOfUserBody('competencyId', 'competencyLevelId') },
    },
  },
  {
    name: 'CourseCatalogs',
    entityType: 'CourseCatalog',
    source: 'catalogs g where g.tenant_id = $1 and g.deleted_at is null',
    sourceOfReferred: 'catalogs g where g.tenant_id = $1',
    key: 'Id',
    properties: {
      Id: id('g.id'),
      Title: text('g.title'),
      Description: nullable(text('g.description')),
    },
    navigation: { Courses: { target: 'Courses', from: 'Id', to: 'CourseCatalogId', many: true } },
  },
  {
    name: 'Courses',
    entityType: 'Course',
    source: `${allCourses} and c.deleted_at is null`,
    sourceOfReferred: allCourses,
    key: 'Id',
    properties: {
      Id: id('c.id'),
      CourseCatalogId: id('c.catalog_id'),
      Title: text('c.title'),
      Description: nullable(text('c.description')),
      CourseType: text('c.kind'),
    },
    navigation: {
      CourseCatalog: { target: 'CourseCatalogs', from: 'CourseCatalogId', to: 'Id' },
      Enrollments: { target: 'Enrollments', from: 'Id', to: 'CourseId', many: true },
    },
    actions: { Enroll: { body: enrollBody }, Unenroll: { body: unenrollBody } },
  },
  {
    name: 'Enrollments',
    entityType: 'Enrollment',
    source: 'enrollments e where e.tenant_id = $1 and e.deletion_id is null',
    sourceWithDeleted: 'enrollments e where e.tenant_id = $1',
    key: 'Id',
    properties: {
      Id: id('e.id'),
      CourseId: {
        ...id('coalesce(e.course_id, e.training_plan_id)'),
        equals: (parameter) => `e.course_id = ${parameter} or e.training_plan_id = ${parameter}`,
      },
      UserId: id('e.user_id'),
      UserLoginName: {
        ...nullable(text(loginNameOf('e.user_id', 'e.tenant_id'))),
        equals: (parameter) => `e.user_id in (${usersOfLogin(parameter)})`,
      },
      CourseSessionId: nullable(id('e.session_id')),
      RegistrationDate: nullable(day('e.registered_on')),
      CompletionDate: nullable(time('e.completed_at')),
      RegistrationStatus: text(
        `case when e.state = 'withdrawn' or e.unenrolled_at is not null then 'Cancelled' else 'Active' end`,
      ),
      CoursePassingStatus: text(
        `case e.state when 'completed' then 'Completed' when 'failed' then 'Failed' when 'in_progress' then 'InProgress' else 'NotStarted' end`,
      ),
    },
    navigation: {
      User: { target: 'Users', from: 'UserId', to: 'Id' },
      Course: { target: 'Courses', from: 'CourseId', to: 'Id' },
    },
    actions: { Purge: {} },
  },
  {
    name: 'Certificates',
    entityType: 'Certificate',
    source: `issued_certificates i where i.tenant_id = $1
      and exists (select from users u where u.tenant_id = i.tenant_id and u.id = i.user_id and u.state <> 'deleted')`,
    sourceWithDeleted: 'issued_certificates i where i.tenant_id = $1',
    key: 'Id',
    properties: {
      Id: id('i.id'),
      UserId: id('i.user_id'),
      UserLoginName: {
        ...nullable(text(loginNameOf('i.user_id', 'i.tenant_id'))),
        equals: (parameter) => `i.user_id in (${usersOfLogin(parameter)})`,
      },
      CourseId: nullable(id('coalesce(i.course_id, i.training_plan_id)')),
      Number: nullable(text('i.number')),
      IssueDate: time('i.issued_at'),
      ExpirationDate: nullable(time('i.expires_at')),
    },
    navigation: {
      User: { target: 'Users', from: 'UserId', to: 'Id' },
      Course: { target: 'Courses', from: 'CourseId', to: 'Id' },
    },
  },
  {
    name: 'Competencies',
    entityType: 'Competency',
    source: 'skills s where s.tenant_id = $1',
    key: 'Id',
    properties: {
      Id: id('s.id'),
      CourseCatalogId: nullable(id('s.catalog_id')),
      Title: text('s.title'),
      Description: nullable(text('s.description')),
      CompetencyScaleSetId: id('s.scale_set_id'),
    },
    navigation: {
      Levels: { target: 'CompetencyLevels', from: 'CompetencyScaleSetId', to: 'CompetencyScaleSetId', many: true },
    },
  },
  {
    name: 'CompetencyLevels',
    entityType: 'CompetencyLevel',
    source: 'skill_levels l where l.tenant_id = $1',
    key: 'Id',
    contained: true,
    inOrder: 'l.value',
    properties: {
      Id: id('l.id'),
      CompetencyScaleSetId: id('l.scale_set_id'),
      Title: text('l.title'),
      Value: { type: 'Edm.Int32', sql: 'l.value' },
    },
  },
  {
    name: 'Skills',
    entityType: 'Skill',
    source: 'skills s where s.tenant_id = $1',
    key: 'id',
    properties: {
      id: id('s.id'),
      title: text('s.title'),
      description: nullable(text('s.description')),
      scaleSetId: id('s.scale_set_id'),
      courseCatalogId: nullable(id('s.catalog_id')),
      isGlobal: { type: 'Edm.Boolean', sql: '(s.catalog_id is null)' },
    },
    navigation: {
      scaleSet: { target: 'SkillScaleSets', from: 'scaleSetId', to: 'id' },
      levels: { target: 'SkillLevels', from: 'scaleSetId', to: 'scaleSetId', many: true },
    },
  },
  {
    name: 'SkillScaleSets',
    entityType: 'SkillScaleSet',
    source: 'skill_scale_sets t where t.tenant_id = $1',
    key: 'id',
    properties: {
      id: id('t.id'),
      title: text('t.title'),
      isDefault: { type: 'Edm.Boolean', sql: 't.is_default' },
      courseCatalogId: nullable(id('t.catalog_id')),
      isGlobal: { type: 'Edm.Boolean', sql: '(t.catalog_id is null)' },
    },
    navigation: { levels: { target: 'SkillLevels', from: 'id', to: 'scaleSetId', many: true } },
  },
  {
    name: 'SkillLevels',
    entityType: 'SkillLevel',
    source: 'skill_levels l where l.tenant_id = $1',
    key: 'id',
    contained: true,
    inOrder: 'l.value',
    properties: {
      id: id('l.id'),
      scaleSetId: id('l.scale_set_id'),
      title: text('l.title'),
      value: { type: 'Edm.Int32', sql: 'l.value' },
    },
  },
]

/** The groups through which people are in the catalog $2, or in a course of it. */
const groupsOfCatalog = `select a.group_id from catalog_groups a where a.tenant_id = $1 and a.catalog_id = $2
  union all
  select a.group_id from courses k join course_groups a on a.tenant_id = k.tenant_id and a.course_id = k.id
  where k.tenant_id = $1 and k.catalog_id = $2`

const addedToCatalog = `select a.user_id from catalog_members a
  where a.tenant_id = $1 and a.catalog_id = $2 and a.deletion_id is null`

/** The users who are in a catalog, added to it or through a group: the set of users with how they are in it. */
export function usersOfCatalog(catalogId: string): EntitySet {
  const users = entitySet('Users')
  return {
    ...users,
    name: `CourseCatalogs(${catalogId.toLowerCase()})/Users`,
    source: `${users.source} and u.id in (
      ${addedToCatalog}
      union all
      select m.user_id from group_members m
      where m.tenant_id = $1 and m.deletion_id is null and m.group_id in (${groupsOfCatalog})
    )`,
    parameters: [catalogId],
    properties: {
      ...users.properties,
      IsAddedToCatalog: { type: 'Edm.Boolean', sql: `(u.id in (${addedToCatalog}))` },
      Groups: {
        type: 'Collection(Edm.String)',
        sql: `array(
          select distinct d.display_name from group_members m
          join directory_groups d on d.tenant_id = m.tenant_id and d.id = m.group_id
          where m.tenant_id = $1 and m.user_id = u.id and m.deletion_id is null and m.group_id in (${groupsOfCatalog})
          order by 1
        )`,
      },
    },
  }
}

/** The set of this name. */
export function entitySet(name: string): EntitySet {
  const set = entitySets.find((one) => one.name === name)
  if (set === undefined) throw new TypeError(`There is no entity set ${name}`)
  return set
}

/** The set with what belongs to deleted people too. */
export function includingDeleted(set: EntitySet): EntitySet {
  return set.sourceWithDeleted === undefined ? set : { ...set, source: set.sourceWithDeleted }
}
