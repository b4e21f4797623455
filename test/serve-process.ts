import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const lethe = fileURLToPath(new URL('../bin/lethe.mjs', import.meta.url))
const pinnedNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))

/** `lethe serve` in a process of its own. */
export type ServeProcess = {
  url: string
  child: ChildProcess
  /** Everything that it said on standard error. */
  said(): string
  running(): boolean
  /** Resolves with the exit code, or the signal that ended it. */
  ended: Promise<number | string | null>
}

function environmentOf(environment: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(DATABASE_|LETHE_)/.test(name))
  return { ...Object.fromEntries(kept), ...environment }
}

/** Starts it, on any free port, and resolves when it answers. Throws where it ends before. */
export async function startServe(environment: Record<string, string>, port = 0): Promise<ServeProcess> {
  const child = spawn(pinnedNode, [lethe, 'serve', '--port', String(port)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environmentOf(environment),
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = once(child, 'close').then(([code, signal]) => (code as number | null) ?? (signal as string))
  for (;;) {
    const url = /Listening at (http:\S+);/.exec(said)?.[1]
    if (url !== undefined) {
      const running = () => child.exitCode === null && child.signalCode === null
      return { url, child, said: () => said, running, ended }
    }
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(said)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Runs a command, and answers what it printed with `--json`. */
export async function command<T>(environment: Record<string, string>, ...args: string[]): Promise<T> {
  const child = spawn(pinnedNode, [lethe, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(environment),
  })
  const texts = ['', '']
  for (const [index, stream] of [child.stdout, child.stderr].entries()) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      texts[index] += text
    })
  }
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(texts[1])
  return JSON.parse(texts[0] ?? '') as T
}

/** The pid of the embedded server's first process; undefined while there is none. */
export async function postmasterOf(dataFolder: string): Promise<number | undefined> {
  const content = await readFile(path.join(dataFolder, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Math.abs(Number.parseInt(content, 10))
  return Number.isNaN(pid) ? undefined : pid
}

/** The owner's connection string of an embedded server, as it is now. */
export async function ownerUrlOf(dataFolder: string): Promise<string> {
  const { port, ownerPassword } = JSON.parse(await readFile(path.join(dataFolder, 'embedded.json'), 'utf8'))
  return `postgresql://postgres:${ownerPassword}@127.0.0.1:${port}/lethe`
}
