import { Argument, type Command, type Option } from 'commander'
import { helpText } from '../../help-text.ts'
import { createOutput } from '../../output.ts'
import { quoted } from '../../shell-word.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }

export type Shell = keyof typeof scripts

/** `lethe completion bash|zsh|fish` */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that reads the script').choices(Object.keys(scripts)))
    .description('print a script for a shell that completes commands, options, choices and file names')
    .addHelpText(
      'after',
      helpText({
        notes: `
The first line goes into ~/.bashrc, the second into ~/.zshrc, the third into ~/.config/fish/config.fish. The script
fits the version of Lethe that printed it.`,
        examples: [
          'source <(lethe completion bash)',
          'source <(lethe completion zsh)',
          'lethe completion fish | source',
        ],
      }),
    )
    .action((shell: Shell, _options: unknown, command: Command) => {
      const { json, quiet } = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>()
      const output = createOutput({ json: json === true, quiet: quiet === true, signal: new AbortController().signal })
      const script = completionScript(program, shell)
      output.result({ shell, script }, () => script)
    })
}

/** The script for a shell, made of the visible commands of the program, their options, choices and arguments. */
export function completionScript(program: Command, shell: Shell): string {
  const { options: everywhere, ...root } = placeOf(program, '')
  const places = [{ ...root, options: [] }, ...placesBelow(program, '')]
  return scripts[shell]({ name: program.name(), everywhere, places })
}

/** One of some words, the name of a file or folder, or something that only the user knows. */
type Value = 'text' | 'file' | 'folder' | readonly string[]

type Offer = { word: string; about: string }

/** `word` is the form that is offered, `flags` are all forms; without `value` the option takes none. */
type OptionOffer = Offer & { flags: string[]; value: Value | undefined }

/** What can follow the words of a command, which are '' for the program itself. */
type Place = {
  path: string
  commands: Offer[]
  options: OptionOffer[]
  arguments: { value: Value; variadic: boolean }[]
}

type Completion = {
  name: string
  /** The program's own options, which are taken in every place. */
  everywhere: OptionOffer[]
  places: Place[]
}

function placesBelow(command: Command, path: string, inherited: OptionOffer[] = []): Place[] {
  return command.commands.flatMap((one) => {
    const place = placeOf(one, `${path} ${one.name()}`.trim())
    // The program's own has been offered.
    const options = [...inherited, ...place.options.filter(({ word }) => word !== '--help')]
    return [{ ...place, options }, ...placesBelow(one, place.path, options)]
  })
}

function placeOf(command: Command, path: string): Place {
  const help = command.createHelp()
  return {
    path,
    commands: help.visibleCommands(command).map((one) => ({ word: one.name(), about: one.description() })),
    options: help.visibleOptions(command).map(offerOf),
    arguments: command.registeredArguments.map((argument) => ({
      value: valueNamed(argument.name(), argument.argChoices),
      variadic: argument.variadic,
    })),
  }
}

function offerOf(option: Option): OptionOffer {
  const { long, short, description, flags, required, optional, argChoices } = option
  const forms = [long, short].filter((flag) => typeof flag === 'string')
  const placeholder = /[<[](.+?)(\.{3})?[>\]]/.exec(flags)?.[1] ?? ''
  return {
    word: forms[0] ?? flags,
    about: description,
    flags: forms,
    value: required || optional ? valueNamed(placeholder, argChoices) : undefined,
  }
}

/** Files and folders are told by what the placeholder is called. */
function valueNamed(placeholder: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return choices
  return placeholder === 'file' || placeholder === 'folder' ? placeholder : 'text'
}

