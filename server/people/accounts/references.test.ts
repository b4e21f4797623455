import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort } from '../../../test/effort.ts'
import { openTestHttp, password, type TestHttp } from '../../../test/http.ts'
import { createPlaces } from '../../../test/people.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { createOAuthClient } from '../../access/oauth-clients.ts'
import { hashSecret } from '../../access/secrets.ts'
import { changePassword, setPassword } from '../../access/set-password.ts'
import { signIn } from '../../access/sign-in.ts'
import { record } from '../../audit/record.ts'
import { keysOfUsers } from '../../audit/subject-keys.ts'
import { changeConnector, createConnector } from '../../connectors/connectors.ts'
import { schemaFacts } from '../../datamap/generated/schema-facts.gen.ts'
import type { Operation } from '../../datamap/plan.ts'
import { setGroupMembers } from '../../directory/set-group-members.ts'
import { syncGroup } from '../../directory/sync-group.ts'
import { decideProposal } from '../../erasure/reach/decide-match.ts'
import { requestErasure } from '../../erasure/requests/request-erasure.ts'
import { createPolicy } from '../../erasure/retention/policies.ts'
import { approveErasure, rejectErasure } from '../../erasure/safeguards/decide.ts'
import { refuseWish } from '../../erasure/wishes/decide-wish.ts'
import { makeWish } from '../../erasure/wishes/make-wish.ts'
import { keepExport } from '../../exports/kept-exports.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { updateHold } from '../../holds/update-hold.ts'
import { confirmAddress } from '../../identity/confirm-address.ts'
import { identityHash } from '../../identity/identity-hash.ts'
import { requestConfirmation } from '../../identity/request-confirmation.ts'
import { importUsers } from '../../imports/users/import-users.ts'
import { addCatalogMembers } from '../../learning/catalogs/add-catalog-members.ts'
import { removeCatalogMembers } from '../../learning/catalogs/remove-catalog-members.ts'
import { createCourse } from '../../learning/courses/create-course.ts'
import { createTrainingPlan } from '../../learning/courses/create-training-plan.ts'
import { rateCourse } from '../../learning/courses/rate-course.ts'
import { scheduleSession } from '../../learning/courses/schedule-session.ts'
import { writePost } from '../../learning/courses/write-post.ts'
import { completeEnrollment } from '../../learning/enrollments/complete-enrollment.ts'
import { enroll } from '../../learning/enrollments/enroll.ts'
import { issueCertificate } from '../../learning/enrollments/issue-certificate.ts'
import { recordEnrollments } from '../../learning/enrollments/record-enrollments.ts'
import { unenroll } from '../../learning/enrollments/unenroll.ts'
import { recordActions } from '../../learning/records/record-actions.ts'
import { recordAttempts } from '../../learning/records/record-attempts.ts'
import { recordProgress } from '../../learning/records/record-progress.ts'
import { submitWork } from '../../learning/records/submit-work.ts'
import { notify } from '../../notify/notify.ts'
import { actingFor } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { isLetheError } from '../../platform/errors.ts'
import { awardSkill } from '../../skills/award-skill.ts'
import { createScaleSet } from '../../skills/create-scale-set.ts'
import { createSkill } from '../../skills/create-skill.ts'
import { revokeSkill } from '../../skills/revoke-skill.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { deleteUsers } from '../lifecycle/delete-users.ts'
import { createUser } from './create-user.ts'
import { updateUser } from './update-user.ts'

/** What an act is given: the person who is erased meanwhile, and an active learner who stays. */
type Given = { person: string; other: string }

/** Runs in one transaction, in the name of the person with `acts`; or by itself, where an entry point opens its own. */
type Act = {
  does: string
  prepare?: (tx: TenantTransaction, given: Given) => Promise<unknown>
} & (
  | { acts?: true; run: (tx: TenantTransaction, given: Given) => Promise<unknown> }
  | { whole: (given: Given) => Promise<unknown> }
)

