import { existsSync } from 'node:fs'
import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

/** Linux keeps these files in memory. What a killed process wrote is as safe there as on a disk. */
const memory = '/dev/shm'

/**
 * Makes a folder for the files of a server, in memory where there is a place for that. Its caller removes it. As root a
 * server runs as another user, who may enter.
 */
export async function makeMemoryFolder(prefix: string): Promise<string> {
  const folder = await realpath(await mkdtemp(path.join(existsSync(memory) ? memory : os.tmpdir(), prefix)))
  await chmod(folder, 0o755)
  return folder
}
