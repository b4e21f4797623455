import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

/** Whether the program that opens archives here, which is not ours, is there. */
export const unzipIsThere = spawnSync('unzip', ['-v']).error === undefined
export const installUnzip = 'apt-get install -y unzip'

/** The files of an archive, by their path in it, once `unzip` has found no fault with it. */
export async function unzipped(archive: string): Promise<Map<string, Buffer>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-unzip-'))
  try {
    for (const options of [
      ['-tq', archive],
      ['-q', archive, '-d', folder],
    ]) {
      const { status, stdout, stderr } = spawnSync('unzip', options, { encoding: 'utf8' })
      if (status !== 0) throw new Error(`unzip ended with ${status}: ${stdout}${stderr}`)
    }
    return await readFolder(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The files of a folder and its folders, by their path in it. */
export async function readFolder(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    files.set(path.relative(folder, file), await readFile(file))
  }
  return files
}
