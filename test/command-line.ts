import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createTestDatabase } from './database.ts'
import { runCommand } from './run-command.ts'

/** The command line on a database of its own, with a folder for files. */
export type TestCommandLine = Awaited<ReturnType<typeof openTestCommandLine>>

/** Makes the database and the folder. Call `close` when the file's tests have run. */
export async function openTestCommandLine() {
  const test = await createTestDatabase()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-command-line-'))
  const environment = { DATABASE_URL: test.appUrl, LETHE_MASTER_KEY: test.database.masterKey.toString('base64') }
  const run = (...args: string[]) => runCommand(environment, args)
  return {
    ...test,
    folder,
    environment,
    run,
    /** The document of a command that works. */
    async json(...args: string[]) {
      const { code, stdout, stderr } = await run(...args, '--json')
      if (code !== 0) throw new Error(stderr)
      return JSON.parse(stdout)
    },
    /** The exit code and the error of a command that fails. */
    async failure(...args: string[]) {
      const { code: exit, stderr } = await run(...args, '--json')
      return { exit, ...JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error }
    },
    /** Writes a file into the folder. Returns its path. */
    async file(name: string, content: string): Promise<string> {
      const target = path.join(folder, name)
      await writeFile(target, content)
      return target
    },
    async close() {
      await test.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
