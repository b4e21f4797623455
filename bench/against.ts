import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { formatTable, median, type Row } from './report.ts'

type Options = {
  /** Any name of an older commit that git knows. */
  commit: string
  /** Parts of the benchmark; none: all of them. */
  parts: readonly string[]
  /** How often each build runs. */
  rounds: number
  /** Today's tree. */
  project: string
  /** The folder of the OULAD data set. */
  oulad: string
}

/** The ratios of one row, by round. */
type Measured = { today: number[]; older: number[]; row: Row }

/**
 * Runs the benchmark of an older commit and today's in turn. Each runs in its own tree and process, with its own floor.
 * Prints for each row how many times as slow today's build is.
 *
 * Throws if git does not know the commit, or if a benchmark fails.
 */
export async function benchAgainst({ commit, parts, rounds, project, oulad }: Options): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-against-'))
  const tree = path.join(folder, 'tree')
  // A benchmark that root starts runs its server as another user, who needs the binaries in there.
  await chmod(folder, 0o755)
  try {
    await run('git', ['worktree', 'add', '--quiet', '--detach', tree, commit], project)
    await shareModules(project, tree)
    const measured = new Map<string, Measured>()
    const measure = async (build: 'today' | 'older') => {
      const of = build === 'today' ? project : tree
      // The scripts of the tree install its packages where they are missing. The tables go to standard error.
      await run(process.execPath, ['scripts/run.mjs', 'node', 'bench/main.ts', ...parts], of, { LETHE_OULAD: oulad })
      const { rows } = JSON.parse(await readFile(path.join(of, 'bench/results/latest.json'), 'utf8')) as { rows: Row[] }
      const times = new Map<string, number>()
      for (const row of rows) {
        // Some rows have the name of an earlier one, such as the memory during what stands above.
        const time = (times.get(row.what) ?? 0) + 1
        times.set(row.what, time)
        const key = `${row.what} ${time}`
        const known = measured.get(key) ?? { today: [], older: [], row }
        known[build].push(row.ratio)
        if (build === 'today') known.row = row
        measured.set(key, known)
      }
    }
    for (let round = 0; round < rounds; round++) {
      // The first one of a pair may find other caches than the second.
      const [first, second] = round % 2 === 0 ? (['older', 'today'] as const) : (['today', 'older'] as const)
      await measure(first)
      await measure(second)
    }
    process.stdout.write(`${formatTable(tableOf([...measured.values()], commit))}\n`)
  } finally {
    // Git forgets a worktree whose folder is gone.
    await rm(folder, { recursive: true, force: true })
    await run('git', ['worktree', 'prune'], project)
  }
}

/** The rows of the printed table, its head first. */
export function tableOf(measured: readonly Measured[], commit: string): string[][] {
  return [
    ['what', `ratio at ${commit}`, 'ratio today', 'times as slow'],
    ...measured.map(({ row, today, older }) => [
      row.what,
      older.length === 0 ? 'not measured' : shown(older),
      today.length === 0 ? 'not measured' : shown(today),
      today.length === 0 || older.length === 0 ? '' : timesAsSlow(row, median(today), median(older)).toFixed(2),
    ]),
  ]
}

/** Of most rows less is better: times, memory. */
function timesAsSlow({ better, target }: Row, today: number, older: number): number {
  const more = better === 'more' || target.startsWith('>=')
  return more ? older / today : today / older
}

function shown(ratios: number[]): string {
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)]
  const range = ratios.length === 1 ? '' : ` (${least.toFixed(2)} to ${most.toFixed(2)})`
  return `${median(ratios).toFixed(2)}${range}`
}

/** Where both trees name the same packages, the older one uses today's; otherwise it installs its own. */
async function shareModules(project: string, tree: string): Promise<void> {
  const [ours, theirs] = await Promise.all(
    [project, tree].map((of) => readFile(path.join(of, 'package-lock.json'), 'utf8')),
  )
  if (ours === theirs) await symlink(path.join(project, 'node_modules'), path.join(tree, 'node_modules'), 'junction')
}

async function run(command: string, args: string[], cwd: string, environment: NodeJS.ProcessEnv = {}): Promise<void> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', process.stderr, process.stderr],
  })
  // An interrupt reaches the child as well: it cleans up, ends, and then this process does.
  const wait = () => undefined
  process.on('SIGINT', wait)
  const end = () => child.kill('SIGTERM')
  process.on('SIGTERM', end)
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code, signal) => {
        if (code === 0) resolve()
        else reject(new Error(`${command} ${args.join(' ')} in ${cwd} ended with ${signal ?? code}`))
      })
    })
  } finally {
    process.off('SIGINT', wait)
    process.off('SIGTERM', end)
  }
}
