import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../../../test/run-command.ts'
import { buildProgram } from '../../program.ts'
import { completionScript, type Shell } from './completion-command.ts'

/** A folder with one file and one folder in it, to complete in. */
let folder: string
/** Where the script of a shell lies: it is longer than Linux lets an argument be. */
let scripts: string
beforeAll(async () => {
  scripts = await mkdtemp(path.join(os.tmpdir(), 'lethe-completion-scripts-'))
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-completion-'))
  await writeFile(path.join(folder, 'a file.csv'), '')
  await mkdir(path.join(folder, 'sub'))
})
afterAll(async () => {
  for (const made of [folder, scripts]) await rm(made, { recursive: true, force: true })
})

function runShell(shell: Shell, option: string, script: string): string {
  const file = path.join(scripts, shell)
  writeFileSync(file, script)
  const { status, stdout, stderr, error } = spawnSync(shell, [option, file], { cwd: folder, encoding: 'utf8' })
  if (error) throw error
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

const isThere = (shell: Shell) => spawnSync(shell, ['--version']).error === undefined
const toInstall = (shell: Shell) =>
  `apt-get install -y ${shell}, then: npx vitest run server/cli/completion-command.test.ts`

/** What stands for the names of all files, or of folders only. */
const files = ['<file>']
const folders = ['<folder>']

/**
 * What a shell offers for each unfinished line. Bash and zsh are asked by calling the function as they do, with the words
 * of the line; what that function hands back to the shell is written down. Fish answers for a line by itself.
 */
const ask: Record<Shell, (lines: string[]) => string[][]> = {
  bash(lines) {
    const queries = lines.map((line) => {
      const words = line.split(/ |(?<==)|(?==)/)
      return `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; ask`
    })
    const script = `
      default=
      compopt() { default="$*"; }
      ask() {
        default='<file>'
        _lethe
        if [ "$default" = '+o default' ]; then default=; fi
        if [ "$default" = '+o default -o dirnames' ]; then default='<folder>'; fi
        if [ "\${#COMPREPLY[@]}" -eq 0 ] && [ -n "$default" ]; then COMPREPLY=("$default"); fi
        (IFS=,; echo "\${COMPREPLY[*]}")
      }
      ${queries.join('\n')}`
    return answers(runShell('bash', '--norc', `${completionScript(buildProgram(), 'bash')}\n${script}`))
  },
  zsh(lines) {
    const queries = lines.map((line) => {
      const words = line.split(' ')
      return `words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; ask`
    })
    const script = `
      compdef() { }
      compset() { prefix=\${words[CURRENT]#*=} }
      _describe() { offered=("\${(@)\${(@P)2}%%:*}") }
      _files() { if [[ $1 == -/ ]] { offered=('<folder>') } else { offered=('<file>') } }
      ask() {
        local prefix=\${words[CURRENT]}
        local -a offered
        _lethe
        [[ $offered == '<'* ]] || offered=(\${(M)offered:#$prefix*})
        print -r -- "\${(j:,:)offered}"
      }
      ${queries.join('\n')}`
    return answers(runShell('zsh', '-f', `compdef() { }\n${completionScript(buildProgram(), 'zsh')}\n${script}`))
  },
  fish(lines) {
    const queries = lines.map(
      (line) => `echo (string join -- , (complete -C '${line}' | string replace -r '\\t.*' ''))`,
    )
    const script = `${completionScript(buildProgram(), 'fish')}\n${queries.join('\n')}`
    return answers(runShell('fish', '--no-config', script)).map((offered) => {
      // Fish repeats what stands before the value in the same word.
      const words = offered.map((word) => word.replace(/^.*=/, ''))
      if (words.includes('sub/')) return words.includes('a file.csv') ? files : folders
      return words
    })
  },
}

function answers(output: string): string[][] {
  return output
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line === '' ? [] : line.split(',').sort()))
}

/** Every command with its words. */
function walk(command: Command, words: string[] = ['lethe']): { command: Command; line: string }[] {
  return [{ command, line: words.join(' ') }, ...command.commands.flatMap((one) => walk(one, [...words, one.name()]))]
}

const optionsOf = (command: Command): string[] => [
  ...(command.parent === null ? [] : optionsOf(command.parent)),
  ...command
    .createHelp()
    .visibleOptions(command)
    .map(({ long }) => long ?? ''),
]

describe.each(Object.keys(ask) as Shell[])('completion in %s', (shell) => {
  // Fish looks at every command for each of some two hundred lines.
  const patience = { timeout: 240_000 }

  it(
    'offers the options of every command, the program’s own among them, and the commands of every group',
    patience,
    ({ skip }) => {
      skip(!isThere(shell), toInstall(shell))
      const all = walk(buildProgram())
      const groups = all.filter(({ command }) => command.commands.length > 0)
      expect(ask[shell](all.map(({ line }) => `${line} --`))).toEqual(
        all.map(({ command }) => [...new Set(optionsOf(command))].sort()),
      )
      expect(ask[shell](groups.map(({ line }) => `${line} `))).toEqual(
        groups.map(({ command }) =>
          command
            .createHelp()
            .visibleCommands(command)
            .map((one) => one.name())
            .sort(),
        ),
      )
    },
  )

  const expected: [string, string[]][] = [
    ['lethe us', ['user']],
    ['lethe user re', ['reactivate', 'restore', 'returned']],
    ['lethe user list --so', ['--sort']],
    ['lethe user list --sort ', ['created', 'deleted', 'id', 'name', 'ref']],
    ['lethe user list --sort=', ['created', 'deleted', 'id', 'name', 'ref']],
    ['lethe user list --sort n', ['name']],
    ['lethe user list --sort=n', ['name']],
    ['lethe user list --sort=name --li', ['--limit']],
    ['lethe user list --search ', []],
    ['lethe --json user list --tena', ['--tenant']],
    ['lethe --tenant user us', ['user']],
    ['lethe user show --login list --ema', ['--email']],
    ['lethe purge --file ', files],
    ['lethe purge --file=', files],
    ['lethe --data ', folders],
    ['lethe import users ', files],
    ['lethe import users --purged ', ['create', 'skip']],
    ['lethe import users --purged skip ', files],
    ['lethe import oulad ', folders],
    ['lethe completion ', ['bash', 'fish', 'zsh']],
    ['lethe nonsense --vers', ['--version']],
  ]
  it('offers values, files and folders where they are awaited, and nothing where nobody can know', ({ skip }) => {
    skip(!isThere(shell), toInstall(shell))
    const offered = ask[shell](expected.map(([line]) => line))
    expect(expected.map(([line], index) => [line, offered[index]])).toEqual(expected)
  })

  it('is printed as a script that the shell can read', async ({ skip }) => {
    skip(!isThere(shell), toInstall(shell))
    const { code, stdout, stderr } = await runCommand({}, ['completion', shell])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(completionScript(buildProgram(), shell))
    runShell(shell, '-n', stdout)
  })
})
