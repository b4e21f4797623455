import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CopyOutput } from './copy-output.ts'

function message(type: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(5, type)
  header.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([header, content])
}

const row = fc.uint8Array({ maxLength: 300 })
const sent = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: row.map((data) => ['d', data] as const) },
    fc.tuple(fc.constantFrom('N', 'S', 'A', 'H'), row),
  ),
)
const ends = fc.constantFrom('c', 'E', 'C', 'Z')

it('takes the rows out of whatever pieces they arrive in, and leaves what follows them to whoever reads on', () => {
  fc.assert(
    fc.property(sent, ends, row, fc.array(fc.nat(400)), (messages, end, after, cuts) => {
      const last = [message(end, end === 'c' ? new Uint8Array() : after), message('Z', after)]
      const stream = Buffer.concat([...messages.map(([type, content]) => message(type, content)), ...last])
      const output = new CopyOutput()
      const rows: Buffer[] = []
      const rest: Buffer[] = []
      for (let at = 0, piece = 0; at < stream.length; piece++) {
        const next = Math.min(at + 1 + (cuts[piece % Math.max(cuts.length, 1)] ?? 400), stream.length)
        const received = Buffer.from(stream.subarray(at, next))
        at = next
        if (rest.length > 0) {
          rest.push(received)
          continue
        }
        const read = output.read(received)
        rows.push(Buffer.from(read.rows))
        if (read.rest !== undefined) rest.push(read.rest)
      }
      const wanted = messages.flatMap(([type, content]) => (type === 'd' ? [content] : []))
      expect(Buffer.concat(rows)).toEqual(Buffer.concat(wanted))
      expect(Buffer.concat(rest)).toEqual(Buffer.concat(end === 'c' ? last.slice(1) : last))
    }),
    { numRuns: 500 },
  )
})
