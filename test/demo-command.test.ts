import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isThorough } from './effort.ts'
import { makeMemoryFolder } from './memory-folder.ts'
import { runCommand } from './run-command.ts'

const pinnedNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const lethe = fileURLToPath(new URL('../bin/lethe.mjs', import.meta.url))

type Running = { child: ChildProcess; text: { stdout: string; stderr: string }; ended: Promise<number | null> }

let folder: string
let data: string
const started: Running[] = []
const environment = () => ({ LETHE_DATA: data })
beforeAll(async () => {
  folder = await makeMemoryFolder('lethe-demo-')
  data = path.join(folder, "it's data")
  // What runs in this process writes and reads its files there too.
  process.chdir(folder)
})
const cwd = process.cwd()
afterAll(async () => {
  process.chdir(cwd)
  for (const { child, ended } of started) {
    child.kill('SIGKILL')
    await ended
  }
  // Takes over what a killed process has left, and stops it.
  await start('tenant', 'list').ended
  await rm(folder, { recursive: true, force: true })
})

/** Starts a program as a terminal does: in a process group of its own, all of which gets Ctrl-C. */
function startProgram(program: string, args: string[], stdin: 'ignore' | 'pipe' = 'ignore'): Running {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DATABASE_|LETHE_)/.test(name)))
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    stdio: [stdin, 'pipe', 'pipe'],
    env: { ...env, LETHE_DATA: data },
  })
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const running = { child, text, ended }
  started.push(running)
  return running
}

const start = (...args: string[]) => startProgram(pinnedNode, [lethe, ...args])

async function finish({ text, ended }: Running) {
  return { code: await ended, ...text }
}

/** The document of a command that works; it runs in this process, which is faster. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await runCommand(environment(), [...args, '--json'])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

async function startDemo(): Promise<Running> {
  const demo = start('demo')
  for (;;) {
    if (demo.text.stderr.includes('Press Ctrl-C to stop')) return demo
    if (demo.child.exitCode !== null) throw new Error(demo.text.stderr)
    await Promise.race([demo.ended, new Promise((resolve) => setTimeout(resolve, 20))])
  }
}

/** The commands that the demo proposes, as they stand in its text. */
function proposedBy({ text }: Running): string[] {
  return text.stdout.split('\n').flatMap((line) => /^ {2}(npx --no-install lethe .*)$/.exec(line)?.[1] ?? [])
}

/** What a shell does with the command. The first ones run in processes of their own; others in this one, where one will do. */
async function paste(command: string, inProcess: boolean) {
  if (!inProcess || isThorough || /[|<>&;]/.test(command)) return await pasteInShell(command)
  const words = command.replace(/^npx --no-install lethe/, `printf '%s\\0'`)
  const { code, stdout } = await finish(startProgram('/bin/sh', ['-c', words]))
  if (code !== 0) throw new Error(`The shell does not take ${command}`)
  return await runCommand(environment(), stdout.split('\0').slice(0, -1))
}

function pasteInShell(command: string) {
  const here = `'${pinnedNode}' '${lethe}'`
  return finish(startProgram('/bin/sh', ['-c', command.replace(/^npx --no-install lethe/, () => here)]))
}

/** The same in a terminal, where a person answers the question with yes. What is printed comes as one text. */
async function pasteInTerminal(command: string) {
  const here = command.replace(/^npx --no-install lethe/, () => `'${pinnedNode}' '${lethe}'`)
  const running = startProgram('script', ['--quiet', '--return', '--flush', '--command', here, '/dev/null'], 'pipe')
  const asked = /\((\S+@\S+)\) cannot be undone\. Continue\? \[y\/N\]/
  while (!asked.test(running.text.stdout) && running.child.exitCode === null) {
    await Promise.race([running.ended, new Promise((resolve) => setTimeout(resolve, 20))])
  }
  const [, person] = asked.exec(running.text.stdout) ?? []
  running.child.stdin?.write('y\r')
  return { person, code: await running.ended, stdout: running.text.stdout.replaceAll('\r\n', '\n') }
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  )
}