import { registerReferences } from '../../webhooks/register-references.ts'

let http: TestHttp
let rows: TenantRows
let places: Awaited<ReturnType<typeof createPlaces>>
let assessmentId: string
let moduleId: string
let skill: { skillId: string; levelId: string }
beforeAll(async () => {
  http = await openTestHttp()
  await http.startWorkers()
  rows = await newTenant(http.owner)
  await rows.administrator()
  await http.inTenant(rows.tenant, async (tx) => {
    places = await createPlaces(tx)
  })
  await http.inTenant(rows.tenant, async (tx) => {
    const course = await createCourse(tx, {
      catalogId: places.catalog,
      title: 'Course with everything',
      modules: [{ title: 'Module', kind: 'page' }],
      assessments: [{ title: 'Exam', kind: 'exam' }],
    })
    ;[moduleId = ''] = course.moduleIds
    ;[assessmentId = ''] = course.assessmentIds
    const scale = await createScaleSet(tx, { title: 'Scale', levels: [{ title: 'Expert', value: 1 }] })
    const { id } = await createSkill(tx, { title: 'Juggling', scaleSetId: scale.id })
    skill = { skillId: id, levelId: scale.levelIds[0] ?? '' }
  })
})
afterAll(() => http.close())

const enrolled = (tx: TenantTransaction, userId: string) => enroll(tx, { userId, courseId: places.course })
const imported = (given: Given, column: string, by?: string) =>
  importUsers(
    by === undefined ? http.database : actingFor(http.database, { from: 'command_line', userId: by }),
    rows.tenant,
    { source: Readable.from([`ref,${column}\nr-${given.other},${given.person}\n`]), file: 'people.csv' },
  )

