import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { listAudit } from '../../audit/list-audit.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { createScaleSet } from '../../skills/create-scale-set.ts'
import { listScaleSets, listSkills } from '../../skills/list-skills.ts'
import { createTenant } from '../../tenancy/tenants.ts'
import type { FolderImportOptions } from '../folder-import.ts'
import type { RejectedLine } from '../import-chunks.ts'
import { importEsco } from './import-esco.ts'
import { importOnet } from './import-onet.ts'

let test: TestDatabase
let tenantId: string
let tenants = 0
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())
beforeEach(async () => {
  tenants += 1
  tenantId = (await createTenant(test.database, { name: `Tenant ${tenants}`, kind: 'enterprise' })).id
})

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(test.database, tenantId, work)

async function folderOf(files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-taxonomy-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content)
  return folder
}

const works = { onet: importOnet, esco: importEsco }

async function importFrom(format: keyof typeof works, folder: string, options: Partial<FolderImportOptions> = {}) {
  const rejected: RejectedLine[] = []
  const { files } = await works[format](test.database, tenantId, {
    folder,
    onRejected: (line) => rejected.push(line),
    ...options,
  })
  const counts = files.map(({ read, written, unchanged, rejected: bad, skipped }) => ({
    read,
    written,
    unchanged,
    rejected: bad,
    skipped,
  }))
  return { counts, rejected }
}

async function everything() {
  const { skills } = await run((tx) => listSkills(tx, { limit: 10_000 }))
  // Those of one import come into being together: which id is the smaller one is chance.
  skills.sort((a, b) => (a.title < b.title ? -1 : 1))
  return { skills, scales: await run((tx) => listScaleSets(tx)) }
}

const escoHead = 'concept_uri,preferred_label,alt_labels,description,status'
const esco = (...lines: string[]) => ({ 'skills_en.csv': [`\ufeff${escoHead}`, ...lines, ''].join('\n') })
const uri = (id: string) => `http://data.europa.eu/esco/skill/${id}`

const elements = (...lines: string[]) => ['Element ID\tElement Name\tDescription', ...lines, ''].join('\r\n')
const anchors = (...lines: string[]) =>
  ['Element ID\tElement Name\tScale ID\tAnchor Value\tAnchor Description', ...lines, ''].join('\r\n')

