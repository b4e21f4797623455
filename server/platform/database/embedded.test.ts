import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { accessSync } from 'node:fs'
import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeMemoryFolder } from '../../../test/memory-folder.ts'
import { isAlive } from '../folder-lock.ts'
import { claimDataFolder, type EmbeddedServer, useEmbeddedServer } from './embedded.ts'

const module = new URL('./embedded.ts', import.meta.url).href
const isRoot = process.getuid?.() === 0

/** A folder with a database that was initialized and stopped; each test gets a copy of it. */
let model: string
let base: string
let dataFolder: string
let servers: EmbeddedServer[] = []
let children: ChildProcess[] = []

beforeAll(async () => {
  model = await makeBase()
  const server = await useEmbeddedServer({ dataFolder: path.join(model, 'data') })
  await server.release()
}, 120_000)

afterAll(async () => {
  await fs.rm(model, { recursive: true, force: true })
})

beforeEach(async () => {
  base = await makeBase()
  dataFolder = path.join(base, 'data')
  execFileSync('cp', ['-a', path.join(model, 'data'), dataFolder])
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map(ended))
  for (const server of servers) await server.release()
  // The last user stops whatever a failed test left running.
  const left = await readPostmaster()
  if (left !== undefined && isAlive({ pid: left, started: null })) {
    const last = await useEmbeddedServer({ dataFolder })
    await last.release()
  }
  children = []
  servers = []
  await fs.rm(base, { recursive: true, force: true })
}, 120_000)

