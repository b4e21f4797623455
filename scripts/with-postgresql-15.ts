import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

// Runs a command with DATABASE_OWNER_URL naming a fresh server of Debian's PostgreSQL 15, which ends with the command.

const programs = '/usr/lib/postgresql/15/bin'
const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-postgresql-15-'))
const asRoot = process.getuid?.() === 0
try {
  const port = await freePort()
  await chmod(folder, 0o755)
  if (asRoot) requireSuccess('chown', ['postgres', folder])
  const data = path.join(folder, 'data')
  asServer(`${programs}/initdb`, ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8'])
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_locks_per_transaction=256`
  asServer(`${programs}/pg_ctl`, ['start', '-w', '-D', data, '-l', path.join(folder, 'log'), '-o', settings])
  try {
    process.exitCode = await run(process.argv.slice(2), `postgres://postgres@127.0.0.1:${port}/postgres`)
  } finally {
    asServer(`${programs}/pg_ctl`, ['stop', '-w', '-m', 'fast', '-D', data])
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

function run([command = 'true', ...args]: string[], url: string): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, DATABASE_OWNER_URL: url } })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

function asServer(program: string, args: string[]): void {
  if (asRoot) requireSuccess('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', program, ...args])
  else requireSuccess(program, args)
}

function requireSuccess(program: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
  if (status !== 0) {
    throw new Error(
      `${path.basename(program)} failed; apt-get install -y postgresql-15 brings it: ${error?.message ?? stderr}`,
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
