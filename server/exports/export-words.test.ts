import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { probesOf, type WordHash } from '../audit/words.ts'
import { identifierOf } from '../identifiers/identifier-key.ts'
import { ExportWords, mayHold } from './export-words.ts'

const key = randomBytes(32)
const hash = (text: string): WordHash => createHmac('sha256', key).update(text).digest().readBigInt64LE().toString()
const probes = (...identifiers: [kind: 'email' | 'ref', value: string][]) =>
  identifiers.flatMap(([kind, value]) => probesOf(hash, identifierOf(kind, value)) ?? [])

function exportOf(rows: number, mostWords?: number): Buffer {
  const words = new ExportWords(hash, mostWords)
  for (let row = 0; row < rows; row++)
    words.add(JSON.stringify({ comment: `note ${row} to colleague.${row}@corp.example` }))
  return words.toBytes()
}

describe('the words of an export', () => {
  it('tell of each address in it, first, last and between, that it may be there', () => {
    const stored = exportOf(500)
    for (const row of [0, 1, 250, 498, 499])
      expect(mayHold(stored, probes(['email', `colleague.${row}@corp.example`]))).toBe(true)
  })

  it('keep an export through a purge of 5,000 people of whom it holds none', () => {
    const strangers = Array.from({ length: 5000 }, (_, person) =>
      probes(['email', `stranger-${person}@other.example`], ['ref', `ref-${person}-x`]),
    )
    expect(mayHold(exportOf(500), strangers.flat())).toBe(false)
  })

  it('of an export with more words than are kept whole still tell of all in it, and of no stranger', () => {
    const stored = exportOf(2000, 1000)
    for (const row of [0, 1000, 1999])
      expect(mayHold(stored, probes(['email', `colleague.${row}@corp.example`]))).toBe(true)
    const strangers = Array.from({ length: 500 }, (_, person) => probes(['ref', `stranger${person}`]))
    expect(mayHold(stored, strangers.flat())).toBe(false)
  })
})