/** At least one act for each column of the schema that points to a person. A new column has none, and the test fails. */
const acts: Record<string, Act[] | string> = {
  'api_keys.owner_id': [
    {
      does: 'makes a key',
      prepare: (tx, { person }) => updateUser(tx, person, { roles: ['administrator'] }),
      acts: true,
      run: (tx) => createApiKey(tx, { name: 'Key', access: 'read_only' }),
    },
  ],
  'oauth_clients.owner_id': [
    {
      does: 'makes a client',
      prepare: (tx, { person }) => updateUser(tx, person, { roles: ['administrator'] }),
      acts: true,
      run: (tx) => createOAuthClient(tx, { name: 'Client', scopes: ['api/webhooks'] }),
    },
  ],
  'assessment_attempts.graded_by': [
    {
      does: 'grades',
      run: (tx, { person, other }) => recordAttempts(tx, [{ userId: other, assessmentId, score: 1, gradedBy: person }]),
    },
  ],
  'assessment_attempts.user_id': [
    { does: 'is assessed', run: (tx, { person }) => recordAttempts(tx, [{ userId: person, assessmentId }]) },
  ],
  'catalog_members.added_by': [
    {
      does: 'adds to a catalog',
      acts: true,
      run: (tx, { other }) => addCatalogMembers(tx, { catalogId: places.catalog, userIds: [other] }),
    },
    {
      does: 'is said to have added to a catalog',
      run: (tx, { person, other }) =>
        addCatalogMembers(tx, { catalogId: places.catalog, userIds: [other], addedBy: person }),
    },
  ],
  'catalog_members.user_id': [
    {
      does: 'is added to a catalog',
      run: (tx, { person }) => addCatalogMembers(tx, { catalogId: places.catalog, userIds: [person] }),
    },
  ],
  'course_authors.user_id': [
    {
      does: 'is made an author',
      run: (tx, { person }) => createCourse(tx, { catalogId: places.catalog, title: 'A', authorIds: [person] }),
    },
  ],
  'training_plan_authors.user_id': [
    {
      does: 'is made an author of a plan',
      run: (tx, { person }) =>
        createTrainingPlan(tx, { catalogId: places.catalog, title: 'A', courseIds: [], authorIds: [person] }),
    },
  ],
  'session_instructors.user_id': [
    {
      does: 'is made an instructor',
      run: (tx, { person }) => scheduleSession(tx, { courseId: places.course, title: 'S', instructorIds: [person] }),
    },
  ],
  'enrollments.enrolled_by': [
    { does: 'enrolls', acts: true, run: (tx, { other }) => enrolled(tx, other) },
    {
      does: 'is said to have enrolled',
      run: (tx, { person, other }) =>
        recordEnrollments(tx, [{ userId: other, courseId: places.course, state: 'registered', enrolledBy: person }]),
    },
  ],
  'enrollments.unenrolled_by': [
    {
      does: 'unenrolls',
      prepare: (tx, { other }) => enrolled(tx, other),
      acts: true,
      run: (tx, { other }) => unenroll(tx, { userId: other, courseId: places.course }),
    },
    {
      does: 'removes from a catalog',
      prepare: async (tx, { other }) => {
        await addCatalogMembers(tx, { catalogId: places.catalog, userIds: [other] })
        await enrolled(tx, other)
      },
      acts: true,
      run: (tx, { other }) => removeCatalogMembers(tx, { catalogId: places.catalog, userIds: [other] }),
    },
  ],
  'enrollments.user_id': [
    { does: 'is enrolled', run: (tx, { person }) => enrolled(tx, person) },
    {
      does: 'has an enrollment recorded',
      run: (tx, { person }) =>
        recordEnrollments(tx, [{ userId: person, courseId: places.course, state: 'registered' }]),
    },
  ],
  'confirmation_links.user_id': [
    {
      does: 'is asked to confirm the address',
      run: (tx, { person }) => requestConfirmation(tx, { userId: person, publicUrl: 'https://lethe.example' }),
    },
  ],
  'confirmed_identities.user_id': [
    {
      does: 'opens the link in an e-mail',
      prepare: (tx, { person }) =>
        rows.insert('confirmation_links', {
          user_id: person,
          address_hash: identityHash(tx.masterKey, { kind: 'email', value: `${person}@example.org` }),
          base_url: 'https://lethe.example',
          token_hash: hashSecret(secretOf(person)),
          expires_at: new Date(Date.now() + 3_600_000),
          sent_at: new Date(),
        }),
      whole: ({ person }) => confirmAddress(http.database, `${rows.tenant}.${secretOf(person)}`),
    },
  ],
  'erasure_decisions.decided_by': [
    {
      does: 'approves an erasure',
      prepare: awaitingApproval,
      acts: true,
      run: async (tx, { other }) => approveErasure(tx, await requestOf(tx, other)),
    },
    {
      does: 'rejects an erasure',
      prepare: awaitingApproval,
      acts: true,
      run: async (tx, { other }) => rejectErasure(tx, await requestOf(tx, other), { reason: 'other' }),
    },
  ],
  'legal_hold_users.user_id':
    'A hold keeps its person, so no erasure ends before its release; server/erasure/safeguards/safeguards.test.ts races.',
  'legal_holds.created_by': [{ does: 'places a hold', acts: true, run: (tx, { other }) => holdOn(tx, other) }],
  'legal_holds.owner_id': [
    {
      does: 'is made the owner of a hold',
      run: (tx, { person, other }) => placeHold(tx, { reason: 'other', userIds: [other], ownerId: person }),
    },
    {
      does: 'becomes the owner of a hold',
      prepare: (tx, { other }) => holdOn(tx, other),
      run: async (tx, { person, other }) => updateHold(tx, await holdOf(tx, other), { ownerId: person }),
    },
  ],
  'legal_holds.released_by': [
    {
      does: 'releases a hold',
      prepare: (tx, { other }) => holdOn(tx, other),
      acts: true,
      run: async (tx, { other }) => releaseHold(tx, await holdOf(tx, other)),
    },
  ],
  'retention_policies.owner_id': [
    {
      does: 'creates a retention policy',
      acts: true,
      run: (tx) => createPolicy(tx, { name: `Policy ${randomUUID()}`, days: 30 }),
    },
  ],
  'reach_matches.decided_by': [
    {
      does: 'refuses what an identity provider asks',
      prepare: (_, { other }) =>
        rows.insert('reach_matches', {
          id: randomUUID(),
          reach_id: randomUUID(),
          what: 'user',
          user_id: other,
          confirmed: true,
          decider: 'tenant',
          state: 'waiting',
        }),
      acts: true,
      run: async (tx, { other }) => {
        const { rows: matches } = await tx.query<{ id: string }>('select id from reach_matches where user_id = $1', [
          other,
        ])
        return await decideProposal(tx, matches[0]?.id ?? '', { accept: false })
      },
    },
  ],
  'erasure_requests.requested_by': [
    {
      does: 'orders an erasure',
      prepare: (tx, { other }) => deleteUsers(tx, { userIds: [other] }),
      acts: true,
      run: (tx, { other }) => requestErasure(tx, { operation: 'purge', userIds: [other] }),
    },
    {
      does: 'orders an anonymization',
      prepare: (tx, { other }) => deleteUsers(tx, { userIds: [other] }),
      acts: true,
      run: (tx, { other }) => requestErasure(tx, { operation: 'anonymize', userIds: [other] }),
    },
  ],
  'export_chunks.user_id': 'A worker writes it under the row of the export; server/exports/kept-exports.test.ts races.',
  'erasure_wishes.decided_by': [
    {
      does: 'refuses the wish of another person',
      acts: true,
      run: async (tx, { other }) => {
        const { id } = await makeWish(tx, { userId: other })
        await refuseWish(tx, { wish: id, reason: 'other' })
      },
    },
  ],
  'erasure_wishes.user_id': [
    { does: 'wishes to be erased', run: (tx, { person }) => makeWish(tx, { userId: person }) },
  ],
  'exports.ordered_by': [
    { does: 'orders an export', acts: true, run: (tx, { other }) => keepExport(tx, { userId: other }) },
  ],
  'exports.user_id': [{ does: 'is exported', run: (tx, { person }) => keepExport(tx, { userId: person }) }],
  'audit_resealed.user_id':
    'An erasure of another person writes it under the lock of the key of this person, which an erasure deletes.',
  'former_identifiers.user_id': [
    {
      does: 'gets another address',
      run: (tx, { person }) => updateUser(tx, person, { email: `${person}@changed.example` }),
    },
  ],
  'sealed_words.user_id': [
    {
      does: 'has a value recorded',
      run: (tx, { person }) =>
        record(tx, { activity: 'UserEnrolled', subject: person, values: { first_name: `Name-${person}` } }),
    },
  ],
  'group_members.user_id': [
    {
      does: 'is put into a group',
      run: (tx, { person }) => setGroupMembers(tx, { groupId: places.group, userIds: [person] }),
    },
    {
      does: 'is synchronized into a group',
      run: (tx, { person }) =>
        syncGroup(tx, {
          groupId: places.group,
          members: [{ directory_object_id: person.replace(/^......../, 'd0d0d0d0') }],
        }),
    },
  ],
  'connectors.run_as': [
    {
      does: 'is the user that a new connector runs as',
      prepare: (tx, { person }) => updateUser(tx, person, { roles: ['administrator'] }),
      run: (tx, { person }) =>
        createConnector(tx, { name: 'HR', kind: 'folder', address: '/srv/people.csv', runAs: person }),
    },
    {
      does: 'becomes the user that a connector runs as',
      prepare: (tx, { person }) => updateUser(tx, person, { roles: ['administrator'] }),
      run: async (tx, { person, other }) => {
        await updateUser(tx, other, { roles: ['administrator'] })
        const made = { name: 'HR', kind: 'folder' as const, address: '/srv/people.csv', runAs: other }
        const { id } = await createConnector(tx, made)
        await changeConnector(tx, id, { runAs: person })
      },
    },
  ],
  'idempotent_requests.user_id': [
    {
      does: 'is what a repeatable request is about',
      whole: async ({ person }) => {
        const { status, json } = await http.call('POST', `/api/v1/users/${person}/exports`, {
          as: await http.key(rows.tenant),
          body: {},
          headers: { 'idempotency-key': person },
        })
        expect([status, json?.code]).not.toEqual([500, json?.code])
      },
    },
  ],
  'import_run_rows.user_id': [
    {
      does: 'is in a file',
      whole: ({ person }) =>
        importUsers(http.database, rows.tenant, {
          source: Readable.from([`id\n${person}\n`]),
          file: 'people.csv',
        }),
    },
  ],
  'import_runs.started_by': [
    { does: 'imports', whole: (given) => imported({ ...given, person: 'Title' }, 'title', given.person) },
  ],
  'issued_certificates.issued_by': [
    {
      does: 'issues a certificate',
      prepare: async (tx, { other }) => {
        await enrolled(tx, other)
        await completeEnrollment(tx, { userId: other, courseId: places.course })
      },
      acts: true,
      run: (tx, { other }) => issueCertificate(tx, { userId: other, courseId: places.course }),
    },
  ],
  'issued_certificates.user_id': [
    {
      does: 'is issued a certificate',
      prepare: async (tx, { person }) => {
        await enrolled(tx, person)
        await completeEnrollment(tx, { userId: person, courseId: places.course })
      },
      run: (tx, { person }) => issueCertificate(tx, { userId: person, courseId: places.course }),
    },
  ],
  'notifications.user_id': [
    {
      does: 'is notified',
      run: async (tx, { person, other }) =>
        notify(tx, [person, other], { kind: 'test', subject: 'Test', body: 'Test' }),
    },
  ],
  'passwords.user_id': [
    { does: 'is given a password', run: (tx, { person }) => setPassword(tx, { userId: person, password }) },
  ],
  'person_keys.user_id': [{ does: 'is given a key', run: (tx, { person }) => keysOfUsers(tx, [person]) }],
  'posts.author_id': [
    {
      does: 'writes a post',
      run: (tx, { person }) => writePost(tx, { courseId: places.course, authorId: person, body: 'Hello' }),
    },
  ],
  'product_accounts.user_id': [
    { does: 'is given products', run: (tx, { person }) => updateUser(tx, person, { products: ['flow'] }) },
  ],
  'progress.user_id': [
    { does: 'makes progress', run: (tx, { person }) => recordProgress(tx, [{ userId: person, moduleId, percent: 5 }]) },
  ],
  'ratings.user_id': [
    { does: 'rates', run: (tx, { person }) => rateCourse(tx, { userId: person, courseId: places.course, stars: 5 }) },
  ],
  'reappearances.user_id': 'It is written of users that the same transaction has created.',
  'record_actions.user_id': [
    {
      does: 'clicks',
      run: (tx, { person }) => recordActions(tx, [{ userId: person, moduleId, happenedOn: '2026-01-01', clicks: 1 }]),
    },
  ],
  'sign_in_failures.user_id': [
    {
      does: 'signs in with a wrong password',
      whole: ({ person }) =>
        signIn(http.app.database, rows.tenant, { login: `${person}@example.org`, password: 'wrong' }),
    },
    {
      does: 'changes the password with a wrong one',
      whole: ({ person }) =>
        changePassword(http.app.database, rows.tenant, {
          userId: person,
          session: undefined,
          currentPassword: 'wrong',
          newPassword: password,
        }),
    },
  ],
  'sign_in_sessions.user_id': [
    {
      does: 'signs in',
      prepare: (tx, { person }) => setPassword(tx, { userId: person, password }),
      whole: ({ person }) => signIn(http.app.database, rows.tenant, { login: `${person}@example.org`, password }),
    },
  ],
  'submission_file_chunks.user_id': [{ does: 'hands in a file', run: handsIn }],
  'submission_files.user_id': [{ does: 'hands in a file', run: handsIn }],
  'submissions.graded_by': 'No operation writes it.',
  'submissions.user_id': [{ does: 'hands in work', run: handsIn }],
  'tenants.created_by': 'No operation writes it.',
  'user_skills.awarded_by': [
    { does: 'awards', acts: true, run: (tx, { other }) => awardSkill(tx, { userId: other, ...skill }) },
    {
      does: 'is said to have awarded',
      run: (tx, { person, other }) => awardSkill(tx, { userId: other, ...skill, awardedBy: person }),
    },
  ],
  'user_skills.revoked_by': [
    {
      does: 'revokes',
      prepare: (tx, { other }) => awardSkill(tx, { userId: other, ...skill }),
      acts: true,
      run: (tx, { other }) => revokeSkill(tx, { userId: other, ...skill }),
    },
  ],
  'user_skills.user_id': [
    { does: 'is awarded', run: (tx, { person }) => awardSkill(tx, { userId: person, ...skill }) },
  ],
  'users.deleted_by': [{ does: 'deletes', acts: true, run: (tx, { other }) => deleteUsers(tx, { userIds: [other] }) }],
  'users.manager_id': [
    { does: 'is the manager of a new user', run: (tx, { person }) => createUser(tx, { manager_id: person }) },
    {
      does: 'becomes the manager of a user',
      run: (tx, { person, other }) => updateUser(tx, other, { manager_id: person }),
    },
    { does: 'is a manager in a file, by id', whole: (given) => imported(given, 'manager_id') },
    {
      does: 'is a manager in a file, by ref',
      whole: (given) => imported({ ...given, person: `r-${given.person}` }, 'manager_ref'),
    },
    {
      does: 'is a manager in a file, by address',
      whole: (given) => imported({ ...given, person: `${given.person}@example.org` }, 'manager_email'),
    },
    {
      does: 'is the manager in a request',
      whole: async ({ person }) => {
        const answer = await http.call('POST', '/api/v1/users', {
          as: await http.key(rows.tenant),
          body: { manager_id: person },
        })
        expect([201, 409, 422]).toContain(answer.status)
      },
    },
  ],
  'webhook_deliveries.user_id': [
    {
      does: 'is changed, and an endpoint listens',
      prepare: () =>
        rows.insert('webhook_endpoints', {
          name: 'An endpoint',
          event_kinds: ['user.updated'],
          sealed_secret: Buffer.from('secret'),
        }),
      run: (tx, { person }) => updateUser(tx, person, { first_name: 'Ann' }),
    },
  ],
  'webhook_references.user_id': [
    {
      does: 'is known to a receiver by a reference',
      run: async (tx, { person }) => {
        const endpoint = await rows.insert('webhook_endpoints', {
          name: 'An endpoint',
          event_kinds: ['user.purged'],
          sealed_secret: Buffer.from('secret'),
        })
        await registerReferences(tx, endpoint, [{ userId: person, reference: 'theirs' }])
      },
    },
  ],
}

