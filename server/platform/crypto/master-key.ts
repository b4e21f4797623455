import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { codeOf } from '../database/pool.ts'
import { masterKeyError } from './errors.ts'
import { newKey } from './seal.ts'

/**
 * The master key: 32 bytes that wrap every other key. From the configuration; with the embedded server, from a file of
 * the data folder, made on first use and readable by its owner only.
 *
 * Throws `master_key.invalid`, `master_key.missing`.
 */
export async function readMasterKey(options: {
  configured: string | undefined
  /** Folder of the embedded server; undefined with a server of one's own, which needs a configured key. */
  dataFolder: string | undefined
}): Promise<Buffer> {
  if (options.configured !== undefined) return decode(options.configured)
  if (options.dataFolder === undefined) throw masterKeyError('master_key.missing')
  const file = path.join(options.dataFolder, 'master.key')
  try {
    // "wx" fails where the file exists: of two processes at a first start, one makes the key and both read it.
    await writeFile(file, `${newKey().toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
    await chmod(file, 0o600)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  return decode(await readFile(file, 'utf8'))
}

function decode(text: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== 32 || key.toString('base64') !== text.trim()) throw masterKeyError('master_key.invalid')
  return key
}
