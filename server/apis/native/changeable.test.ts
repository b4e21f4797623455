import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { buildProgram } from '../../cli/program.ts'
import { dataMap } from '../../datamap/data-map.ts'
import type { AnyEntry } from '../../datamap/vocabulary.ts'
import { inAuditorSnapshot, notRewritten, readTextTables } from '../../erasure/search/text-tables.ts'
import { placesWithWayOut, wayOutOf } from '../../erasure/search/ways-out.ts'

let http: TestHttp
let rows: TenantRows
let key: Credential
let operator: Credential
let ids: Record<string, string>
beforeAll(async () => {
  http = await openTestHttp()
  rows = await newTenant(http.owner)
  key = await http.key(rows.tenant)
  operator = await http.operator()
  const catalog = await rows.catalog()
  const course = await rows.course()
  const author = await rows.user()
  const scale = await rows.insert('skill_scale_sets', { title: 'Scale' })
  ids = {
    tenants: rows.tenant,
    users: author,
    catalogs: catalog,
    courses: course,
    modules: await rows.insert('modules', { course_id: course, title: 'Module', kind: 'page' }),
    assessments: await rows.insert('assessments', { course_id: course, title: 'Assessment', kind: 'exam' }),
    training_plans: await rows.insert('training_plans', { catalog_id: catalog, title: 'Plan' }),
    sessions: await rows.session(course),
    posts: await rows.post(course, author, 'Hello'),
    directory_groups: await rows.insert('directory_groups', { display_name: 'Group' }),
    connectors: await rows.insert('connectors', {
      name: 'Connector',
      kind: 'https',
      address: 'https://hr.example.org/users.csv',
      disabled_because: 'new',
    }),
    webhook_endpoints: await rows.insert('webhook_endpoints', {
      name: 'Endpoint',
      event_kinds: ['user.deleted'],
      sealed_secret: Buffer.alloc(1),
      enabled: false,
      disabled_because: 'administrator',
    }),
    legal_holds: await rows.insert('legal_holds', { reason_code: 'other' }),
    external_systems: await rows.insert('external_systems', { name: 'System', holds: 'names' }),
    retention_policies: await rows.insert('retention_policies', { name: 'Policy', days: 30, daily_at: '03:00' }),
    skill_scale_sets: scale,
    skill_levels: await rows.insert('skill_levels', { scale_set_id: scale, title: 'Level', value: 1 }),
    skills: await rows.insert('skills', { scale_set_id: scale, title: 'Skill' }),
  }
})
afterAll(() => http.close())

/** Where the thing of a table changes. Its columns have the same names there, but for `fields`. */
const addresses: Record<string, { path: () => string; fields?: Record<string, (value: unknown) => object> }> = {
  tenants: { path: () => `/tenants/${ids.tenants}` },
  users: { path: () => `/users/${ids.users}` },
  catalogs: { path: () => `/catalogs/${ids.catalogs}` },
  courses: { path: () => `/courses/${ids.courses}` },
  modules: { path: () => `/courses/${ids.courses}/modules/${ids.modules}` },
  assessments: { path: () => `/courses/${ids.courses}/assessments/${ids.assessments}` },
  training_plans: { path: () => `/training-plans/${ids.training_plans}` },
  sessions: { path: () => `/courses/${ids.courses}/sessions/${ids.sessions}` },
  posts: { path: () => `/courses/${ids.courses}/posts/${ids.posts}` },
  directory_groups: { path: () => `/groups/${ids.directory_groups}` },
  connectors: { path: () => `/connectors/${ids.connectors}` },
  webhook_endpoints: { path: () => `/webhooks/${ids.webhook_endpoints}` },
  legal_holds: { path: () => `/holds/${ids.legal_holds}` },
  external_systems: { path: () => `/external-systems/${ids.external_systems}` },
  retention_policies: { path: () => `/retention-policies/${ids.retention_policies}` },
  skill_scale_sets: { path: () => `/scale-sets/${ids.skill_scale_sets}` },
  skill_levels: {
    path: () => `/scale-sets/${ids.skill_scale_sets}`,
    fields: {
      title: (title) => ({ levels: [{ value: 1, title }] }),
      description: (description) => ({ levels: [{ value: 1, title: 'Level', description }] }),
    },
  },
  skills: { path: () => `/skills/${ids.skills}` },
}