/** The secret of the link that a person gets. */
function secretOf(person: string): string {
  return createHash('sha256').update(person).digest('base64url')
}

/** Makes the person an administrator, and an erasure of the other one that waits for an approval. */
async function awaitingApproval(tx: TenantTransaction, { person, other }: Given): Promise<void> {
  await updateUser(tx, person, { roles: ['administrator'] })
  await deleteUsers(tx, { userIds: [other] })
  await updateTenant(tx, { approvalRequired: true })
  await requestErasure(tx, { operation: 'purge', userIds: [other] })
  await updateTenant(tx, { approvalRequired: false })
}

async function requestOf(tx: TenantTransaction, person: string): Promise<string> {
  const { rows: found } = await tx.query<{ request_id: string }>(
    'select request_id from erasure_subjects where tenant_id = $1 and user_id = $2',
    [tx.tenantId, person],
  )
  return found[0]?.request_id ?? ''
}

function holdOn(tx: TenantTransaction, person: string): Promise<unknown> {
  return placeHold(tx, { reason: 'other', userIds: [person] })
}

async function holdOf(tx: TenantTransaction, person: string): Promise<string> {
  const { rows: found } = await tx.query<{ hold_id: string }>(
    'select hold_id from legal_hold_users where tenant_id = $1 and user_id = $2',
    [tx.tenantId, person],
  )
  return found[0]?.hold_id ?? ''
}

