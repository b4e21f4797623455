import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { insertOneOfEverything } from '../../test/one-of-everything.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { installUnzip, readFolder, unzipIsThere, unzipped } from '../../test/unzip.ts'
import { submitWork } from '../learning/records/submit-work.ts'
import { exportToArchive, writeArchive } from './export-archive.ts'
import { exportToFolder, makeExportFolder } from './export-folder.ts'
import { exportUser } from './export-user.ts'

let test: TestApplication
let rows: TenantRows
let root: string
let file: string
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
  root = await mkdtemp(path.join(os.tmpdir(), 'lethe-archive-'))
  file = path.join(root, 'out.zip')
})
afterEach(() => rm(root, { recursive: true }))

const archive = (userId: string) => test.inTenant(rows.tenant, (tx) => exportToArchive(tx, { userId, file }))

/** The files without the moment at which they were made, which is all that two exports of the same data differ in. */
function timeless(files: Map<string, Buffer>, madeAt: string): Map<string, string> {
  return new Map(
    [...files].map(([name, content]) => [
      name,
      name.startsWith('index.') ? content.toString('utf8').replaceAll(madeAt, 'MADE AT') : content.toString('base64'),
    ]),
  )
}

it('opens with unzip, and has byte for byte what the folder has', async ({ skip }) => {
  skip(!unzipIsThere, installUnzip)
  const user = await rows.user({ email: 'Ünï.Cöde@acme.example', first_name: 'Zoë', ref: 'ref-5521-x' })
  const other = await rows.user({ email: 'other@acme.example' })
  await insertOneOfEverything(test.owner, {
    tenantId: rows.tenant,
    userId: user,
    otherUserId: other,
    canary: (table, column) => `${table} ${column} of Ünï.Cöde@acme.example`,
  })
  // The planted key opens nothing.
  await test.owner.query('delete from person_keys where user_id = $1', [user])
  await test.inTenant(rows.tenant, async (tx) => {
    const { rows: found } = await tx.query<{ id: string }>('select id from assessments limit 1')
    await submitWork(tx, {
      userId: user,
      assessmentId: found[0]?.id ?? '',
      files: [{ name: 'Zoë.pdf', mediaType: 'application/pdf', content: randomBytes(3_000_000) }],
    })
  })
  const folder = path.join(root, 'folder')
  await makeExportFolder(folder)
  const inFolder = await test.inTenant(rows.tenant, (tx) => exportToFolder(tx, { userId: user, folder }))
  // That the folder was made is in the audit trail, which the archive would have.
  await test.owner.query(`delete from audit_entries where activity = 'UserExported'`)
  const inArchive = await archive(user)
  const files = await unzipped(file)
  expect(files.size).toBeGreaterThan(40)
  expect(timeless(files, inArchive.created_at)).toEqual(timeless(await readFolder(folder), inFolder.created_at))
  for (const name of files.keys()) {
    expect(name).toMatch(/^(index\.(html|json)|data\/[a-z_-]+\.(json|csv)|files\/[a-z_]+-[0-9a-f-]+\.bin)$/)
  }
  expect((await stat(file)).mode & 0o077).toBe(0)
})

it('shows one moment: what is written while it is made is in no file', async () => {
  const user = await rows.user({ email: 'before@acme.example' })
  const seen = new Map<string, string>()
  await test.inTenant(rows.tenant, (tx) =>
    exportUser(tx, {
      userId: user,
      async receive(name, content) {
        let text = ''
        for await (const piece of content) text += piece.toString('utf8')
        seen.set(name, text)
        await test.owner.query(`update users set email = 'after@acme.example', city = 'Afterwards' where id = $1`, [
          user,
        ])
      },
    }),
  )
  expect(seen.get('data/about-users.csv')).toContain('before@acme.example')
  expect([...seen.values()].join('')).not.toMatch(/after/i)
})

it('passes rows on while it reads them, whatever their number', async () => {
  const user = await rows.user()
  const module = await rows.insert('modules', { course_id: await rows.course(), title: 'A module', kind: 'page' })
  const total = 40_000
  await test.owner.query(
    `insert into record_actions (tenant_id, user_id, module_id, happened_on, clicks)
     select $1, $2, $3, '1900-01-01'::date + n, n from generate_series(1, $4::int) n`,
    [rows.tenant, user, module, total],
  )
  let read = 0
  let taken = 0
  const readAtFirstBytes: number[] = []
  let furthestAhead = 0
  await test.inTenant(rows.tenant, (tx) =>
    writeArchive(
      async (bytes) => {
        for await (const piece of bytes) {
          taken += piece.length
          if (taken > 1000) readAtFirstBytes.push(read)
        }
      },
      (receive) =>
        exportUser(tx, {
          userId: user,
          onRows: (written) => {
            read = written
          },
          receive: (name, content) =>
            receive(
              name,
              (async function* () {
                for await (const piece of content) {
                  furthestAhead = Math.max(furthestAhead, piece.length)
                  yield piece
                }
              })(),
            ),
        }),
    ),
  )
  expect(read).toBeGreaterThan(total)
  expect(readAtFirstBytes[0]).toBeLessThan(total / 2)
  expect(furthestAhead).toBeLessThan(1 << 18)
})

it('is refused where the file exists or cannot be made, and leaves none where it fails', async () => {
  const user = await rows.user()
  await writeFile(file, 'mine')
  await expect(archive(user)).rejects.toMatchObject({ code: 'export.file_unusable' })
  expect(await readFile(file, 'utf8')).toBe('mine')
  file = path.join(root, 'nowhere', 'out.zip')
  await expect(archive(user)).rejects.toMatchObject({ code: 'export.file_unusable' })
  file = path.join(root, 'another.zip')
  await expect(archive(await (await newTenant(test.owner)).user())).rejects.toMatchObject({ code: 'user.not_found' })
  expect(await readdir(root)).toEqual(['out.zip'])
})

it('ends with the error of whoever takes it, and lets go of what it reads', async () => {
  let closed = false
  const endless = async function* () {
    try {
      for (;;) yield randomBytes(100_000)
    } finally {
      closed = true
    }
  }
  const full = new Error('no space is left')
  const writing = writeArchive(
    async (bytes) => {
      let taken = 0
      for await (const piece of bytes) {
        taken += piece.length
        if (taken > 1_000_000) throw full
      }
    },
    (receive) => receive('a', endless()),
  )
  await expect(writing).rejects.toBe(full)
  expect(closed).toBe(true)
})