describe('the embedded server', { timeout: 120_000 }, () => {
  it('creates the database at the first use, with an ordinary login and text in UTF-8', async () => {
    await fs.rm(dataFolder, { recursive: true })
    const sentences: string[] = []
    const server = await use({ onProgress: (sentence) => sentences.push(sentence) })
    expect(server.startedHere).toBe(true)
    expect(sentences).toEqual(['Creating the database (once, a few seconds).'])
    expect(isAlive({ pid: server.pid, started: null })).toBe(true)

    const [owner] = await query(
      server.ownerUrl,
      'select current_user, current_database(), rolsuper from pg_roles where rolname = current_user',
    )
    expect(owner).toEqual({ current_user: 'postgres', current_database: 'lethe', rolsuper: true })
    const [app] = await query(
      server.appUrl,
      `select current_user, current_database(), rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb, rolreplication
       from pg_roles where rolname = current_user`,
    )
    expect(app).toEqual({
      current_user: 'lethe_server',
      current_database: 'lethe',
      rolsuper: false,
      rolbypassrls: false,
      rolinherit: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
    })
    const [kept] = await query(
      server.ownerUrl,
      `select current_setting('server_encoding') as encoding, current_setting('data_checksums') as checksums,
              current_setting('fsync') as fsync, current_setting('timezone') as timezone,
              current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
              (select datlocprovider::text || ' ' || datlocale from pg_database where datname = 'lethe') as locale`,
    )
    expect(kept).toEqual({
      encoding: 'UTF8',
      checksums: 'on',
      fsync: 'on',
      timezone: 'UTC',
      addresses: '127.0.0.1',
      sockets: '',
      locale: 'b C.UTF-8',
    })
    const left = (await fs.readdir(dataFolder)).sort()
    expect(left).toEqual(['embedded.json', 'locks', 'postgres', 'postgres.log', 'users'])
    if (process.platform !== 'win32') {
      expect((await fs.stat(path.join(dataFolder, 'embedded.json'))).mode & 0o777).toBe(0o600)
      expect((await fs.stat(path.join(dataFolder, 'postgres.log'))).mode & 0o777).toBe(0o600)
    }
  })

  it('refuses a login with a wrong password', async () => {
    const server = await use()
    const url = new URL(server.appUrl)
    url.password = 'wrong'
    await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  it('keeps port, passwords and data from one use to the next', async () => {
    const first = await use()
    await query(first.ownerUrl, 'create table kept as select 42 as n')
    await first.release()
    const second = await use()
    expect(second.startedHere).toBe(true)
    expect(second.ownerUrl).toBe(first.ownerUrl)
    expect(second.appUrl).toBe(first.appUrl)
    expect(await query(second.ownerUrl, 'select n from kept')).toEqual([{ n: 42 }])
  })

  it('is joined by later users and stopped by the last one', async () => {
    const first = await use()
    const second = await use()
    expect(second.startedHere).toBe(false)
    expect(second.pid).toBe(first.pid)
    await first.release()
    expect(await query(second.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await first.release()
    expect(await query(second.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await second.release()
    expect(isAlive({ pid: second.pid, started: null })).toBe(false)
    expect(await readPostmaster()).toBeUndefined()
  })

  it('is started once when several processes and calls want it at the same moment, and outlives each but the last', async () => {
    const [others, own] = await Promise.all([
      Promise.all([useInChild(), useInChild(), useInChild()]),
      Promise.all([use(), use()]),
    ])
    const all = [...others, ...own]
    expect(new Set(all.map((server) => server.pid)).size).toBe(1)
    expect(all.filter((server) => server.startedHere).length).toBe(1)
    for (const server of own) await server.release()
    for (const other of others) {
      expect(isAlive({ pid: other.pid, started: null })).toBe(true)
      other.child.kill('SIGTERM')
      expect(await ended(other.child)).toBe(0)
    }
    expect(await readPostmaster()).toBeUndefined()
  })

  it('survives uses that start and end at random from several processes', async () => {
    const script = `
      import pg from 'pg'
      const { useEmbeddedServer } = await import(${JSON.stringify(module)})
      for (let n = 0; n < 4; n++) {
        const server = await useEmbeddedServer({ dataFolder: ${JSON.stringify(dataFolder)} })
        const client = new pg.Client({ connectionString: server.appUrl })
        await client.connect()
        await client.query('select 1')
        await client.end()
        await server.release()
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
      }`
    const ends = await Promise.all([1, 2, 3].map(() => ended(runScript(script))))
    expect(ends).toEqual([0, 0, 0])
    expect(await readPostmaster()).toBeUndefined()
  })

  it('keeps running when its user is killed, and the next user joins and stops it', async () => {
    const child = await useInChild()
    child.child.kill('SIGKILL')
    await ended(child.child)
    const next = await use()
    expect(next.startedHere).toBe(false)
    expect(next.pid).toBe(child.pid)
    expect(await query(next.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await next.release()
    expect(isAlive({ pid: next.pid, started: null })).toBe(false)
  })

  it('recovers with all committed data after PostgreSQL and its user were killed', async () => {
    const child = await useInChild()
    await query(child.ownerUrl, 'create table kept as select 42 as n')
    child.child.kill('SIGKILL')
    process.kill(child.pid, 'SIGKILL')
    await ended(child.child)
    const next = await use()
    expect(next.startedHere).toBe(true)
    expect(next.pid).not.toBe(child.pid)
    expect(await query(next.ownerUrl, 'select n from kept')).toEqual([{ n: 42 }])
  })

  it.skipIf(process.platform !== 'linux')(
    'starts after a crash of the machine, when its old pid belongs to another program',
    async () => {
      const { uid, gid } = await fs.stat(path.join(dataFolder, 'postgres'))
      const stranger = spawn('sleep', ['600'], { uid, gid, stdio: 'ignore' })
      children.push(stranger)
      const pidFile = path.join(dataFolder, 'postgres', 'postmaster.pid')
      const write = async (since: number) => {
        await fs.writeFile(pidFile, `${stranger.pid}\n${path.dirname(pidFile)}\n${since}\n1\n\n127.0.0.1\n`)
        await fs.chown(pidFile, uid, gid)
        await fs.chmod(pidFile, 0o600)
      }
      await write(Math.round(Date.now() / 1000))
      await expect(use()).rejects.toMatchObject({
        code: 'embedded.failed',
        message: expect.stringContaining('postmaster.pid'),
      })
      await write(1)
      const server = await use()
      expect(server.startedHere).toBe(true)
      await server.release()
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
    },
  )

  it('can be released after PostgreSQL was killed', async () => {
    const server = await use()
    process.kill(server.pid, 'SIGKILL')
    await server.release()
    const next = await use()
    expect(next.startedHere).toBe(true)
  })

  it('starts anew when a process is killed in the middle of the first start', async () => {
    await fs.rm(dataFolder, { recursive: true })
    const child = runScript(`
      const { useEmbeddedServer } = await import(${JSON.stringify(module)})
      await useEmbeddedServer({ dataFolder: ${JSON.stringify(dataFolder)} })`)
    await until(async () =>
      (await fs.readdir(dataFolder).catch(() => [])).some((name) => name.startsWith('postgres.init-')),
    )
    child.kill('SIGKILL')
    await ended(child)
    const server = await use()
    expect(server.startedHere).toBe(true)
    expect(await query(server.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    expect((await fs.readdir(dataFolder)).filter((name) => name.startsWith('postgres.init-'))).toEqual([])
  })

  it.skipIf(process.platform === 'win32')(
    'lets the caller finish in order when Ctrl-C reaches the whole process group',
    async () => {
      const child = runScript(
        `
      import pg from 'pg'
      const { useEmbeddedServer } = await import(${JSON.stringify(module)})
      const server = await useEmbeddedServer({ dataFolder: ${JSON.stringify(dataFolder)} })
      const hold = setInterval(() => undefined, 1000)
      process.on('SIGINT', async () => {
        await new Promise((resolve) => setTimeout(resolve, 300))
        const client = new pg.Client({ connectionString: server.ownerUrl })
        await client.connect()
        await client.query('create table finished as select 1 as n')
        await client.end()
        await server.release()
        clearInterval(hold)
      })
      console.log(JSON.stringify({ ...server }))`,
        { detached: true },
      )
      await firstLine(child)
      process.kill(-Number(child.pid), 'SIGINT')
      expect(await ended(child)).toBe(0)
      expect(await readPostmaster()).toBeUndefined()
      const next = await use()
      expect(await query(next.ownerUrl, 'select n from finished')).toEqual([{ n: 1 }])
    },
  )

  it('moves to another port, and keeps that one, when its port is taken', async () => {
    const first = await use()
    await first.release()
    const port = Number(new URL(first.ownerUrl).port)
    const squatter = net.createServer()
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve))
    const moved = await use()
    expect(new URL(moved.ownerUrl).port).not.toBe(String(port))
    expect(await query(moved.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await moved.release()
    await new Promise((resolve) => squatter.close(resolve))
    const again = await use()
    expect(again.ownerUrl).toBe(moved.ownerUrl)
  })

  it('is started again by one of those who keep it running, and the others join it', async () => {
    const users = await Promise.all([use(), use(), use()])
    const back: string[][] = users.map(() => [])
    const lost = users.map(() => 0)
    for (const [index, user] of users.entries()) {
      user.keepRunning({
        onLost: () => {
          lost[index] = (lost[index] ?? 0) + 1
        },
        onFailure: () => undefined,
        onBack: (url) => back[index]?.push(url),
      })
    }
    for (let round = 1; round <= 2; round++) {
      const killed = await readPostmaster()
      process.kill(killed ?? 0, 'SIGKILL')
      await until(async () => back.every((urls) => urls.length === round))
      expect(await readPostmaster()).not.toBe(killed)
      for (const urls of back) expect(await query(urls.at(-1) ?? '', 'select 1 as n')).toEqual([{ n: 1 }])
    }
    expect(lost).toEqual([2, 2, 2])
    for (const user of users) await user.release()
    expect(await readPostmaster()).toBe(undefined)
  })

  it('is started again on another port where its own was taken meanwhile, and everybody hears where', async () => {
    const server = await use()
    const heard: string[] = []
    const failures: unknown[] = []
    const lost = Promise.withResolvers<void>()
    server.keepRunning({
      onLost: () => lost.resolve(),
      onFailure: (error) => failures.push(error),
      onBack: (url) => heard.push(url),
    })
    const port = Number(new URL(server.appUrl).port)
    process.kill(server.pid, 'SIGKILL')
    let squatter = net.createServer()
    await until(async () => {
      squatter = net.createServer()
      return await new Promise<boolean>((resolve) => {
        squatter.once('error', () => resolve(false))
        squatter.listen(port, '127.0.0.1', () => resolve(true))
      })
    })
    await lost.promise
    await until(async () => heard.length === 1)
    await new Promise((resolve) => squatter.close(resolve))
    expect(new URL(heard[0] ?? '').port).not.toBe(String(port))
    expect(await query(heard[0] ?? '', 'select 1 as n')).toEqual([{ n: 1 }])
  })

  it('is tried again and again where it cannot be started, until it can', async () => {
    const server = await use()
    const events: string[] = []
    server.keepRunning({
      onLost: () => events.push('lost'),
      onFailure: () => events.push('failure'),
      onBack: () => events.push('back'),
    })
    const control = path.join(dataFolder, 'postgres', 'global', 'pg_control')
    const aside = path.join(dataFolder, 'pg_control')
    process.kill(server.pid, 'SIGKILL')
    await fs.rename(control, aside)
    await until(async () => events.length >= 3)
    await fs.rename(aside, control)
    await until(async () => events.at(-1) === 'back')
    expect(events.slice(0, 3)).toEqual(['lost', 'failure', 'failure'])
  })

  it('writes no value of a row, a statement or a parameter into its log', async () => {
    const server = await use()
    await query(server.ownerUrl, 'create table people (email text primary key)')
    await query(server.ownerUrl, "insert into people values ('canary-row@example.org')")
    await expect(
      query(server.ownerUrl, 'insert into people values ($1)', ['canary-row@example.org']),
    ).rejects.toMatchObject({
      code: '23505',
      detail: expect.stringContaining('canary-row'),
    })
    await expect(query(server.ownerUrl, "select 'canary-cast'::int")).rejects.toThrow('canary-cast')
    await expect(query(server.ownerUrl, 'select $1::text::uuid', ['canary-parameter'])).rejects.toThrow(
      'canary-parameter',
    )
    await expect(query(server.ownerUrl, 'select canary_syntax from')).rejects.toThrow()
    await query(server.ownerUrl, "do $$ begin raise warning 'canary-warning'; raise log 'said so'; end $$")
    await expect(
      query(server.ownerUrl, "do $$ begin raise exception 'canary-raise' using detail = 'canary-detail'; end $$"),
    ).rejects.toThrow('canary-raise')
    // A statement whose process crashes is named in the detail of what PostgreSQL says of that process.
    const victim = new pg.Client({ connectionString: server.ownerUrl })
    victim.on('error', () => undefined)
    await victim.connect()
    const [{ pid = 0 } = {}] = (await victim.query<{ pid: number }>('select pg_backend_pid() as pid')).rows
    const crashed = expect(victim.query("select pg_sleep(60), 'canary-crash'")).rejects.toThrow()
    await until(
      async () =>
        (
          await query(server.ownerUrl, 'select 1 from pg_stat_activity where pid = $1 and wait_event = $2', [
            pid,
            'PgSleep',
          ])
        ).length === 1,
    )
    process.kill(pid, 'SIGKILL')
    await crashed
    // The server may still answer before it has noticed.
    const readLog = () => fs.readFile(path.join(dataFolder, 'postgres.log'), 'utf8')
    await until(async () => /terminated by signal 9[\s\S]*ready to accept connections/.test(await readLog()))

    const log = await readLog()
    expect(log).toContain('ready to accept connections')
    expect(log).toContain('said so')
    expect(log).toContain('terminated by signal 9')
    expect(log.toLowerCase()).not.toContain('canary')
  })

  it('keeps its keys and passwords out of the environment and the arguments of PostgreSQL', async () => {
    if (process.platform !== 'linux') return
    process.env.LETHE_MASTER_KEY = 'canary-master-key'
    try {
      const server = await use()
      const environment = await fs.readFile(`/proc/${server.pid}/environ`, 'utf8')
      const args = await fs.readFile(`/proc/${server.pid}/cmdline`, 'utf8')
      expect(environment).toContain('PATH=')
      expect(environment).not.toContain('canary')
      expect(args).not.toContain(new URL(server.ownerUrl).password)
    } finally {
      delete process.env.LETHE_MASTER_KEY
    }
  })

  it('is not started on a folder of another major version', async () => {
    await fs.writeFile(path.join(dataFolder, 'postgres', 'PG_VERSION'), '17\n')
    await expect(use()).rejects.toMatchObject({
      code: 'embedded.other_version',
      details: { folder: dataFolder, found: '17', brought: '18' },
    })
    expect(await readPostmaster()).toBeUndefined()
  })

  it('says why PostgreSQL did not start, and lets the next try have its turn', async () => {
    const file = path.join(dataFolder, 'postgres', 'postgresql.conf')
    const before = await fs.readFile(file, 'utf8')
    await fs.writeFile(file, `${before}\nno_such_setting = 1\n`)
    await expect(use()).rejects.toMatchObject({
      code: 'embedded.failed',
      message: expect.stringContaining('configuration file'),
    })
    await fs.writeFile(file, before)
    expect((await use()).startedHere).toBe(true)
  })

  it('refuses a database whose passwords are gone, and says so', async () => {
    await fs.rm(path.join(dataFolder, 'embedded.json'))
    await expect(use()).rejects.toMatchObject({
      code: 'data_folder.unusable',
      message: expect.stringContaining('embedded.json, which holds the passwords of its database, is missing'),
    })
  })

  it('refuses a data folder that is a file, and a path that a shell would read as a command', async () => {
    await fs.writeFile(path.join(base, 'file'), '')
    await expect(useEmbeddedServer({ dataFolder: path.join(base, 'file') })).rejects.toMatchObject({
      code: 'data_folder.unusable',
    })
    const code = { code: 'data_folder.unusable' }
    await expect(useEmbeddedServer({ dataFolder: path.join(base, '$(id)') })).rejects.toMatchObject(code)
  })

  it('works in a folder whose long path holds spaces and letters beyond ASCII', async () => {
    const moved = path.join(base, `ein Ordner mit Übermaß ${'x'.repeat(120)}`, 'data')
    await fs.mkdir(path.dirname(moved))
    await fs.rename(dataFolder, moved)
    dataFolder = moved
    const server = await use()
    expect(await query(server.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  it.runIf(isRoot)(
    'runs as an ordinary user when started by root, and refuses a folder that user may not reach',
    async () => {
      const server = await use()
      expect((await fs.stat(`/proc/${server.pid}`)).uid).not.toBe(0)
      await server.release()
      await fs.chmod(base, 0o700)
      await expect(use()).rejects.toMatchObject({
        code: 'data_folder.unusable',
        message: expect.stringContaining(`which may not enter ${base}`),
      })
      await fs.chmod(base, 0o755)
    },
  )

  it.runIf(isRoot && process.platform === 'linux')(
    'works for a user who is not root, and for root after that',
    async ({ skip }) => {
      const uid = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }))
      const gid = Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' }))
      skip(!mayRun(uid, gid), 'this checkout cannot be read by another user')
      await fs.rm(dataFolder, { recursive: true })
      await fs.chown(base, uid, gid)
      const child = await useInChild({ uid, gid })
      expect((await fs.stat(`/proc/${child.pid}`)).uid).toBe(uid)
      const joined = await use()
      expect(joined.pid).toBe(child.pid)
      expect(await query(joined.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
      await joined.release()
      child.child.kill('SIGTERM')
      expect(await ended(child.child)).toBe(0)
      expect(await readPostmaster()).toBeUndefined()

      const own = await use()
      expect((await fs.stat(`/proc/${own.pid}`)).uid).toBe(uid)
      await own.release()
      const again = await useInChild({ uid, gid })
      expect(again.startedHere).toBe(true)
      again.child.kill('SIGTERM')
      expect(await ended(again.child)).toBe(0)
    },
  )
})

describe('the claim of a data folder', { timeout: 60_000 }, () => {
  it('refuses a second start on a data folder in use and names the process', async () => {
    const claim = await claimDataFolder(dataFolder, 'serve')
    await expect(claimDataFolder(dataFolder, 'demo')).rejects.toMatchObject({
      code: 'data_folder.in_use',
      details: { folder: dataFolder, pid: process.pid },
    })
    await claim.release()
    const next = await claimDataFolder(dataFolder, 'demo')
    await next.release()
  })

  it('is refused across processes, and taken over from one that was killed', async () => {
    const child = runScript(`
      const { claimDataFolder } = await import(${JSON.stringify(module)})
      await claimDataFolder(${JSON.stringify(dataFolder)}, 'serve')
      console.log('{}')
      setInterval(() => undefined, 1000)`)
    await firstLine(child)
    await expect(claimDataFolder(dataFolder, 'serve')).rejects.toMatchObject({
      code: 'data_folder.in_use',
      details: { folder: dataFolder, pid: child.pid },
    })
    child.kill('SIGKILL')
    await ended(child)
    const claim = await claimDataFolder(dataFolder, 'serve')
    await claim.release()
  })

  it('does not hinder the use of the server by others', async () => {
    const claim = await claimDataFolder(dataFolder, 'serve')
    const server = await use()
    expect(await query(server.appUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await claim.release()
  })
})

async function use(options: { onProgress?: (sentence: string) => void } = {}): Promise<EmbeddedServer> {
  const server = await useEmbeddedServer({ dataFolder, ...options })
  servers.push(server)
  return server
}

type ServerOfChild = Omit<EmbeddedServer, 'release'> & { child: ChildProcess }

/** Lets another process use the server until SIGTERM, which makes it release and end. */
async function useInChild(as: { uid?: number; gid?: number } = {}): Promise<ServerOfChild> {
  const child = runScript(
    `
    const { useEmbeddedServer } = await import(${JSON.stringify(module)})
    const hold = setInterval(() => undefined, 1000)
    const server = await useEmbeddedServer({ dataFolder: ${JSON.stringify(dataFolder)} })
    process.on('SIGTERM', async () => {
      await server.release()
      clearInterval(hold)
    })
    console.log(JSON.stringify({ ...server }))`,
    as,
  )
  return { ...JSON.parse(await firstLine(child)), child }
}

function runScript(script: string, options: { uid?: number; gid?: number; detached?: boolean } = {}): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    ...options,
  })
  children.push(child)
  return child
}

function mayRun(uid: number, gid: number): boolean {
  accessSync(process.execPath)
  try {
    execFileSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(module)})`], {
      uid,
      gid,
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  return await new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      text += more
      const [line, rest] = text.split('\n', 2)
      if (line !== undefined && rest !== undefined) resolve(line)
    })
    child.on('close', () => reject(new Error('the process ended without a line')))
  })
}

async function ended(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve))
  return child.signalCode ?? child.exitCode
}

async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function query(url: string, sql: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}

async function readPostmaster(): Promise<number | undefined> {
  try {
    return Number.parseInt(await fs.readFile(path.join(dataFolder, 'postgres', 'postmaster.pid'), 'utf8'), 10)
  } catch {
    return undefined
  }
}

function makeBase(): Promise<string> {
  return makeMemoryFolder('lethe-embedded-')
}