async function handsIn(tx: TenantTransaction, { person }: Given): Promise<unknown> {
  const file = { name: 'work.txt', mediaType: 'text/plain', content: Buffer.from('Work') }
  return await submitWork(tx, { userId: person, assessmentId, files: [file] })
}

const columns = Object.entries(schemaFacts).flatMap(([table, { foreignKeys }]) =>
  foreignKeys
    .filter(({ references }) => references === 'users')
    .map(({ columns }) => ({ table, column: columns.at(-1) ?? '', place: `${table}.${columns.at(-1)}` })),
)
const cases = columns.flatMap(({ place, table, column }) => {
  const tried = acts[place]
  return Array.isArray(tried) ? tried.map((act) => ({ place, table, column, act, does: act.does })) : []
})

async function newPeople(act: Act): Promise<Given> {
  const person = await rows.user()
  await http.owner.query(
    `update users set email = id || '@example.org', ref = 'r-' || id, roles = '{learner}',
       directory_object_id = ('d0d0d0d0' || substr(id::text, 9))::uuid where id = $1`,
    [person],
  )
  const other = await rows.user()
  await http.owner.query(`update users set ref = 'r-' || id where id = $1`, [other])
  await http.inTenant(rows.tenant, async (tx) => act.prepare?.(tx, { person, other }))
  return { person, other }
}