describe('lethe demo', () => {
  let demo: Running

  it('starts a database, loads the demo and proposes commands that work as they stand', async () => {
    demo = await startDemo()
    expect(demo.text.stdout).toContain('Welcome to the Demo Academy')
    const commands = proposedBy(demo)
    expect(commands.length).toBeGreaterThanOrEqual(5)
    const codes: [string, number | null][] = []
    for (const command of commands) {
      // The one that cannot be undone asks first, by name: it has no --yes.
      const purges = / purge --email (\S+)$/.exec(command)
      expect(command).not.toContain('--yes')
      const answered = purges === null ? undefined : await pasteInTerminal(command)
      if (answered !== undefined) expect(answered.person).toBe(purges?.[1])
      const { code, stdout } = answered ?? (await paste(command, codes.length > 1))
      codes.push([command.replace(/^npx --no-install lethe( --data '.*?data')?/, '').trim(), code])
      if (command.includes('certificate verify')) expect(stdout).toMatch(/^Erased; no residual data found\.$/m)
      if (command.includes('erasure show')) expect(stdout).toMatch(/^state +completed$/m)
      if (command.includes('--directory-object-id')) expect(stdout).toMatch(/Other users also hold/)
    }
    // The two twins of one login name are the one thing that Lethe must not decide.
    expect(codes.filter(([, code]) => code !== 0)).toEqual([['preview --login sam.zwilling@example.org', 4]])
  }, 180_000)

  it('proposes a curl command that purges somebody and shows the certificate, and sign-ins that work', async () => {
    const [, curl = ''] = /^ {2}(curl .*)$/m.exec(demo.text.stdout) ?? []
    const { code, stdout, stderr } = await finish(startProgram('/bin/sh', ['-c', curl]))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    // The result of the search is among them where it came first.
    const [certificate] = JSON.parse(stdout).claims
    expect(certificate).toMatchObject({
      type: 'lethe.erasure_certificate',
      operation: 'purge',
      subjects: { total: 1, done: 1 },
    })
    const [, url = ''] = /listens at (http:\S+)\./.exec(demo.text.stdout) ?? []
    const [, password = ''] = /^ {2}password {2}(.*?) {3}/m.exec(demo.text.stdout) ?? []
    const logins = [...demo.text.stdout.matchAll(/^ {2}sign-in {3}(\S+)/gm)].map(([, login]) => login)
    expect(logins).toHaveLength(4)
    for (const login of logins) {
      const response = await fetch(`${url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ tenant: 'Demo Academy', login, password }),
      })
      expect(response.status).toBe(201)
    }
    expect((await fetch(`${url}/docs/`)).status).toBe(200)
  })

  it('refuses a second demo on its data folder and says which process has it', async () => {
    const { code, stdout, stderr } = await finish(start('demo'))
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' })
    expect(stderr).toBe(
      `lethe: The data folder ${data} is in use by process ${demo.child.pid}. Stop that process first, or name another folder with --data or LETHE_DATA.\n`,
    )
  })

  it('works on what others order', async () => {
    expect(await orderPurge()).toBe('completed')
  })

  it('starts again after kill -9 and finds everything in its place', async () => {
    const before = await json('user', 'list', '--state', 'all', '--limit', '1000')
    demo.child.kill('SIGKILL')
    await demo.ended
    demo = await startDemo()
    expect(demo.text.stdout).toContain('The Demo Academy already exists')
    expect(await json('user', 'list', '--state', 'all', '--limit', '1000')).toEqual(before)
    expect(await orderPurge()).toBe('completed')
  }, 180_000)

  it('stops its database at Ctrl-C, and exits 0', async () => {
    expect(await isThere(path.join(data, 'postgres', 'postmaster.pid'))).toBe(true)
    if (demo.child.pid === undefined) throw new Error('The demo did not start')
    process.kill(-demo.child.pid, 'SIGINT')
    expect(await demo.ended).toBe(0)
    expect(demo.text.stderr).toMatch(/Press Ctrl-C to stop\.\nStopping after .*\n$/)
    expect(await isThere(path.join(data, 'postgres', 'postmaster.pid'))).toBe(false)
    expect(await readdir(path.join(data, 'users'))).toEqual([])
  })

  it('ends after loading with --load-only, and names the tenant where there are several', async () => {
    await json('tenant', 'create', 'Another one')
    const { code, stdout, stderr } = await finish(start('demo', '--load-only'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`--tenant 'Demo Academy' preview`)
  })

  /** Orders a purge that the demo's own workers carry out. Returns the state in which it ended. */
  async function orderPurge(): Promise<string> {
    const { users } = await json('user', 'list', '--sort', 'deleted', '--limit', '1')
    const { request } = await json('purge', '--id', users[0].id, '--yes', '--no-wait')
    for (;;) {
      const { erasure } = await json('erasure', 'show', request)
      if (erasure.finishedAt !== null) return erasure.state
      // Each look takes the time that the demo's workers need.
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
})