describe('importing the skills of ESCO', () => {
  it('writes them for all catalogs on a default scale, and running it again changes nothing', async () => {
    const folder = await folderOf(
      esco(
        `${uri('a-1')},3D lighting,,,`,
        `${uri('b-2')},"sort, ""and"" stack",stacking,Puts things in order,released`,
      ),
    )
    expect(await importFrom('esco', folder)).toEqual({
      counts: [{ read: 2, written: 2, unchanged: 0, rejected: 0, skipped: 0 }],
      rejected: [],
    })
    const first = await everything()
    expect(first.scales).toMatchObject([{ is_default: true, catalog_id: null, levels: [{ value: 1 }, {}, {}, {}] }])
    const scale_set_id = first.scales[0]?.id
    expect(first.skills).toMatchObject([
      { title: '3D lighting', description: null, external_key: 'esco:a-1', catalog_id: null, scale_set_id },
      { title: 'sort, "and" stack', description: 'Puts things in order', external_key: 'esco:b-2', scale_set_id },
    ])
    expect((await importFrom('esco', folder)).counts).toMatchObject([{ read: 2, written: 0, unchanged: 2 }])
    expect(await everything()).toEqual(first)
  })

  it('brings changed labels in, takes the last of several lines, and leaves the scale of each skill alone', async () => {
    const levels = [{ title: 'Yes', value: 1 }]
    const own = await run((tx) => createScaleSet(tx, { title: 'Own', isDefault: true, levels }))
    await importFrom('esco', await folderOf(esco(`${uri('a')},first,,,`, `${uri('a')},last,,,`)))
    expect((await everything()).skills).toMatchObject([{ title: 'last', scale_set_id: own.id }])
    await run((tx) => createScaleSet(tx, { title: 'Newer', isDefault: true, levels }))
    const changed = await folderOf({ 'skills_en.csv.gz': gzipSync(esco(`${uri('a')},later,,,`)['skills_en.csv']) })
    expect((await importFrom('esco', changed)).counts).toMatchObject([{ read: 1, written: 1 }])
    expect((await everything()).skills).toMatchObject([{ title: 'later', scale_set_id: own.id }])
  })

  it('rejects bad lines with the reason, and never with what stands there; the others go in', async () => {
    const bad = await folderOf(
      esco(
        'http://example.org/a,elsewhere,,,',
        `${uri('a')},,,,`,
        `${uri('b')},good,,,`,
        `${uri('c')},too few`,
        `${uri('d')},"open,,,`,
        `${uri('e')},good too,,,`,
      ),
    )
    const { counts, rejected } = await importFrom('esco', bad, { linesPerChunk: 2 })
    expect(counts).toEqual([{ read: 6, written: 2, unchanged: 0, rejected: 4, skipped: 0 }])
    expect(rejected.map(({ line }) => line)).toEqual([2, 3, 5, 6])
    expect(rejected[0]?.reason).toMatch(/^concept_uri is not the address of an ESCO skill/)
    expect(JSON.stringify(rejected)).not.toContain('elsewhere')
    expect((await everything()).skills.map(({ title }) => title).sort()).toEqual(['good', 'good too'])
  })

  it('takes another source for another set of skills', async () => {
    const folder = await folderOf(esco(`${uri('a')},one,,,`))
    await importFrom('esco', folder)
    await importFrom('esco', folder, { source: 'copy' })
    expect((await everything()).skills.map(({ external_key }) => external_key).sort()).toEqual(['copy:a', 'esco:a'])
  })

  it('writes nothing where the file is missing or is something else', async () => {
    for (const files of [{}, { 'skills_en.csv': 'a,b\n1,2\n' }]) {
      const failed = importFrom('esco', await folderOf(files))
      await expect(failed).rejects.toMatchObject({ code: expect.stringMatching(/^input\.(file_unreadable|invalid)$/) })
    }
    const wrong = importFrom('esco', await folderOf(esco()), { source: 'No Name' })
    await expect(wrong).rejects.toMatchObject({ code: 'input.invalid', details: { field: 'source' } })
    expect(await everything()).toEqual({ skills: [], scales: [] })
  })

  it('is on record as a whole, when it is stopped too', async () => {
    const folder = await folderOf(esco(`${uri('a')},one,,,`, `${uri('b')},two,,,`))
    const stopping = new AbortController()
    const stopped = importFrom('esco', folder, {
      linesPerChunk: 1,
      signal: stopping.signal,
      onProgress: () => stopping.abort(),
    })
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
    await importFrom('esco', folder)
    const { entries } = await run((tx) => listAudit(tx, {}))
    expect(
      entries.filter(({ activity }) => activity === 'DataSetImported').map(({ details }) => details),
    ).toMatchObject([
      { outcome: 'complete', read: 2, written: 1, unchanged: 1 },
      { outcome: 'stopped', read: 1, written: 1 },
    ])
  })
})