/** By which commands the thing of a table changes and goes, where that is not `update` and `delete` of this group. */
const commands: Record<string, { update: string; remove: string | null }> = {
  ...Object.fromEntries(
    Object.entries({
      tenants: 'tenant',
      users: 'user',
      catalogs: 'catalog',
      courses: 'course',
      training_plans: 'plan',
      sessions: 'session',
      posts: 'post',
      directory_groups: 'group',
      external_systems: 'system',
      retention_policies: 'retention',
      skills: 'skill',
    }).map(([table, group]) => [table, { update: `${group} update`, remove: `${group} delete` }]),
  ),
  connectors: { update: 'connector change', remove: 'connector delete' },
  webhook_endpoints: { update: 'webhook change', remove: 'webhook delete' },
  legal_holds: { update: 'hold update', remove: 'hold release' },
  skill_scale_sets: { update: 'skill update-scale', remove: 'skill delete-scale' },
  skill_levels: { update: 'skill update-scale', remove: 'skill delete-scale' },
  // A part of a course has records of learners, and goes with the course.
  modules: { update: 'course part', remove: null },
  assessments: { update: 'course part', remove: null },
}

/** What goes by another request than DELETE of its address: the log of holds stays, with the release in it. */
const released: Record<string, string> = { legal_holds: 'POST /holds/{}/release' }

const withItsPerson = 'An erasure of its person deletes or clears it, and one of another person scrubs it.'
const itsOwner = 'The program writes it. An erasure scrubs it, and it goes by itself after a day.'
const fixed = 'It is a record of what happened. An erasure scrubs it.'

/** Columns that mention people and that no operation changes, with the reason. The list may only shrink. */
const unchangeable: Record<string, string> = {
  'api_keys.name': 'Revoke the key and create another one. An erasure scrubs it.',
  'oauth_clients.name': 'Revoke the client and create another one. An erasure scrubs it.',
  'enrollments.note': withItsPerson,
  'assessment_attempts.feedback': withItsPerson,
  'issued_certificates.number': withItsPerson,
  'submissions.comment': withItsPerson,
  'submissions.feedback': withItsPerson,
  'submission_files.name': withItsPerson,
  'submission_files.media_type': withItsPerson,
  'ratings.comment':
    'The learner rates again. An erasure of its person deletes it, and one of another person scrubs it.',
  'user_skills.revoke_reason': withItsPerson,
  'notifications.subject': withItsPerson,
  'notifications.body': withItsPerson,
  'notifications.data': withItsPerson,
  'import_runs.file_name': fixed,
  'idempotent_requests.body': itsOwner,
  'erasure_requests.reason': fixed,
  'erasure_decisions.note': fixed,
  'erasure_wishes.note': withItsPerson,
  'reach_matches.reason': fixed,
  'system_accounts.name': fixed,
}

function mentionColumns(): string[] {
  return Object.entries(dataMap as Record<string, AnyEntry>).flatMap(([table, { columns }]) =>
    Object.entries(columns).flatMap(([column, { is }]) =>
      is === 'mention' || is === 'content' ? [`${table}.${column}`] : [],
    ),
  )
}

/** A new value for a column, and how the database shows it. */
function newValueOf(place: string): { given: unknown; stored: unknown } {
  const [, column = ''] = place.split('.')
  if (place === 'users.custom_fields') return { given: { shift: 'early' }, stored: { shift: 'early' } }
  if (['contact_emails', 'notify_emails'].includes(column)) {
    return { given: ['new@example.org'], stored: ['new@example.org'] }
  }
  if (column === 'surviving_fields') return { given: ['shift'], stored: ['shift'] }
  const texts: Record<string, string> = { reply_to_email: 'new@example.org', address: 'https://hr.example.org/new.csv' }
  const text = texts[column] ?? `Changed ${place}`
  return { given: text, stored: text }
}

async function change(place: string): Promise<unknown> {
  const [table = '', column = ''] = place.split('.')
  const address = addresses[table]
  if (address === undefined) return `no address changes ${place}`
  const { given, stored } = newValueOf(place)
  const body = address.fields?.[column]?.(given) ?? { [column]: given }
  const as = table === 'tenants' ? operator : key
  const { status, json } = await http.call('PATCH', `/api/v1${address.path()}`, { as, body })
  if (status >= 300) return { status, json }
  const tenant = table === 'tenants' ? '' : ' and tenant_id = $2'
  const { rows: found } = await http.owner.query(
    `select ${column} as value from ${table} where id = $1${tenant}`,
    table === 'tenants' ? [ids[table]] : [ids[table], rows.tenant],
  )
  return JSON.stringify(found[0]?.value) === JSON.stringify(stored) ? 'changed' : { found }
}