/** Runs the act; answers the error that it was refused with. `held` keeps the transaction open once the act is done. */
async function perform(act: Act, given: Given, held?: () => Promise<void>): Promise<unknown> {
  try {
    if ('whole' in act) await act.whole(given)
    else {
      const initiator = { from: 'console' as const, userId: given.person }
      const run = async (tx: TenantTransaction) => {
        await act.run(tx, given)
        // What is only sent is answered before the rest.
        await tx.query('select')
        await held?.()
      }
      await inTenant(http.database, rows.tenant, run, act.acts === true ? { initiator } : {})
    }
    return undefined
  } catch (error) {
    return error
  }
}

async function rowsOf(person: string, { table, column }: { table: string; column: string }): Promise<number> {
  const { rows: found } = await http.owner.query(
    `select from ${pg.escapeIdentifier(table)} where ${pg.escapeIdentifier(column)} = $1`,
    [person],
  )
  return found.length
}

/** What an act that comes too late may be refused with: codes that say so, and nothing that nobody foresaw. */
function expectTyped(error: unknown): void {
  if (error === undefined) return
  expect(error).toSatisfy((refusal: unknown) => isLetheError(refusal))
  expect(error).toMatchObject({ kind: expect.stringMatching(/^(input|not_found|conflict|unauthenticated|forbidden)$/) })
}

