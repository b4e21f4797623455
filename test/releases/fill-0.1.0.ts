import { writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { sealAudit } from '../server/audit/seal-audit.ts'
import { verifyAudit } from '../server/audit/verify-audit.ts'
import { sweep } from '../server/erasure/sweep.ts'
import { importUsers } from '../server/imports/users/import-users.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { useTestServer } from './server.ts'

// Runs in a checkout of 0.1.0, as test/fill.ts: README.md. It fills a database by the operations and routes of that version,
// and writes down what a test needs to know about it. All people are made up.

const [, , factsFile = 'facts.json'] = process.argv

const server = await useTestServer()
process.env.LETHE_TEST_OWNER_URL = server.ownerUrlOf('postgres')
process.env.LETHE_TEST_APP_URL = server.appUrlOf('postgres')
process.env.LETHE_TEST_RUN = 'release'
const template = 'lethe_template_release'
await server.dropDatabase(template)
await migrate({ ownerUrl: server.ownerUrlOf(template), appUrl: server.appUrlOf(template) })

// What reads the environment as it is imported.
const { openTestHttp } = await import('./http.ts')
const { insertOneOfEverything } = await import('./one-of-everything.ts')

const http = await openTestHttp()
await http.startWorkers()
const acme = await http.tenant('Acme')
const beta = await http.tenant('Beta')
await http.operator()
await http.call('POST', '/api/v1/operator-session', { body: { name: 'operator-1', password: 'not the password' } })
const key = await http.key(acme)
const administrator = await http.person(acme, 'administrator')

async function call(method: string, path: string, body?: object, as: Record<string, string> = key) {
  const { status, json, text } = await http.call(method, `/api/v1${path}`, { as, body })
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
  return json
}
const make = async (path: string, body: object): Promise<string> => (await call('POST', path, body)).id

await call('POST', '/clients', { name: 'Client', scopes: ['api/read'] }, administrator)
const department = 'Assembly'
const csv = `ref,email,first_name,last_name,department
N-1,nora.neu@acme.example,Nora,Neu,${department}
N-2,oskar.ott@acme.example,Oskar,Ott,${department}
N-3,paula.pohl@acme.example,Paula,Pohl,${department}
N-4,quirin.quast@acme.example,Quirin,Quast,${department}
`
await importUsers(http.database, acme, { source: Readable.from([Buffer.from(csv)]), file: 'users.csv' })

const person = (ref: string, first_name: string, last_name: string) =>
  make('/users', {
    ref,
    first_name,
    last_name,
    email: `${first_name}.${last_name}@acme.example`.toLowerCase(),
    login_name: `i:0#.f|membership|${first_name}.${last_name}`,
    department,
    custom_fields: { shift: 'early' },
  })
const subject = await person('S-4711', 'Sibylle', 'Sommer')
const other = await person('S-4712', 'Tilda', 'Tann')
const purged = await person('P-4711', 'Petronella', 'Prinz')
const anonymized = await person('A-4711', 'Anselm', 'Abt')
const deleted = await person('D-4711', 'Dorothea', 'Damm')
const queued = await person('Q-4711', 'Quintus', 'Quell')
const people = [subject, other, purged, anonymized, deleted, queued]
await call('POST', '/users', { ref: 'B-1', email: 'bela.baum@beta.example' }, await http.key(beta))

const catalog = await make('/catalogs', { title: 'Safety', contact_emails: ['safety@acme.example'] })
const course = await make('/courses', { catalog_id: catalog, title: 'Ask sibylle.sommer@acme.example or P-4711 first' })
const plan = await make('/training-plans', { catalog_id: catalog, title: 'First week', course_ids: [course] })
await make(`/courses/${course}/sessions`, { title: 'With Q-4711' })
const group = await make('/groups', { display_name: 'Line 4' })
await call('PUT', `/groups/${group}/members`, { user_ids: [subject, other, deleted] })
await call('PUT', `/catalogs/${catalog}/groups/${group}`, {})
await call('POST', `/catalogs/${catalog}/members`, { user_ids: people })
const scale = await make('/scale-sets', { title: 'Levels', levels: [{ title: 'Knows', value: 1 }] })
const skill = await make('/skills', { title: 'Fire drill', scale_set_id: scale })
const [level] = (await call('GET', `/scale-sets/${scale}`)).levels
for (const user of people) {
  const enrollment = await make('/enrollments', { user_id: user, course_id: course })
  await call('POST', `/enrollments/${enrollment}/complete`, {})
  await make(`/enrollments/${enrollment}/certificates`, { number: `C-${people.indexOf(user) + 1}` })
  await make('/enrollments', { user_id: user, training_plan_id: plan })
  await make(`/users/${user}/skills`, { skill_id: skill, level_id: level.id })
  await call('PATCH', `/users/${user}`, { job_title: 'Fitter' })
}
const keptExport = await make(`/users/${subject}/exports`, {})
while ((await call('GET', `/users/${subject}/exports/${keptExport}`)).state !== 'ready') {
  await new Promise((resolve) => setTimeout(resolve, 100))
}

for (const user of [purged, anonymized, deleted, queued]) await call('DELETE', `/users/${user}`)
const purge = await http.purge(acme, [purged], administrator.userId)
const anonymization = await http.anonymize(acme, [anonymized])
await sweep(http.app, [acme])
await http.stopWorkers()
const queuedRequest = await http.order(acme, [queued])

const planted = await insertOneOfEverything(http.owner, { tenantId: acme, userId: subject, otherUserId: other })
for (const row of planted.filter(({ table }) => table === 'audit_entries')) {
  // Only what the program sealed itself can be opened.
  await http.owner.query('update audit_entries set sealed_values = null where tenant_id = $1 and id = $2', [
    acme,
    row.key.id,
  ])
}
await http.inTenant(acme, async (tx) => {
  while ((await sealAudit(tx)).more);
})
const { sealed, head, problems } = await verifyAudit(http.app, acme, {})
if (problems.length > 0) throw new Error(JSON.stringify(problems))
const { rows } = await http.owner.query('select current_database() as name')
const facts = {
  // A test's own; it opens nothing else.
  master_key: http.database.masterKey.toString('base64'),
  tenant: acme,
  users: { subject, other, purged, anonymized, deleted, queued },
  requests: { purge: purge.id, anonymization: anonymization.id, queued: queuedRequest },
  salt: anonymization.salt,
  kept_export: keptExport,
  noted: { sequence: sealed, hash: head.hash },
}
await writeFile(factsFile, `${JSON.stringify(facts, undefined, 2)}\n`)
process.stdout.write(`${new URL(server.ownerUrlOf(rows[0].name)).href}\n`)
await http.server.close()
await http.database.close()
await http.owner.end()
await server.release()
