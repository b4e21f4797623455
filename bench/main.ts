import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { useEmbeddedServer } from '../server/platform/database/embedded.ts'
import { requireWholeNumber } from '../server/platform/validation/require-number.ts'
import { benchAgainst } from './against.ts'
import { benchAudit } from './audit.ts'
import { benchCleanup } from './cleanup.ts'
import { loadDatabase, type Place } from './databases.ts'
import { benchDeleteByRef } from './delete-by-ref.ts'
import { benchDeliveries } from './deliveries.ts'
import { benchDrivers } from './drivers.ts'
import { benchHttp } from './http.ts'
import { benchImportOulad } from './import-oulad.ts'
import { writePlans } from './plans.ts'
import {
  manyRows,
  measureManyInTurn,
  measurePlannedPurge,
  measurePurgeOne,
  plannedPurgeRow,
  purgeOneRow,
} from './purge.ts'
import { mebibytes, milliseconds, printTable, type Row } from './report.ts'
import { isSmoke } from './size.ts'
import { benchSkills } from './skills.ts'
import { benchSweep } from './sweep.ts'
import { benchFilters, benchTenFold } from './ten-fold.ts'

// Measures the promises of speed as ratios to a hand-written floor in the same run, on the real data of OULAD.
// Arguments choose: import, http, skills, audit, one, many, cleanup, anonymize, delete-by-ref, sweep, deliveries, tenfold;
// filters, the part of tenfold that takes no quarter of an hour; and plans, which writes docs/plans.md. "--against COMMIT" runs
// the benchmark of an older commit and this one in turn, "--rounds N" times each, and prints how many times as slow this one is.

const project = fileURLToPath(new URL('..', import.meta.url))
const oulad = process.env.LETHE_OULAD || path.join(project, '..', 'shared', 'data', 'oulad')
if (!existsSync(path.join(oulad, 'studentInfo.csv'))) {
  process.stderr.write(`The OULAD data set is not in ${oulad}. Set LETHE_OULAD to its folder.\n`)
  process.exit(2)
}
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { against: { type: 'string' }, rounds: { type: 'string', default: '3' } },
})
if (values.against !== undefined) {
  const rounds = requireWholeNumber('--rounds', Number(values.rounds), { from: 1, to: 100 })
  await benchAgainst({ commit: values.against, parts: positionals, rounds, project, oulad })
  process.exit(0)
}
const only = new Set(positionals)
const wanted = (name: string) => only.size === 0 || only.has(name)

const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-bench-'))
await chmod(folder, 0o711)
const server = await useEmbeddedServer({ dataFolder: folder })
const rows: Row[] = []
try {
  const place: Place = {
    ownerUrl: server.ownerUrl,
    appUrl: server.appUrl,
    oulad,
    log: (line) => process.stderr.write(`${line}\n`),
  }
  if (wanted('import')) rows.push(...(await importRows(place)))
  if (wanted('http')) rows.push(...(await benchHttp(place)))
  if (wanted('skills')) rows.push(...(await benchSkills(place)))
  if (wanted('audit')) rows.push(...(await benchAudit(place)))
  if (
    ['one', 'many', 'cleanup', 'anonymize', 'delete-by-ref', 'sweep', 'deliveries', 'tenfold'].some(wanted) ||
    only.has('filters') ||
    only.has('drivers') ||
    only.has('plans')
  ) {
    const loaded = await loadDatabase(place)
    if (wanted('one') || wanted('tenfold')) rows.push(purgeOneRow(await measurePurgeOne(loaded)))
    if (wanted('one')) rows.push(plannedPurgeRow(await measurePlannedPurge(loaded)))
    if (wanted('many') || wanted('tenfold')) rows.push(...manyRows('purge', await measureManyInTurn(loaded, 'purge')))
    if (wanted('cleanup')) rows.push(...(await benchCleanup(loaded)))
    if (wanted('anonymize')) rows.push(...manyRows('anonymize', await measureManyInTurn(loaded, 'anonymize')))
    if (wanted('delete-by-ref')) rows.push(...(await benchDeleteByRef(loaded)))
    if (wanted('sweep')) rows.push(...(await benchSweep(loaded)))
    if (wanted('deliveries')) rows.push(...(await benchDeliveries(loaded)))
    if (wanted('tenfold')) rows.push(...(await benchTenFold(loaded)))
    if (only.has('filters')) rows.push(...(await benchFilters(loaded)))
    if (only.has('drivers')) rows.push(...(await benchDrivers(loaded)))
    if (only.has('plans')) await writePlans(loaded)
  }
  printTable(rows)
  const results = path.join(project, 'bench', 'results')
  await mkdir(results, { recursive: true })
  await writeFile(
    path.join(results, isSmoke ? 'smoke.json' : 'latest.json'),
    `${JSON.stringify({ at: new Date(), rows }, null, 2)}\n`,
  )
} finally {
  await server.release()
  await rm(folder, { recursive: true, force: true })
}

async function importRows(place: Place): Promise<Row[]> {
  const measured = await benchImportOulad({ serverUrl: place.ownerUrl, loginUrl: place.appUrl, folder: place.oulad })
  place.log(`the importing process held ${mebibytes(measured.peak_memory)} at most`)
  return [
    {
      what: `import of ${measured.rows.toLocaleString('en-US')} rows`,
      floor: milliseconds(measured.floor_ms),
      ours: milliseconds(measured.ours_ms),
      ratio: measured.ratio,
      target: '<= 2',
      met: measured.ratio <= 2,
    },
  ]
}
