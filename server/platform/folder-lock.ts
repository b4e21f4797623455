import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'

/** A process as it can be recognized later: a pid alone may have passed to another process meanwhile. */
export type ProcessMark = {
  pid: number
  /** When it started, in words of the operating system; null where that is not cheap to know. */
  started: string | null
}

/** Who holds a lock, and what for. */
export type LockHolder = ProcessMark & { purpose: string }

export type FolderLock = { release(): Promise<void> }

/** The mark of this process. */
export function markThisProcess(): ProcessMark {
  return markOf(process.pid)
}

/** The mark of the process that has this pid now. */
export function markOf(pid: number): ProcessMark {
  return { pid, started: readProcess(pid)?.started ?? null }
}

/** Tells whether the process of this mark still lives. One that has ended but was not reaped counts as dead. */
export function isAlive(mark: ProcessMark): boolean {
  try {
    process.kill(mark.pid, 0)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
    if (errorCode(error) !== 'EPERM') throw error
  }
  const found = readProcess(mark.pid)
  if (found === undefined) return true
  return !found.ended && (mark.started === null || mark.started === found.started)
}

/**
 * Takes the lock `name` of a folder if no living process holds it; otherwise answers with the holder. The lock of a
 * process that died is taken over.
 *
 * A lock is a row of files name.1, name.2, ... of which the highest counts. Whoever takes it creates the next one,
 * which only one process can do. The highest is never removed; a release only empties it. So a process cannot mistake a
 * new lock for the stale one that it saw a moment ago.
 */
export async function tryLockFolder(options: {
  folder: string
  name: string
  purpose: string
}): Promise<{ lock: FolderLock } | { heldBy: LockHolder }> {
  const locks = path.join(options.folder, 'locks')
  await fs.mkdir(locks, { recursive: true })
  const fileOf = (generation: number) => path.join(locks, `${options.name}.${generation}`)
  const holder: LockHolder = { ...markThisProcess(), purpose: options.purpose }

  for (;;) {
    const highest = (await listGenerations(locks, options.name)).at(-1) ?? 0
    if (highest > 0) {
      const current = await readHolder(fileOf(highest))
      if (current !== undefined && isAlive(current)) return { heldBy: current }
    }
    const mine = highest + 1
    if (!(await createWhole(fileOf(mine), JSON.stringify(holder)))) continue
    const generations = await listGenerations(locks, options.name)
    if (generations.at(-1) !== mine) {
      await fs.rm(fileOf(mine), { force: true })
      continue
    }
    // Some old ones stay, so that a listing that runs at this moment cannot miss all of them.
    for (const old of generations.filter((generation) => generation < mine - 8))
      await fs.rm(fileOf(old), { force: true })
    return {
      lock: {
        // Without content nobody holds it. A full disk has no room for another one.
        release: () => fs.truncate(fileOf(mine)),
      },
    }
  }
}

/** Takes the lock `name` of a folder and waits while a living process holds it; `onWait` is called once with the holder. */
export async function lockFolder(options: {
  folder: string
  name: string
  purpose: string
  onWait?: (holder: LockHolder) => void
}): Promise<FolderLock> {
  for (let tries = 0; ; tries++) {
    const taken = await tryLockFolder(options)
    if ('lock' in taken) return taken.lock
    if (tries === 20) options.onWait?.(taken.heldBy)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Reads a file that holds a process mark; undefined when it is gone or holds none (a crash of the machine left it so). */
export async function readMark(file: string): Promise<ProcessMark | undefined> {
  const content = await fs.readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  })
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return undefined
  const { pid, started } = value
  if (typeof pid !== 'number' || (typeof started !== 'string' && started !== null)) return undefined
  return { ...value, pid, started }
}

async function readHolder(file: string): Promise<LockHolder | undefined> {
  const mark = await readMark(file)
  if (mark === undefined) return undefined
  return { ...mark, purpose: 'purpose' in mark && typeof mark.purpose === 'string' ? mark.purpose : '' }
}

async function listGenerations(locks: string, name: string): Promise<number[]> {
  return (await fs.readdir(locks))
    .filter((entry) => entry.startsWith(`${name}.`))
    .map((entry) => entry.slice(name.length + 1))
    .filter((rest) => /^\d+$/.test(rest))
    .map(Number)
    .sort((a, b) => a - b)
}

/** Creates a file with its content in one step; false when it exists. A reader never sees it half written. */
async function createWhole(file: string, content: string): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await fs.writeFile(draft, content, { mode: 0o644 })
  try {
    // The mask of a root login must not hide from an ordinary one who holds the lock.
    await fs.chmod(draft, 0o644)
    await fs.link(draft, file)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await fs.rm(draft, { force: true })
  }
}

/** What /proc tells about a process; undefined where there is no /proc, or it hides the process. */
function readProcess(pid: number): { ended: boolean; started: string } | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // The command's name stands in parentheses and may hold anything; the fields after it start with the third.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state = ''] = fields
    return { ended: state === 'Z' || state === 'X', started: `${boot}/${fields[22 - 3] ?? ''}` }
  } catch {
    return undefined
  }
}

/** The operating system's code of an error, as in `ENOENT`; undefined when it has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