/** What bash and zsh have in common: where a word leads, and what can stand in a place. */
function sharedFunctions({ name, everywhere, places }: Completion): string {
  const steps = places.flatMap(({ path, options }) => [
    ...(path === '' ? [] : [`${quoted(stepTo(path))}) place=${quoted(path)} ;;`]),
    ...awaitingOptions(options).map(({ flag, value }) => `${quoted(`${path}|${flag}`)}) ${awaiting(value)} ;;`),
  ])
  const anywhere = awaitingOptions(everywhere).map(({ flag, value }) => `*${quoted(`|${flag}`)}) ${awaiting(value)} ;;`)
  const arms = places.flatMap(({ path, commands, options, arguments: taken }) => [
    `${quoted(path)})`,
    ...(commands.length > 0 ? [`  offers=(${commands.map(described).join(' ')})`] : []),
    ...(options.length > 0 ? [`  flags=(${options.map(described).join(' ')})`] : []),
    ...taken.flatMap(({ value, variadic }, index) =>
      value === 'text' ? [] : [`  [ "$given" ${variadic ? '-ge' : '-eq'} ${index} ] && ${awaiting(value)}`],
    ),
    '  ;;',
  ])
  return `# Goes past a word, to the place behind it or to the value that it awaits.
_${name}_step() {
  if [ -n "$awaited" ]; then
    awaited='' choices=()
    return
  fi
  case "$place|$1" in
${indented(4, [...steps, ...anywhere])}
    *'|-') given=$((given + 1)) ;;
    *'|-'*) ;;
    *) given=$((given + 1)) ;;
  esac
}

# Finds what can stand in place of the unfinished word $1: offers, or the kind of value that is awaited.
_${name}_offer() {
  local -a flags
  flags=()
  case "$place" in
${indented(4, arms)}
  esac
  flags+=(${everywhere.map(described).join(' ')})
  if [ "\${1#-}" != "$1" ]; then
    awaited='' offers=("\${flags[@]}")
  elif [ -z "$awaited" ] && [ "\${#offers[@]}" -eq 0 ]; then
    offers=("\${flags[@]}")
  fi
}
`
}

function bashScript(completion: Completion): string {
  const { name } = completion
  return `# Completion of ${name} for bash. Made by "${name} completion bash".

${sharedFunctions(completion)}
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} place='' awaited='' given=0 i
  local -a offers choices
  offers=()
  choices=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    # Bash cuts --option=value before and behind the "=".
    [ "\${COMP_WORDS[i]}" = = ] || _${name}_step "\${COMP_WORDS[i]}"
  done
  if [ -z "$awaited" ]; then
    _${name}_offer "$cur"
  elif [ "$cur" = = ]; then
    cur=''
  fi
  case "$awaited" in
    # Where a function offers nothing, bash offers files by itself.
    file) ;;
    folder) compopt +o default -o dirnames ;;
    *) compopt +o default ;;
  esac 2>/dev/null
  for i in "\${offers[@]%%:*}" "\${choices[@]}"; do
    [[ $i == "$cur"* ]] && COMPREPLY+=("$i")
  done
}

complete -o default -F _${name} ${name}
`
}

function zshScript(completion: Completion): string {
  const { name } = completion
  return `#compdef ${name}
# Completion of ${name} for zsh. Made by "${name} completion zsh".

${sharedFunctions(completion)}
_${name}() {
  local cur=\${words[CURRENT]} place='' awaited='' given=0 i
  local -a offers choices
  for ((i = 2; i < CURRENT; i++)); do
    _${name}_step "\${words[i]}"
  done
  if [[ -z $awaited && $cur == -*=* ]]; then
    _${name}_step "\${cur%%=*}"
    compset -P '*='
  fi
  [[ -n $awaited ]] || _${name}_offer "$cur"
  case "$awaited" in
    file) _files ;;
    folder) _files -/ ;;
    choices) _describe value choices ;;
    '') _describe ${name} offers ;;
  esac
}

# The file may be read by ".zshrc" or lie in a folder of $fpath.
if [[ "\${funcstack[1]}" == _${name} ]]; then
  _${name} "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit; }
  compdef _${name} ${name}
fi
`
}

