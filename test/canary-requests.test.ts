import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../server/config.ts'
import { waitForExport } from '../server/exports/wait-for-export.ts'
import { type Credential, openTestHttp, type TestHttp } from './http.ts'
import { openTestProvider } from './identity-provider.ts'
import { type MailServer, mailSettings, startMailServer } from './mail-server.ts'
import { dumpDatabase } from './rows.ts'

/** What the person is known by. Each stands nowhere else. */
const email = 'canary.mail-6b1e@acme.example'
const former = 'canary.former-7d2e@acme.example'
const ref = 'canary-ref-8d30'
const subject = 'idp|canary-identity-9e41'
const identifiers = [email, former, ref, subject]

/** Texts of other people and things that name the person in each way. */
const text = `Ask ${email} or ${former.toUpperCase()}, known as ${ref} and ${subject}.`
const short = `Of ${email}`

describe.each(['purge', 'anonymize'] as const)(
  'a person whom holds, requests, wishes, connectors, imports and registers name (%s)',
  (operation) => {
    let http: TestHttp
    let mail: MailServer
    let feeds: string
    let tenant: string
    let officer: Credential & { userId: string }
    let colleague: Credential & { userId: string }
    let person: string
    beforeAll(async () => {
      http = await openTestHttp()
      mail = await startMailServer()
      feeds = mkdtempSync(path.join(tmpdir(), 'lethe-canary-feeds-'))
      http.app.config = { ...readConfig(mailSettings(mail)), connectorFolders: [{ folder: feeds }] }
      tenant = await http.tenant('Acme')
      officer = await http.person(tenant, 'administrator')
      colleague = await http.person(tenant, 'administrator')
      await http.startWorkers()
    })
    afterAll(async () => {
      await http.close()
      await mail.close()
      rmSync(feeds, { recursive: true })
    })

    // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
    async function send(method: string, url: string, body?: unknown, as: Credential = officer): Promise<any> {
      const {
        status,
        json,
        text: answered,
      } = await http.call(method, `/api/v1${url}`, { as, ...(body !== undefined && { body }) })
      expect([url, status, status < 300 ? '' : answered]).toEqual([url, expect.toBeOneOf([200, 201, 202, 204]), ''])
      return json
    }
    const newUser = async (fields: object = {}): Promise<string> => (await send('POST', '/users', fields)).id
    const state = async (request: string) => (await send('GET', `/erasures/${request}`)).state
    const until = (request: string, ...states: string[]) =>
      expect.poll(() => state(request), { timeout: 30_000 }).toBeOneOf(states)
    const eraseOther = async (fields: object = {}): Promise<string> => {
      const id = await newUser()
      await send('DELETE', `/users/${id}`)
      return (await send('POST', '/erasures', { operation: 'purge', subjects: [{ id }], reason: text, ...fields })).id
    }

    /** Everything through the API, so that each text takes the way of a user's. */
    async function plant(): Promise<void> {
      person = await newUser({ email: former, ref, external_identity_id: subject, first_name: 'Canaria' })
      await send('PATCH', `/users/${person}`, { email })
      const provider = await openTestProvider(http.database)
      await http.call('POST', '/api/v1/identity-provider/identities', {
        body: { token: await provider.token('identity', { sub: subject, email, email_verified: true }) },
      })

      // Legal holds: on another person, on the person by name and by group, in force and released.
      const group = (await send('POST', '/groups', { display_name: short, description: text })).id
      await send('PUT', `/groups/${group}/members`, { user_ids: [person] })
      await send('POST', '/holds', { reason: 'legal_claim', note: text, user_ids: [await newUser()] })
      for (const whom of [{ user_ids: [person] }, { group_ids: [group] }]) {
        const { id } = await send('POST', '/holds', { reason: 'other', note: text, ...whom })
        await send('POST', `/holds/${id}/release`)
      }

      // Requests about others, with reasons and decisions.
      await send('PATCH', '/tenant', { approval_required: true })
      const approved = await eraseOther()
      await send('POST', `/erasures/${approved}/approve`, { note: text }, colleague)
      const refused = await eraseOther()
      await send('POST', `/erasures/${refused}/reject`, { reason_code: 'other', note: text }, colleague)
      await send('PATCH', '/tenant', { approval_required: false })
      await until(approved, 'completed')

      // Wishes: the person's own, refused with a note, and that of another person.
      for (const id of [person, await newUser()]) {
        const wish = await send('POST', `/users/${id}/erasure-wishes`, {})
        await send('POST', `/erasure-wishes/${wish.id}/refuse`, { reason: 'other', note: text })
      }
      await send('POST', `/users/${person}/erasure-wishes`, {})

      // Imports with their files, and a connector with its feed and its addresses.
      const csv = `ref,email,display_name,custom.note\n${ref},${email},Canaria,x\nother-1,,Other,"${text}"\n`
      const sent = await http.call('POST', `/api/v1/imports?file_name=${encodeURIComponent(`${email}.csv`)}`, {
        as: officer,
        body: csv,
        headers: { 'content-type': 'text/csv' },
      })
      expect(sent).toMatchObject({ status: 200, json: { counts: { rejected: 0 } } })
      const feed = path.join(feeds, `${operation}.csv`)
      writeFileSync(feed, csv)
      const connector = (
        await send('POST', '/connectors', {
          name: short,
          kind: 'folder',
          address: feed,
          run_as: officer.userId,
          notify_emails: [email, 'desk@acme.example'],
        })
      ).id
      await send('POST', `/connectors/${connector}/enable`)
      await send('POST', `/connectors/${connector}/run`)
      const runs = async () => (await send('GET', `/connectors/${connector}/runs`)).runs
      await expect.poll(async () => (await runs())[0]?.state, { timeout: 30_000 }).toBe('finished')
      rmSync(feed)
      await send('POST', `/connectors/${connector}/run`)
      await expect.poll(async () => (await runs())[0]?.state, { timeout: 30_000 }).toBe('failed')

      // Registers and policies, with a run and its report.
      await send('POST', '/external-systems', { name: short, contact_emails: [email], holds: text })
      const policy = (await send('POST', '/retention-policies', { name: short, days: 0, excluded_group_ids: [group] }))
        .id
      const leaver = await newUser({ custom_fields: { note: text } })
      await send('DELETE', `/users/${leaver}`)
      await send('GET', `/retention-policies/${policy}/preview`)
      const ran = await send('POST', `/retention-policies/${policy}/run`, { expected_people: 2 })
      await until(ran.request_id, 'completed')

      // Notices, kept exports about another person, and plans of previews.
      const scale = await send('POST', '/scale-sets', { title: 'Scale', levels: [{ title: short, value: 1 }] })
      const skill = await send('POST', '/skills', { title: short, description: text, scale_set_id: scale.id })
      const { scale_sets: scales } = await send('GET', '/scale-sets')
      const level = scales.find(({ id }: { id: string }) => id === scale.id).levels[0].id
      const other = await newUser({ email: 'other@acme.example', custom_fields: { about: text } })
      await send('POST', `/users/${other}/skills`, { skill_id: skill.id, level_id: level })
      await send('POST', `/users/${other}/skills/revoke`, { skill_id: skill.id, level_id: level, reason: text })
      const kept = await send('POST', `/users/${other}/exports`, {})
      await waitForExport(http.database, tenant, kept.id)
      await send('POST', '/erasures/preview', { operation, subjects: [{ id: person }], delete_first: true })
    }

    /** All texts of all rows, by table, in lower case; bytes in hexadecimal. */
    async function everything(): Promise<Map<string, string>> {
      const places = new Map<string, string>()
      for (const [table, dumped] of await dumpDatabase(http.owner)) {
        places.set(table, JSON.stringify([...dumped.values()]).toLowerCase())
      }
      places.set('log', `${http.requestLog()}\n${http.log()}`.toLowerCase())
      const trail = await fetch(`${http.url}/api/v1/audit/export`, { headers: { ...officer, userId: '' } })
      places.set('audit export', (await trail.text()).toLowerCase())
      return places
    }

    const placesOf = (contents: Map<string, string>) =>
      new Map(
        identifiers.map((identifier) => {
          const forms = [identifier, Buffer.from(identifier).toString('hex')]
          return [
            identifier,
            [...contents].flatMap(([place, content]) => (forms.some((form) => content.includes(form)) ? [place] : [])),
          ]
        }),
      )

    it('stands in all of it before, and nowhere afterwards', { timeout: 240_000 }, async () => {
      await plant()
      const before = placesOf(await everything())
      for (const [identifier, places] of before) {
        expect([identifier, places]).toEqual([
          identifier,
          expect.arrayContaining([
            ...['legal_holds', 'erasure_requests', 'erasure_decisions', 'erasure_wishes', 'external_systems'],
            ...['directory_groups', 'skills', 'user_skills', 'users', 'audit export'],
          ]),
        ])
      }
      expect(before.get(email)).toEqual(
        expect.arrayContaining(['connectors', 'import_runs', 'retention_policies', 'skill_levels', 'notifications']),
      )
      const order = { operation, subjects: [{ id: person }], delete_first: true, reason: text }
      const { id: request } = await send('POST', '/erasures', order)
      await until(request, 'completed', 'partial', 'failed')
      const details = await send('GET', `/erasures/${request}`)
      expect([details.state, details.failures]).toEqual(['completed', []])
      expect([...placesOf(await everything())].filter(([, places]) => places.length > 0)).toEqual([])

      // What the person stood in says so.
      const { connectors } = await send('GET', '/connectors')
      expect(connectors).toMatchObject([{ enabled: false, disabled_because: 'names_purged_person' }])
      const { imports } = await send('GET', '/imports')
      for (const { id, file } of imports.filter((one: { file: string }) => one.file !== 'none')) {
        expect(file).toBe('gone')
        expect((await http.call('GET', `/api/v1/imports/${id}/file`, { as: officer })).status).toBe(410)
      }
    })

    it('comes back marked, and goes again without a trace', { timeout: 120_000 }, async () => {
      const { id } = await send('POST', '/users', { email, ref })
      const { returned_users: returned } = await send('GET', '/returned-users')
      expect(returned.map(({ user_id }: { user_id: string }) => user_id)).toEqual(operation === 'purge' ? [id] : [])
      const { id: request } = await send('POST', '/erasures', {
        operation,
        subjects: [{ id }],
        delete_first: true,
        reason: `${short}, ${ref}`,
      })
      await until(request, 'completed', 'partial', 'failed')
      expect([...placesOf(await everything())].filter(([, places]) => places.length > 0)).toEqual([])
    })
  },
)
