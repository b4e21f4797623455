import { afterEach, describe, expect, it, vi } from 'vitest'
import { createOutput, formatFields, formatTable } from './output.ts'

const output = (options: { json?: boolean; quiet?: boolean } = {}) =>
  createOutput({ json: false, quiet: false, signal: new AbortController().signal, ...options })

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('what a command prints', () => {
  it('lets no value from the database command the terminal', () => {
    const name = 'Ann\u001b[2J\u202e\nB'
    const table = formatTable(
      [{ name, n: 1234 }],
      [
        { title: 'name', value: (row) => row.name },
        { title: 'n', value: (row) => row.n, right: true },
      ],
    )
    expect(table).toBe('name            n\nAnn\ufffd[2J\ufffd\ufffdB  1,234')
    expect(formatFields({ name, none: null, nothing: [] })).toBe('name  Ann\ufffd[2J\ufffd\ufffdB')
  })

  it('keeps the lines of a note, such as a preview, and lets none of them command the terminal', () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    output().note('A purge would change\n\nAnn\u001b[2J  1')
    expect(stderr.mock.calls).toEqual([['A purge would change\n\nAnn\ufffd[2J  1\n']])
  })

  it('is one JSON document on stdout with --json', () => {
    const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    output({ json: true }).result({ a: [1] }, () => 'a: 1')
    expect(stdout.mock.calls).toEqual([['{"a":[1]}\n']])
  })

  it('is a line of progress every two seconds at most where stderr is no terminal, and none with --quiet', () => {
    vi.useFakeTimers()
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    for (const quiet of [true, false]) {
      const progress = output({ quiet }).progress('Rows')
      for (let done = 0; done <= 4000; done += 500) {
        progress.update(done, 10_000)
        vi.advanceTimersByTime(500)
      }
      progress.end()
    }
    expect(stderr.mock.calls).toEqual([['Rows: 2,000 of 10,000\n'], ['Rows: 4,000 of 10,000\n']])
  })
})

describe('an act that cannot be undone', () => {
  it('is refused where nobody can be asked, unless --yes says so', async () => {
    expect(process.stdin.isTTY).toBeFalsy()
    await expect(output().confirm('The purge', { yes: false })).rejects.toMatchObject({
      code: 'input.confirmation_needed',
      details: { act: 'The purge' },
    })
    expect(await output().confirm('The purge', { yes: true })).toBe(true)
  })
})

describe('a table that is wider than the terminal', () => {
  const columns = [
    { title: 'id', value: ({ id }: { id: string }) => id },
    { title: 'name', value: ({ name }: { name: string }) => name, shrinks: true },
    { title: 'mail', value: ({ mail }: { mail: string }) => mail, shrinks: true },
  ]
  const id = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'
  const rows = [{ id, name: 'Annabella Aster-Beauregard', mail: 'annabella.aster-beauregard@learning.example.org' }]

  it('is cut in the columns that shrink, the widest first, and never in the others', () => {
    const lines = formatTable(rows, columns, { fit: 80 }).split('\n')
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80)
    expect(lines[1]).toContain(id)
    expect(lines[1]).toMatch(/Annabella.*…? {2}annabella.*…$/)
  })

  it('is whole where it fits, and where no terminal is', () => {
    expect(formatTable(rows, columns, { fit: 200 })).toBe(formatTable(rows, columns))
    expect(formatTable(rows, columns)).toContain(rows[0]?.mail)
  })
})