describe('importing the skills of O*NET', () => {
  const files = {
    'Content Model Reference.txt': elements(
      '1.A.1.a.1\tOral Comprehension\tAn ability',
      '2.A\tBasic Skills\tA heading',
      '2.A.1\tContent\tA heading below',
      '2.A.1.a\tReading\tUnderstanding "written" sentences',
      '2.B.1.c\tPersuasion\tChanging minds',
      '2.C.1.a\tAdministration\tKnowledge',
    ),
    'Level Scale Anchors.txt': anchors(
      '1.A.1.a.1\tOral Comprehension\tLV\t2\tUnderstand a commercial',
      '2.A.1.a\tReading\tLV\t2\tRead a form',
      '2.A.1.a\tReading\tLV\t4\tRead an e-mail',
      '2.A.1.a\tReading\tIM\t4\tNot a level',
      '2.A.1.a\tReading\tLV\t8\tBeyond the scale',
      '2.B.9.z\tUnknown\tLV\t2\tNobody knows',
      '2.B.1.c\tPersuasion\tLV\tsix\tSell a house',
    ),
  }

  it('gives each a scale from 0 to 7 with the anchors that exist, and skips what is no skill', async () => {
    const folder = await folderOf(files)
    const { counts, rejected } = await importFrom('onet', folder)
    expect(counts).toEqual([
      { read: 6, written: 2, unchanged: 0, rejected: 0, skipped: 4 },
      { read: 7, written: 2, unchanged: 0, rejected: 3, skipped: 2 },
    ])
    expect(rejected).toEqual([
      { file: 'Level Scale Anchors.txt', line: 6, reason: 'Anchor Value is no level from 0 to 7' },
      {
        file: 'Level Scale Anchors.txt',
        line: 7,
        reason: 'Element ID names no skill of Content Model Reference.txt',
      },
      expect.objectContaining({ line: 8, reason: expect.stringMatching(/^Anchor Value is not a whole number/) }),
    ])
    const first = await everything()
    expect(first.skills.map(({ title, description }) => [title, description]).sort()).toEqual([
      ['Persuasion', 'Changing minds'],
      ['Reading', 'Understanding "written" sentences'],
    ])
    const reading = first.scales.find(({ title }) => title === 'Reading')
    expect(reading?.levels.map(({ value, description }) => [value, description])).toEqual([
      [0, null],
      [1, null],
      [2, 'Read a form'],
      [3, null],
      [4, 'Read an e-mail'],
      [5, null],
      [6, null],
      [7, null],
    ])
    expect(first.skills.find(({ title }) => title === 'Reading')?.scale_set_id).toBe(reading?.id)
    expect((await importFrom('onet', folder)).counts).toMatchObject([
      { written: 0, unchanged: 2 },
      { written: 0, unchanged: 2 },
    ])
    expect(await everything()).toEqual(first)
  })
})

const realFolder = (name: 'onet' | 'esco') =>
  process.env[`LETHE_${name.toUpperCase()}`] ||
  fileURLToPath(new URL(`../../../../shared/data/${name}`, import.meta.url))
const published = {
  esco: path.join(realFolder('esco'), 'skills_en.csv'),
  onet: path.join(realFolder('onet'), 'Level Scale Anchors.txt'),
}
const nameOf = (format: 'onet' | 'esco', name: string) =>
  existsSync(published[format])
    ? name
    : `${name} (skipped: set LETHE_${format.toUpperCase()} to the folder of the data set)`

describe('the published skills', () => {
  it.skipIf(!existsSync(published.esco))(nameOf('esco', 'of ESCO go in, all 13,485'), async () => {
    const { counts, rejected } = await importFrom('esco', realFolder('esco'))
    expect(rejected).toEqual([])
    expect(counts).toEqual([{ read: 13_485, written: 13_485, unchanged: 0, rejected: 0, skipped: 0 }])
    expect((await importFrom('esco', realFolder('esco'))).counts).toMatchObject([{ written: 0, unchanged: 13_485 }])
  })

  it.skipIf(!existsSync(published.onet))(
    nameOf('onet', 'of O*NET go in, all 35, each with three anchors'),
    async () => {
      const { rejected } = await importFrom('onet', realFolder('onet'))
      expect(rejected).toEqual([])
      const { skills, scales } = await everything()
      expect(skills).toHaveLength(35)
      expect(scales).toHaveLength(35)
      for (const { levels } of scales) {
        expect(levels.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
        expect(levels.flatMap(({ value, description }) => (description === null ? [] : value))).toEqual([2, 4, 6])
      }
    },
  )
})
