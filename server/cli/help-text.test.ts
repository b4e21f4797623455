import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { loadedAlone, loadProgram } from './load-program.ts'
import { buildProgram } from './program.ts'

type Found = { name: string; command: Command; help: string }

/** Every command of the program, the program itself first, with what its --help prints. */
function walk(command: Command, name = command.name()): Found[] {
  let help = ''
  command.configureOutput({ writeOut: (text) => (help += text) })
  command.outputHelp()
  return [{ name, command, help }, ...command.commands.flatMap((one) => walk(one, `${name} ${one.name()}`))]
}

const commands = walk(buildProgram())

function examplesIn(help: string): string[] {
  const [, examples] = /\n\nExamples:\n((?: {2}\S.*\n)+)$/.exec(help) ?? []
  return (
    examples
      ?.trimEnd()
      .split('\n')
      .map((line) => line.trim()) ?? []
  )
}

/**
 * The commands of a line of a shell, each as its words: what pipes, lists and substitutions are made of, without
 * assignments before a command and without redirections.
 */
function commandsIn(line: string): string[][] {
  const found: string[][] = []
  let words: string[] = []
  for (const [token] of line.matchAll(/&&|\|\||[|;()]|[<$](?=\()|[<>]+|(?:"[^"]*"|'[^']*'|[^\s"'|;&<>()])+/g)) {
    if (/^(&&|[|;()<$]|\|\|)$/.test(token)) {
      found.push(words)
      words = []
    } else {
      words.push(token)
    }
  }
  return [...found, words].map((all) => {
    const redirection = all.findIndex((word) => /^[<>]/.test(word))
    const kept = (redirection < 0 ? all : all.slice(0, redirection)).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
    return kept.slice(kept.findIndex((word) => !/^[A-Z_]+=/.test(word)))
  })
}

/** The commands of a line that are Lethe's, each as the arguments of the program. */
function argumentsIn(line: string): string[][] {
  return commandsIn(line).flatMap((words) => {
    const [first, second] = words
    if (first === 'lethe') return [words.slice(1)]
    return first === 'npx' && second === '--no-install' && words[2] === 'lethe' ? [words.slice(3)] : []
  })
}

/** What is wrong with arguments, as the program itself says before it acts; undefined: nothing. */
async function problemOf(args: string[]): Promise<string | undefined> {
  const program = buildProgram()
  let reached: Command | undefined
  const disarm = (command: Command) => {
    if (command.commands.length === 0) {
      command.action((...given: unknown[]) => {
        reached = given.at(-1) as Command
      })
    }
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    command.commands.forEach(disarm)
  }
  disarm(program)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return reached === undefined ? 'no command was reached' : problemOfSubject(reached)
}

/** Commander cannot know that people are named by exactly one of several options, or by the options of a filter. */
function problemOfSubject(command: Command): string | undefined {
  const names = ['id', 'directoryObjectId', 'ref', 'login', 'email', 'file', 'contact']
  const options = names.filter((name) => command.options.some((option) => option.attributeName() === name))
  if (!options.includes('login')) return undefined
  const given = options.filter((name) => command.getOptionValue(name) !== undefined)
  const filters = ['deletedIn', 'deletedFrom', 'deletedTo', 'search', 'department', 'kind', 'allDeleted']
  if (options.includes('file') && filters.some((name) => command.getOptionValue(name) !== undefined)) {
    return given.length > 0 ? 'it names people by an option and by a filter' : undefined
  }
  const least = ['sweep', 'verify'].includes(command.name()) ? 0 : 1
  return given.length > 1 || given.length < least ? `it names a person by ${given.length} options` : undefined
}

describe('the help of every command', () => {
  it('says what the command, its arguments and its options are', () => {
    const missing = commands.flatMap(({ name, command }) => [
      ...(command.description() === '' ? [name] : []),
      ...command.options.filter(({ description }) => description === '').map(({ flags }) => `${name} ${flags}`),
      ...command.registeredArguments
        .filter(({ description }) => description === '')
        .map((argument) => `${name} <${argument.name()}>`),
    ])
    expect(missing).toEqual([])
  })

  it.each(commands)('fits 80 columns and ends with one to four examples of it: $name', ({ name, command, help }) => {
    const examples = examplesIn(help)
    expect(examples.length, help).toBeGreaterThanOrEqual(1)
    expect(examples.length).toBeLessThanOrEqual(4)
    const own = command.commands.length === 0 ? name : `${name} `
    for (const example of examples) expect(example).toContain(own)
    const above = help.slice(0, help.lastIndexOf('\nExamples:'))
    for (const line of above.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    for (const example of examples) expect(example.length, example).toBeLessThanOrEqual(120)
  })
})

describe('a command line that somebody may copy', () => {
  it('is told from the rest of a line', () => {
    const line = `A=1 lethe a "b c" --d='e' > f.json && pg_restore --x | npx --no-install lethe g; source <(lethe h i)`
    expect(argumentsIn(line)).toEqual([['a', 'b c', `--d='e'`], ['g'], ['h', 'i']])
  })

  it.each([
    ['user', 'vanish'],
    ['user', 'list', '--nonsense'],
    ['user', 'list', '--sort', 'colour'],
    ['user', 'export', '--ref', 'a'],
    ['user', 'show'],
    ['purge', '--ref', 'a', '--file', 'b'],
    ['tenant', 'create', 'a', 'b'],
    ['user'],
  ])('is refused where it is wrong: %j %j %j', async (...args) => {
    expect(await problemOf(args)).toBeTypeOf('string')
  })

  it.each(commands)('is right in the help of $name', async ({ help }) => {
    for (const example of examplesIn(help)) {
      const lines = argumentsIn(example)
      expect(lines, example).not.toEqual([])
      for (const args of lines) expect(await problemOf(args), example).toBeUndefined()
    }
  })

  it('is right in README.md and docs', async () => {
    const root = new URL('../../', import.meta.url)
    const docs = (await readdir(new URL('docs/', root))).filter((name) => name.endsWith('.md'))
    let checked = 0
    for (const name of ['README.md', 'CONTRIBUTING.md', ...docs.map((doc) => `docs/${doc}`)]) {
      const text = await readFile(new URL(name, root), 'utf8')
      for (const [, block = ''] of text.matchAll(/```sh\n(.*?)```/gs)) {
        for (const line of block.split('\n')) {
          for (const args of argumentsIn(line.replace(/ # .*/, ''))) {
            expect(await problemOf(args), `${name}: ${line}`).toBeUndefined()
            checked += 1
          }
        }
      }
    }
    expect(checked).toBeGreaterThan(20)
  })

  it('runs no package of a stranger: the name on npm is not ours, so npx is told to install nothing', async () => {
    const root = new URL('../../', import.meta.url)
    const folders = ['docs', 'server', 'test', 'scripts', 'bin', 'bench']
    const names = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
    for (const folder of folders) {
      const found = await readdir(new URL(`${folder}/`, root), { recursive: true, withFileTypes: true })
      for (const entry of found)
        if (entry.isFile()) names.push(relative(fileURLToPath(root), join(entry.parentPath, entry.name)))
    }
    expect(names.length).toBeGreaterThan(300)
    const strangers: string[] = []
    for (const name of names) {
      const text = await readFile(new URL(name.replaceAll('\\', '/'), root), 'utf8')
      // As a person may write it, with other options, with the package's version, or in two pieces of a template.
      if (/\bnpx(?! --no-install )(?: -\S+)* lethe\b|\bnpm exec(?! --no )(?: -\S+)* lethe\b/.test(text))
        strangers.push(name)
    }
    expect(strangers).toEqual([])
  })
})

it('a command that is loaded alone is the one of the whole program, with its subcommands and its help', async () => {
  expect(loadedAlone).toContain('user')
  for (const name of loadedAlone) {
    const program = await loadProgram([name, '--help'])
    const command = program.commands.find((one) => one.name() === name)
    if (command === undefined) throw new Error(`${name} is not loaded for itself`)
    const alone = walk(command, `lethe ${name}`).map((one) => ({ name: one.name, help: one.help }))
    const whole = commands.filter((one) => `${one.name} `.startsWith(`lethe ${name} `))
    expect(alone).toEqual(whole.map((one) => ({ name: one.name, help: one.help })))
  }
})
