import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCells } from './csv-cells.ts'
import { LineReader } from './line-reader.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-lines-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function readAll(name: string, content: Buffer, most: number) {
  const file = path.join(folder, name)
  await writeFile(file, content)
  const reader = new LineReader(file)
  try {
    const header = await reader.readHeader()
    let text = ''
    for (;;) {
      const lines = await reader.read(most)
      if (lines === undefined) break
      expect(lines.count).toBeLessThanOrEqual(most)
      expect(lines.text.toString().split('\n')).toHaveLength(lines.count + 1)
      text += lines.text.toString()
    }
    return { header, text, digest: reader.digest() }
  } finally {
    await reader.close()
  }
}

describe('LineReader', () => {
  it('hands out the same lines and digest, compressed or not, with any line ends, however many at a time', async () => {
    const line = fc.stringMatching(/^[a-z,ü]{0,12}$/)
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        async (lines, gz, crlf, most) => {
          const end = crlf ? '\r\n' : '\n'
          // The last line of the file has no end.
          const content = Buffer.from(['\ufeffheader', ...lines, 'last'].join(end))
          const read = await readAll(gz ? 'lines.csv.gz' : 'lines.csv', gz ? gzipSync(content) : content, most)
          const text = [...lines, 'last'].map((one) => `${one}\n`).join('')
          expect(read).toEqual({ header: 'header', text, digest: createHash('sha256').update(text).digest() })
        },
      ),
      { numRuns: 40 },
    )
  })

  it('skips lines into the digest, and says when the file ends before', async () => {
    const file = path.join(folder, 'skipped.csv')
    await writeFile(file, 'header\na\nb\nc\n')
    const reader = new LineReader(file)
    await reader.readHeader()
    expect(await reader.skip(2)).toBe(true)
    expect(reader.digest()).toEqual(createHash('sha256').update('a\nb\n').digest())
    expect((await reader.read(5))?.text.toString()).toBe('c\n')
    expect(await reader.skip(1)).toBe(false)
    await reader.close()
  })

  it('reads a line that is longer than a block, and refuses one that would fill the memory', async () => {
    const long = 'x'.repeat(600_000)
    expect((await readAll('long.csv', Buffer.from(`header\n${long}\n`), 9)).text).toBe(`${long}\n`)
    await expect(readAll('endless.csv', Buffer.from(`header\n${'x'.repeat(3_000_000)}`), 9)).rejects.toMatchObject({
      code: 'input.file_unreadable',
    })
  })

  it('names a damaged or cut compressed file', async () => {
    const whole = gzipSync(Buffer.from(`header\n${Array.from({ length: 9999 }, (_, i) => i * i).join('\n')}\n`))
    for (const damaged of [whole.subarray(0, whole.length / 2), Buffer.from('no gzip at all')]) {
      await expect(readAll('damaged.csv.gz', damaged, 1000)).rejects.toMatchObject({
        code: 'input.file_unreadable',
        message: expect.stringContaining('damaged.csv.gz'),
      })
    }
  })
})

describe('readCells', () => {
  it('reads quoted cells like unquoted ones', () => {
    const cell = fc.stringMatching(/^[a-z ,"]{0,6}$/)
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 1 }), (rows) => {
        const quoted = rows.map((cells) => `${cells.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')}\n`)
        expect(readCells(Buffer.from(quoted.join('')))).toEqual(rows)
      }),
    )
  })

  it('loses only the line whose quotes do not match', () => {
    expect(readCells(Buffer.from('a,b\n"c,d\ne,"f"\n\ng"h,i\n'))).toEqual([
      ['a', 'b'],
      undefined,
      ['e', 'f'],
      [''],
      undefined,
    ])
  })
})
