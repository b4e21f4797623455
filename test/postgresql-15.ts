import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { makeMemoryFolder } from './memory-folder.ts'

const programs = '/usr/lib/postgresql/15/bin'

/** Whether Debian's PostgreSQL 15 is installed, with pg_dump and pg_restore. */
export const hasPostgresql15 = ['initdb', 'pg_dump', 'pg_restore'].every((name) =>
  existsSync(path.join(programs, name)),
)

/** How to get what {@link hasPostgresql15} looks for. */
export const installPostgresql15 = 'apt-get install -y postgresql-15'

export type Postgresql15 = {
  /** The connection string of the owner, a superuser. */
  ownerUrlOf(database: string): string
  /** Runs one of its programs, such as pg_dump, to its end. Throws where it fails. */
  run(program: string, args: string[]): void
  /** The folder of its files. */
  data: string
  /** Stops the server with a checkpoint, starts it again where it is stopped, and leaves the files where they are. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

/**
 * Starts a fresh server of Debian's PostgreSQL 15 in a folder of its own. Whoever starts it stops it. `durable`: it writes
 * what it commits to disk before it answers, for tests of what is on disk.
 */
export async function startPostgresql15(options: { durable?: boolean } = {}): Promise<Postgresql15> {
  const folder = await makeMemoryFolder('lethe-postgresql-15-')
  const asRoot = process.getuid?.() === 0
  const data = path.join(folder, 'data')
  const asServer = (program: string, args: string[]) => {
    const command = path.join(programs, program)
    if (asRoot) requireSuccess('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', command, ...args])
    else requireSuccess(command, args)
  }
  try {
    const port = await freePort()
    if (asRoot) requireSuccess('chown', ['postgres', folder])
    asServer('initdb', ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8'])
    const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=${options.durable ? 'on' : 'off'} -c max_locks_per_transaction=256 -c max_connections=200`
    let running = false
    const resume = () => {
      if (!running) asServer('pg_ctl', ['start', '-w', '-D', data, '-l', path.join(folder, 'log'), '-o', settings])
      running = true
    }
    const pause = () => {
      if (running) asServer('pg_ctl', ['stop', '-w', '-m', 'fast', '-D', data])
      running = false
    }
    resume()
    return {
      data,
      pause,
      resume,
      ownerUrlOf: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
      run: (program, args) => requireSuccess(path.join(programs, program), args),
      async stop() {
        pause()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function requireSuccess(program: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
  if (status !== 0) {
    throw new Error(
      `${path.basename(program)} failed; ${installPostgresql15} brings PostgreSQL 15: ${error?.message ?? stderr}`,
    )
  }
}

function freePort(): Promise<number> {
  const server = net.createServer()
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