describe('a text that may mention a person', () => {
  it('can be changed through the API, whatever its column, but for a list with reasons', async () => {
    const open = mentionColumns().filter((place) => !Object.hasOwn(unchangeable, place))
    for (const place of open) expect([place, await change(place)]).toEqual([place, 'changed'])
    expect(Object.keys(unchangeable).filter((place) => !mentionColumns().includes(place))).toEqual([])
    expect(Object.keys(unchangeable).length).toBeLessThanOrEqual(21)
  })

  it('belongs to a thing that the command line changes, and that the command line and the API remove', () => {
    const tables = Object.keys(addresses)
    expect(tables.toSorted()).toEqual(Object.keys(commands).sort())
    const { paths } = JSON.parse(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'))
    const routes = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`),
    )
    for (const table of tables) {
      const { update = '', remove = '' } = commands[table] ?? {}
      const address = addresses[table]?.path().replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{}')
      expect([table, isCommand(update), remove === null || isCommand(remove)]).toEqual([table, true, true])
      expect(routes).toContain(`PATCH /api/v1${address}`)
      if (remove === null) continue
      expect(routes).toContain(released[table]?.replace('/', '/api/v1/') ?? `DELETE /api/v1${address}`)
    }
  })
})

function isCommand(words: string): boolean {
  let command = buildProgram()
  for (const word of words.split(' ')) {
    const found = command.commands.find((one) => one.name() === word)
    if (found === undefined) return false
    command = found
  }
  return command.commands.length === 0
}

/** Columns with text that no erasure rewrites and that the code alone fills, or an operator, with the reason. */
const ofTheCode: Record<string, string> = {
  'former_identifiers.kind': 'A check allows some words only.',
  'identity_providers.keys': 'Public keys of an identity provider, which the operator sets.',
  'tenant_deletions.jws': 'A signature over ids, counts and times.',
  'table_rewrites.table_name': 'The name of a table.',
  'backup_declarations.kind': 'A check allows some words only.',
  'audit_entries.details': 'Codes, counts and names of columns; what people typed is encrypted beside it.',
  'graphile_worker._private_jobs.payload': 'Ids only.',
  'graphile_worker._private_jobs.last_error': 'A code.',
  'graphile_worker._private_jobs.key': 'Ids only.',
  'graphile_worker._private_jobs.locked_by': 'The id of a worker.',
  'graphile_worker._private_jobs.flags': 'Not used.',
  'graphile_worker._private_job_queues.queue_name': 'Ids only.',
  'graphile_worker._private_job_queues.locked_by': 'The id of a worker.',
}

describe('a place that no erasure rewrites', () => {
  it('has a command that changes it, or holds only what the code writes', async () => {
    const tables = await inAuditorSnapshot(http.database, readTextTables)
    const places = notRewritten(tables).flatMap(({ name, columns }) => columns.map((column) => `${name}.${column}`))
    expect(places.filter((place) => !placesWithWayOut.includes(place)).sort()).toEqual(Object.keys(ofTheCode).sort())
    expect(placesWithWayOut.filter((place) => !places.includes(place))).toEqual([])
  })

  it('names a command that exists, with its options', () => {
    for (const place of placesWithWayOut) {
      const [table = '', column = ''] = place.split('.')
      const words = wayOutOf(table, column)?.command.split(' ').slice(1) ?? []
      let command = buildProgram()
      for (const word of words) command = command.commands.find((one) => one.name() === word) ?? command
      const flags = words.filter((word) => word.startsWith('--'))
      expect([place, command.parent !== null]).toEqual([place, true])
      for (const flag of flags)
        expect([place, command.options.map(({ long }) => long)]).toEqual([place, expect.arrayContaining([flag])])
    }
  })

  it('changes by its route where there is one', async () => {
    for (const place of placesWithWayOut.filter((one) => !one.startsWith('import_files.'))) {
      expect([place, await change(place)]).toEqual([place, 'changed'])
    }
  })
})
