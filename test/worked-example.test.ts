import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

// The example at the end of CONTRIBUTING.md edits real files. As they change, so must it.

const root = new URL('../', import.meta.url)

/** What an edit of the example expects to find, in the file that the text named last. */
type Edit = { file: string; found: string }

function editsOf(page: string): Edit[] {
  const [, example = ''] = page.split('\n## An example')
  let file = ''
  return [...example.matchAll(/`([^`\n]+\.(?:ts|sql))`|```diff\n([\s\S]*?)```/g)].flatMap(([, named, diff]) => {
    if (named !== undefined) file = named
    if (diff === undefined) return []
    const kept = diff.split('\n').filter((line) => line.startsWith(' ') || line.startsWith('-'))
    return [{ file, found: kept.map((line) => `${line.slice(1)}\n`).join('') }]
  })
}

it('each edit of the example in CONTRIBUTING.md has one place in its file', () => {
  const edits = editsOf(readFileSync(new URL('CONTRIBUTING.md', root), 'utf8'))
  expect(edits.length).toBeGreaterThan(5)
  const places = edits.map(({ file, found }) => {
    const url = new URL(file, root)
    const text = existsSync(url) ? readFileSync(url, 'utf8') : ''
    return { file, found, times: text.split(found).length - 1 }
  })
  expect(places.filter(({ found, times }) => found === '' || times !== 1)).toEqual([])
})

it('the example in CONTRIBUTING.md names no number of a migration, so that a new migration does not change it', () => {
  const [, example = ''] = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8').split('\n## An example')
  expect(example).toContain('`migrations/NNNN_course_seats.sql`')
  expect(example.match(/migrations\/\d+/g)).toBe(null)
})