function fishScript({ name, everywhere, places }: Completion): string {
  const steps = places.flatMap(({ path, options }) => [
    ...(path === '' ? [] : [`case ${fishQuoted(stepTo(path))}`, `    set place ${fishQuoted(path)}`]),
    ...awaitingOptions(options).flatMap(({ flag }) => [`case ${fishQuoted(`${path}|${flag}`)}`, '    set awaited 1']),
  ])
  const anywhere = awaitingOptions(everywhere).flatMap(({ flag }) => [
    `case ${fishQuoted(`*|${flag}`)}`,
    '    set awaited 1',
  ])
  const optionLine = ({ flags, about, value }: OptionOffer, condition: string) => {
    const forms = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
    return `complete -c ${name}${condition} ${forms.join(' ')}${value === undefined ? '' : fishValue(value)} -d ${fishQuoted(about)}`
  }
  const lines = places.flatMap(({ path, commands, options, arguments: taken }) => {
    const at = (rest = '') => ` -n ${fishQuoted(`__${name}_at "${path}"${rest}`)}`
    return [
      ...commands.map(({ word, about }) => `complete -c ${name}${at()} -a ${word} -d ${fishQuoted(about)}`),
      ...options.map((option) => optionLine(option, at())),
      ...taken.flatMap(({ value, variadic }, index) =>
        value === 'text'
          ? []
          : [`complete -c ${name}${at(` ${variadic ? '-ge' : '-eq'} ${index}`)}${fishArgument(value)}`],
      ),
    ]
  })
  return `# Completion of ${name} for fish. Made by "${name} completion fish".

# Goes through the words before the unfinished one, once for each line: fish asks about each place that there is.
function __${name}_read
    set -g __${name}_words $argv
    set -g __${name}_place ''
    set -g __${name}_given 0
    set -l place ''
    set -l awaited 0
    for word in $argv[2..]
        if test $awaited -eq 1
            set awaited 0
            continue
        end
        switch "$place|$word"
${indented(12, [...steps, ...anywhere])}
            case '*|-'
                set __${name}_given (math $__${name}_given + 1)
            case '*|-*'
            case '*'
                set __${name}_given (math $__${name}_given + 1)
        end
    end
    set __${name}_place $place
end

# Whether the unfinished word stands in a place, behind so many arguments if that is asked.
function __${name}_at
    set -l words (commandline -opc)
    test "$words" = "$__${name}_words"; or __${name}_read $words
    test "$__${name}_place" = "$argv[1]"; or return
    test (count $argv) -eq 1; or test $__${name}_given $argv[2..]
end

complete -c ${name} -f
${everywhere.map((option) => optionLine(option, '')).join('\n')}
${lines.join('\n')}
`
}

/** The options whose next word is their value, one for each form. */
function awaitingOptions(options: OptionOffer[]): { flag: string; value: Value }[] {
  return options.flatMap(({ flags, value }) => (value === undefined ? [] : flags.map((flag) => ({ flag, value }))))
}

/** The place above a place, and the word that leads from there to it. */
function stepTo(path: string): string {
  const cut = path.lastIndexOf(' ')
  return cut < 0 ? `|${path}` : `${path.slice(0, cut)}|${path.slice(cut + 1)}`
}

function awaiting(value: Value): string {
  return typeof value === 'string' ? `awaited=${value}` : `awaited=choices choices=(${value.map(quoted).join(' ')})`
}

function described({ word, about }: Offer): string {
  return quoted(`${word}:${about}`)
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

function fishValue(value: Value): string {
  if (value === 'file') return ' -r -F'
  return ` -x${value === 'text' ? '' : fishArgument(value)}`
}

function fishArgument(value: Exclude<Value, 'text'>): string {
  if (value === 'file') return ' -F'
  return ` -a ${fishQuoted(value === 'folder' ? '(__fish_complete_directories)' : value.map(fishWord).join(' '))}`
}

function fishWord(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : fishQuoted(word)
}

function indented(by: number, lines: string[]): string {
  return lines.map((line) => ' '.repeat(by) + line).join('\n')
}
