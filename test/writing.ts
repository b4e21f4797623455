import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lexer, type Token, type Tokens } from 'marked'

/** The most words of a sentence. WRITING.md asks for 25; what is longer than this fails. */
const mostWords = 30

/** The most characters of a paragraph, of a list item or of a cell of a table. */
const mostCharacters = 500

// In two pieces, because the whole of it looks like the beginning of a comment.
const anyDepth = '*' + '*/*'

const root = fileURLToPath(new URL('../', import.meta.url))

/** The numbers of violations that a file may still have, by its path. They may only shrink. */
const exceptionsFile = join(root, 'test/writing-exceptions.json')

/** A text of one place that is read as a whole: a paragraph, a cell, a message. Code in it is replaced by one word. */
type Passage = { file: string; text: string }

type Violation = { file: string; rule: string; text: string }

/** Words that the glossary of WRITING.md replaces, with the word to use. */
const replaced: readonly [RegExp, string][] = [
  [/(?<!\bcanonical )\b(?:ordered|ordering|orders)\b(?! (?:by|of) (?:time|id|name))/i, 'erasure request, or request'],
  [/(?<!\bin )\b(?:an|the|each|that|whole|large) order\b(?! (?:of|in|that|by|from|to|is|for)\b)/i, 'erasure request'],
  [/\bheirs?\b/i, 'successor'],
  [/\bresidues?\b/i, 'residual data'],
  [/\bsubject lines?\b/i, 'subject list'],
  [/\bshared identifiers?\b/i, 'identifiers held by others'],
  [/\bauditors?\b/i, 'search role'],
  [/\binstallation trail\b|\btrail of the installation\b/i, 'system trail'],
  [/\bannouncements?\b/i, 'notification, or progress event'],
]

const british =
  /\b(?:\w*(?:recogni|organi|synchroni|normali|anonymi|summari|seriali|initiali|authori|minimi|optimi|categori|parameteri|speciali|reali|utili|emphasi)s(?:e[ds]?|ing|ation|ations|er|able)|behaviours?|colours?|favou?rites?(?<=favourites?)|honours?|neighbours?|neighbouring|licences?|catalogues?|centres?|judgements?|enrolments?|fulfil|grey|labelled|modelled|travelled|cancelling|whilst|misspelt|artefacts?|defences?|analyse[ds]?|analysing|programmes?|towards|learnt|spelt|amongst)\b/i

/** Documents that a reader of this repository does not have. */
const missingDocuments = /\bseeds\/|\bDESIGN(?:\.md)?\b(?! ?=)|\bhouse\.md\b|(?<![\w/])shared\//

/** Words that hide who acts. A text with one of them is better rebuilt; it does not fail. */
export const hidingWords = /\b(?:nobody|whoever|somebody|whom)\b/gi

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
const words = /\S*[\p{L}\p{N}]\S*/gu

/** The places where a text breaks a rule that fails. */
export function violationsIn({ file, text }: Passage): Violation[] {
  const found: Violation[] = []
  const report = (rule: string, what: string) => found.push({ file, rule, text: what.trim() })
  for (const { segment } of sentences.segment(text)) {
    const count = segment.match(words)?.length ?? 0
    if (count > mostWords) report(`a sentence of ${count} words, more than ${mostWords}`, segment)
  }
  if (text.length > mostCharacters)
    report(`a paragraph of ${text.length} characters, more than ${mostCharacters}`, text)
  for (const [pattern, better] of replaced) {
    const word = pattern.exec(text)?.[0]
    if (word !== undefined) report(`"${word}": say ${better}`, text)
  }
  const spelling = british.exec(text)?.[0]
  if (spelling !== undefined) report(`"${spelling}" is not spelled as in the US`, text)
  const document = missingDocuments.exec(text)?.[0]
  if (document !== undefined) report(`"${document}" is a document that the repository does not have`, text)
  return found
}

/** The paths of tracked texts in Markdown, by their path in the repository. */
export function markdownFiles(): string[] {
  return globSync(['*.md', `docs/${anyDepth}.md`, 'findings/*.md', `server/${anyDepth}.md`], { cwd: root }).sort()
}

/** Sources whose strings people read; the scripts of shells are none. */
const hasMessages = (file: string) =>
  /(?:^|\/)errors\.ts$|^server\/cli\//.test(file) && !file.endsWith('completion-command.ts')

const isGenerated = (file: string) => file === 'docs/plans.md'

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The passages of a Markdown text: paragraphs, items, headings and cells. Blocks of code are left out. */
export function passagesOfMarkdown(file: string, content: string): Passage[] {
  const passages: Passage[] = []
  const add = (tokens: Token[] | undefined) => {
    const text = plainText(tokens ?? [])
    if (text !== '') passages.push({ file, text })
  }
  const walk = (tokens: readonly Token[]) => {
    for (const token of tokens) {
      if (token.type === 'list') for (const item of (token as Tokens.List).items) walk(item.tokens)
      else if (token.type === 'blockquote') walk((token as Tokens.Blockquote).tokens)
      else if (token.type === 'table') {
        const { header, rows } = token as Tokens.Table
        for (const cell of [header, ...rows].flat()) add(cell.tokens)
      } else if (['paragraph', 'heading', 'text'].includes(token.type)) add((token as Tokens.Paragraph).tokens)
    }
  }
  walk(lexer(content))
  return passages
}