async function erase(operation: Operation, person: string): Promise<string> {
  const { request } = await http.inTenant(rows.tenant, async (tx) => {
    const { rows: states } = await tx.query('select state from users where id = $1', [person])
    if (states[0]?.state === 'active') await deleteUsers(tx, { userIds: [person] })
    return await requestErasure(tx, { operation, userIds: [person] })
  })
  return request
}

/** Whether somebody waits for a lock of the given kind of thing, or for a row that somebody else has. */
async function isWaiting(condition: string): Promise<boolean> {
  const { rows: waiting } = await http.owner.query(
    `select from pg_locks l where not l.granted and l.pid <> pg_backend_pid() and ${condition}`,
  )
  return waiting.length > 0
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let look = 0; !(await condition()); look++) {
    if (look > 2000) throw new Error('what was waited for did not come')
    await setTimeout(5)
  }
}

it('tries every column of the schema that points to a person, or says why not', () => {
  expect(Object.keys(acts).sort()).toEqual(columns.map(({ place }) => place).sort())
})

describe.each(['purge', 'anonymize'] as const)('%s', (operation) => {
  // Each act with one of the operations; at the full size with both.
  const tried = cases.filter((_, at) => effort(at % 2 === (operation === 'purge' ? 0 : 1), true))

  it.each(tried)('leaves no reference in $place where it comes before an act: who $does', async ({ act, ...place }) => {
    const given = await newPeople(act)
    const before = await rowsOf(given.person, place)
    const blocker = new pg.Client({ connectionString: http.ownerUrl })
    await blocker.connect()
    let acting: Promise<unknown>
    let request: string
    try {
      // The erasure has the person's row and has done its work, and waits here before it commits.
      await blocker.query('begin; lock table erasure_ledger in exclusive mode')
      request = await erase(operation, given.person)
      await until(() => isWaiting(`l.relation = 'erasure_ledger'::regclass`))
      let settled = false
      acting = perform(act, given).finally(() => {
        settled = true
      })
      await until(async () => settled || (await isWaiting(`l.locktype in ('transactionid', 'tuple')`)))
      await blocker.query('commit')
    } finally {
      await blocker.end()
    }
    expectTyped(await acting)
    const ended = await http.ended(rows.tenant, request)
    expect(ended.state).toBe('completed')
    // What was there before an anonymization may stay as the map says; nothing may come after it.
    const after = await rowsOf(given.person, place)
    expect(after).toBeLessThanOrEqual(operation === 'purge' ? 0 : before)
    if (place.column === 'manager_id') expect(after).toBe(0)
  })

  it.each(tried.filter(({ act }) => 'run' in act))(
    'waits for an act that was first, and reaches its reference in $place: who $does',
    async ({ act, ...place }) => {
      const given = await newPeople(act)
      const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
      const { promise: isDone, resolve: done } = Promise.withResolvers<void>()
      const acting = perform(act, given, async () => {
        done()
        await mayEnd
      }).finally(done)
      await isDone
      const erasing = erase(operation, given.person)
      const request = await Promise.race([erasing, setTimeout(50, undefined)])
      if (request !== undefined) await setTimeout(20)
      end()
      expect(await acting).toBeUndefined()
      const ended = await http.ended(rows.tenant, await erasing)
      expect(ended.state).toBe('completed')
      if (operation === 'purge' || place.column === 'manager_id') expect(await rowsOf(given.person, place)).toBe(0)
    },
  )

  it('leaves no erased manager, and answers no request with 500, whatever comes first', async () => {
    const key = await http.key(rows.tenant)
    const rounds = effort(6, 24)
    const statuses: number[] = []
    for (let round = 0; round < rounds; round++) {
      const person = await rows.deletedUser()
      const create = () => http.call('POST', '/api/v1/users', { as: key, body: { manager_id: person } })
      const creating = Array.from({ length: 12 }, async (_, index) => {
        await setTimeout(index * 2)
        return (await create()).status
      })
      await setTimeout(round % 12)
      const request = await erase(operation, person)
      statuses.push(...(await Promise.all(creating)))
      await http.ended(rows.tenant, request)
      expect(await rowsOf(person, { table: 'users', column: 'manager_id' })).toBe(0)
    }
    expect([...new Set(statuses)].filter((status) => ![201, 422].includes(status))).toEqual([])
  })
})
