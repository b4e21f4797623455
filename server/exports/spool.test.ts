import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, readdir, readFile, readlink, rm, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { chunkBytes } from './export-content.ts'
import { cleanSpool, spool, spoolFolderOf } from './spool.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-spool-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function* inPieces(content: Buffer, size = 100_000): AsyncGenerator<Buffer> {
  for (let from = 0; from < content.length; from += size) yield content.subarray(from, from + size)
}

/** The files without a name that this process has open in the folder. */
async function openFiles(): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${name}`).catch(() => '')
    if (target.startsWith(path.join(folder, 'lethe-spool-'))) found.push(`/proc/self/fd/${name}`)
  }
  return found
}

it.each([0, 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes + 17])('gives back %i bytes as they were', async (size) => {
  const content = randomBytes(size)
  const { stream, bytes } = await spool(folder, (take) => take(inPieces(content)))
  expect(bytes).toBe(size)
  expect(Buffer.concat(await stream.toArray())).toEqual(content)
  expect(await openFiles()).toEqual([])
})

it('has no name on the disk at any moment, and nothing readable in what has none', async () => {
  const canary = Buffer.from('canary of a person '.repeat(50_000))
  const names: string[][] = []
  const { stream } = await spool(folder, async (take) => {
    await take(
      (async function* () {
        for await (const piece of inPieces(canary)) {
          names.push(await readdir(folder))
          yield piece
        }
      })(),
    )
  })
  expect(new Set(names.flat())).toEqual(new Set())
  expect(await readdir(folder)).toEqual([])
  const [file, ...more] = await openFiles()
  expect(more).toEqual([])
  const written = await readFile(file ?? '')
  expect(written.length).toBeGreaterThan(canary.length)
  expect(written.includes('canary of a person')).toBe(false)
  stream.destroy()
  await new Promise((resolve) => stream.once('close', resolve))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await openFiles()).toEqual([])
})

it('leaves nothing open where writing fails, or the reader goes away in the midst of it', async () => {
  await expect(spool(folder, () => Promise.reject(new Error('cut off')))).rejects.toThrow('cut off')
  expect(await openFiles()).toEqual([])
  const { stream } = await spool(folder, (take) => take(inPieces(randomBytes(3_000_000))))
  for await (const _ of stream) break
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await openFiles()).toEqual([])
})

it('lies in the data folder, and what a crash left is removed from there at the start, and what earlier versions left', async () => {
  const config = { databaseUrl: undefined, dataFolder: folder }
  const inside = spoolFolderOf(config)
  expect(path.dirname(inside)).toBe(folder)
  await cleanSpool(config)
  await mkdir(inside)
  await writeFile(path.join(inside, 'lethe-spool-1'), 'left')
  await writeFile(path.join(inside, 'something else'), 'kept')
  const old = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-'))
  const recent = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-'))
  const foreign = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-'))
  for (const one of [old, recent]) await (await open(path.join(one, 'export.zip'), 'w')).close()
  await writeFile(path.join(foreign, 'notes.txt'), 'of another program')
  const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
  for (const one of [old, foreign]) await utimes(one, longAgo, longAgo)
  try {
    await cleanSpool(config)
    expect(await readdir(inside)).toEqual(['something else'])
    await expect(readdir(old)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await readdir(recent)).toEqual(['export.zip'])
    expect(await readdir(foreign)).toEqual(['notes.txt'])
  } finally {
    for (const one of [old, recent, foreign]) await rm(one, { recursive: true, force: true })
  }
})
