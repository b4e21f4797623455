import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  allPassages,
  countByFile,
  danglingPaths,
  hidingWords,
  markdownFiles,
  passagesOfComments,
  passagesOfMarkdown,
  passagesOfMessages,
  readExceptions,
  violationsIn,
} from './writing.ts'

const rulesOf = (text: string) => violationsIn({ file: 'page.md', text }).map(({ rule }) => rule)

describe('a text', () => {
  it('passes when its sentences are short, also after code, an abbreviation and a list', () => {
    const sentence = `${'The worker erases the person and then '.repeat(4)}ends.`
    expect(rulesOf(`${sentence} Code has it. ${sentence} See e.g. the page.`)).toEqual([])
  })

  it.each([
    ['a sentence of 31 words', `${'word '.repeat(30)}end.`, /^a sentence of 31 words/],
    ['a paragraph of 501 characters', `${'Ten words. '.repeat(45)}Filled`, /^a paragraph of 501 characters/],
    ['a word that the glossary replaces', 'The order was placed.', /"The order": say erasure request/],
    ['its other forms', 'Deletes and orders the erasure.', /"orders": say/],
    ['a former word for residual data', 'Some residue stays.', /"residue": say residual data/],
    ['the former word for the successor', 'The heir owns it.', /"heir": say successor/],
    ['British spelling', 'Imports recognise people at the next synchronisation.', /not spelled as in the US/],
    ['a document that the repository does not have', 'See DESIGN.md, section 2.', /"DESIGN.md" is a document/],
  ])('fails on %s', (_, text, rule) => {
    expect(rulesOf(text)).toEqual([expect.stringMatching(rule)])
  })

  it.each(['Locks people in the order of their ids.', 'Sorted in order, for order by id.', 'A byte order mark.'])(
    'may speak of a sequence: %s',
    (text) => expect(rulesOf(text)).toEqual([]),
  )
})

describe('what is read of a file', () => {
  it('is each paragraph, item and cell of Markdown with one word for code, and no block of code', () => {
    const page =
      '# Head\n\nOne `a b c` two.\n\n- first\n- second **bold**\n\n| x | y |\n| - | - |\n| 1 | [l](p.md) |\n\n```sh\norder\n```\n'
    expect(passagesOfMarkdown('p', page).map(({ text }) => text)).toEqual([
      'Head',
      'One Code two.',
      'first',
      'second bold',
      'x',
      'y',
      '1',
      'l',
    ])
  })

  it('is each paragraph of a doc comment, and no other comment', () => {
    const source = '/**\n * Sends `x`.\n *\n * Throws {@link Y}.\n */\n// an order\nconst a = 1 /* an order */\n'
    expect(passagesOfComments('s', source).map(({ text }) => text)).toEqual(['Sends Code.', 'Throws Code.'])
  })

  it('is each message of a table of errors with one word for a value', () => {
    const value = '$' + "{d.a === 1 ? `x` : 'y'}"
    const source = `const t = { kind: 'input', message: (d) => \`There is no ${value} here.\` }\n// it's not\n`
    expect(passagesOfMessages('e', source).map(({ text }) => text)).toEqual(['There is no value here.'])
  })
})

it('a path that leads nowhere is dangling, unless the text tells the reader to write the file', () => {
  const page =
    'See `server/gone.ts` and [it](gone.md). Write `server/new.ts` beside `server/cli.ts`. `server/new.ts` is new.'
  expect(danglingPaths('docs/page.md', page)).toEqual(['docs/gone.md', 'server/gone.ts'])
})

it('a comment is read where one begins, and not inside a pattern of files', () => {
  const source = "const files = { 'server/**': 'all', 'test/**/*.ts': 'some' }\n/** Sends. */\nconst a = 1\n"
  expect(passagesOfComments('s', source).map(({ text }) => text)).toEqual(['Sends.'])
})

describe('the repository', () => {
  const passages = allPassages()
  const violations = passages.flatMap(violationsIn)

  it('reads documentation, comments, errors, commands and the OpenAPI document', () => {
    const files = new Set(passages.map(({ file }) => file))
    const expected = [
      'README.md',
      'WRITING.md',
      'docs/sweep.md',
      'docs/openapi.json',
      'server/cli/program.ts',
      'test/writing.ts',
    ]
    expect([...files]).toEqual(expect.arrayContaining(expected))
    expect([...files].filter((file) => file.endsWith('errors.ts')).length).toBeGreaterThan(0)
    expect(passages.length).toBeGreaterThan(2000)
  })

  it('is written by the rules of WRITING.md, except for a list that may only shrink', () => {
    const [counts, allowed] = [countByFile(violations), readExceptions()]
    const worse = violations.filter(({ file }) => (counts[file] ?? 0) > (allowed[file] ?? 0))
    expect(worse, 'rewrite these texts by the rules of WRITING.md').toEqual([])
    expect(allowed, 'lower the exceptions to what is left: node test/writing.ts --lower').toEqual(counts)
  })

  it('allows no exception in its documentation, its commands and its API', () => {
    const documents = Object.keys(readExceptions()).filter(
      (file) => !file.endsWith('.ts') || file.startsWith('server/cli/'),
    )
    expect(documents).toEqual([])
  })

  it('has every file that its documentation names or links to', () => {
    const root = new URL('../', import.meta.url)
    const dangling = markdownFiles().flatMap((file) =>
      danglingPaths(file, readFileSync(new URL(file, root), 'utf8')).map((path) => `${file}: ${path}`),
    )
    expect(dangling).toEqual([])
  })

  it('names each room with its floor, and each dependency with its reason, in ARCHITECTURE.md', () => {
    const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
    const architecture = read('ARCHITECTURE.md')
    const rooms = (JSON.parse(read('server/floors.json')) as string[][]).flat()
    const { dependencies, devDependencies } = JSON.parse(read('package.json'))
    const packages = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !name.startsWith('@types/'))
    expect(rooms.filter((room) => !architecture.includes(`| \`${room}\` `))).toEqual([])
    const named = architecture.slice(architecture.indexOf('## Dependencies')).split(/[\s,|]+/)
    expect(packages.filter((name) => !named.includes(name))).toEqual([])
  })

  it('counts the words that hide who acts', () => {
    const counts = new Map<string, number>()
    for (const { file, text } of passages) {
      const kind = file.endsWith('.ts') ? 'doc comments, errors and commands' : 'documentation and API'
      counts.set(kind, (counts.get(kind) ?? 0) + (text.match(hidingWords)?.length ?? 0))
    }
    for (const [kind, count] of counts) console.warn(`nobody, somebody, whoever, whom in ${kind}: ${count}`)
    expect(counts.size).toBe(2)
  })
})