/** The text as it is read, with one word for each piece of code. It is a capital one, because it may begin a sentence. */
function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if (token.type === 'codespan') return 'Code'
      // A word in italics is spoken about, not used.
      if (token.type === 'em') return ''
      if (token.type === 'image') return ''
      const inner: unknown = 'tokens' in token ? token.tokens : undefined
      if (Array.isArray(inner)) return plainText(inner as Token[])
      return 'text' in token ? String(token.text) : ''
    })
    .join('')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The changelog up to its newest version. The sections of older versions are history. */
function withoutOlderReleases(content: string): string {
  return content.replace(/(\n## (?!\[?Unreleased)[\s\S]*?)\n## [\s\S]*/, '$1\n')
}

/** The paragraphs of the doc comments of a source. */
export function passagesOfComments(file: string, source: string): Passage[] {
  return [...source.matchAll(/^\s*\/\*\*([\s\S]*?)\*\//gm)].flatMap(([, comment = '']) => {
    const text = comment
      .split('\n')
      .map((line) => line.replace(/^\s*\*? ?/, ''))
      .join('\n')
      .replaceAll(/\{@link ([^}]*)\}|`[^`]*`/g, 'Code')
      .replaceAll(/^@\w+ ?/gm, '')
    return text
      .split(/\n\s*\n|\n\s*(?=[-*] |\d\. )/)
      .map((paragraph) => ({ file, text: paragraph.replaceAll(/\s+/g, ' ').trim() }))
      .filter(({ text }) => text !== '')
  })
}

/** The messages in a source, of errors or of commands: every string with a space, with one word for each value. */
export function passagesOfMessages(file: string, source: string): Passage[] {
  const code = source.replaceAll(/^\s*\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const literals = code.matchAll(
    /'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\})*)`/g,
  )
  return [...literals].flatMap(([, single, template]) => {
    const text = (single ?? template ?? '').replaceAll(/\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}/g, 'value')
    return text
      .split(/\n\s*\n|\n(?= {2}\S)/)
      .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim())
      .filter((paragraph) => paragraph.includes(' '))
      .map((paragraph) => ({ file, text: paragraph }))
  })
}

/** Summaries and descriptions of the OpenAPI document. */
function passagesOfOpenApi(): Passage[] {
  const file = 'docs/openapi.json'
  const texts = new Set<string>()
  JSON.parse(read(file), (key, value: unknown) => {
    if ((key === 'summary' || key === 'description') && typeof value === 'string') texts.add(value)
    return value
  })
  return [...texts].flatMap((text) => passagesOfMarkdown(file, text))
}

/** Everything that WRITING.md holds for and that a program can find. */
export function allPassages(): Passage[] {
  const sources = globSync(
    ['server', 'test', 'bench', 'scripts'].map((folder) => `${folder}/${anyDepth}.ts`),
    { cwd: root },
  )
    .filter((file) => !/\.gen\.ts$|\.test\.ts$/.test(file))
    .sort()
  return [
    ...markdownFiles()
      .filter((file) => !isGenerated(file))
      .flatMap((file) =>
        passagesOfMarkdown(file, file === 'CHANGELOG.md' ? withoutOlderReleases(read(file)) : read(file)),
      ),
    ...sources.flatMap((file) => {
      const source = read(file)
      return [...passagesOfComments(file, source), ...(hasMessages(file) ? passagesOfMessages(file, source) : [])]
    }),
    ...passagesOfOpenApi(),
  ]
}

/** Links and paths in Markdown that lead to no file of the repository. */
export function danglingPaths(file: string, content: string): string[] {
  const links = [...content.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map(([, path = '']) =>
    join(dirname(file), path),
  )
  const named = [
    ...content.matchAll(/`((?:server|docs|test|scripts|bench|migrations|findings|bin|\.ci)\/[\w./-]+)`/g),
  ].map(([, path = '']) => path)
  // "Write `path`" tells the reader to make the file.
  const written = new Set([...content.matchAll(/\bWrite `([^`]+)`/g)].map(([, path = '']) => path))
  return [...links, ...named].filter((path) => !written.has(path) && !existsSync(join(root, path)))
}

type Exceptions = Record<string, number>

/** The numbers of violations of each file that has some. */
export function countByFile(violations: readonly Violation[]): Exceptions {
  const counts: Exceptions = {}
  for (const { file } of violations) counts[file] = (counts[file] ?? 0) + 1
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function readExceptions(): Exceptions {
  return JSON.parse(readFileSync(exceptionsFile, 'utf8'))
}

// node test/writing.ts [FILE…]: prints violations; --lower lowers the exceptions to what is left; --write takes all anew.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
  const violations = allPassages().flatMap(violationsIn)
  for (const { file, rule, text } of violations) {
    if (wanted.some((path) => file.startsWith(relative(root, join(process.cwd(), path))))) {
      process.stdout.write(`${file}: ${rule}\n  ${text}\n`)
    }
  }
  const counts = countByFile(violations)
  const lowered = () =>
    Object.fromEntries(
      Object.entries(readExceptions()).flatMap(([file, most]) => {
        const count = Math.min(most, counts[file] ?? 0)
        return count === 0 ? [] : [[file, count]]
      }),
    )
  const write = (exceptions: Exceptions) => writeFileSync(exceptionsFile, `${JSON.stringify(exceptions, null, 2)}\n`)
  if (process.argv.includes('--lower')) write(lowered())
  if (process.argv.includes('--write')) write(counts)
  process.stdout.write(`${violations.length} violations in ${Object.keys(counts).length} files\n`)
}
