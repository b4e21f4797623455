import { spawn } from 'node:child_process'
import { startPostgresql15 } from '../test/postgresql-15.ts'

// Runs a command with DATABASE_OWNER_URL naming a fresh server of Debian's PostgreSQL 15, which ends with the command.

const server = await startPostgresql15()
try {
  process.exitCode = await run(process.argv.slice(2), server.ownerUrlOf('postgres'))
} finally {
  await server.stop()
}

function run([command = 'true', ...args]: string[], url: string): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, DATABASE_OWNER_URL: url } })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
