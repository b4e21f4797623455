import { type Command, CommanderError } from 'commander'

/** What cannot be undone, or ends what others use: never proposed for a word that is not nearly this one. */
const irreversible: ReadonlySet<string> = new Set([
  'purge',
  'anonymize',
  'replay',
  'revoke',
  'remove',
  'cancel',
  'rotate-key',
  '--fix',
  '--yes',
  '--with-roles',
])

/** What people type who know other programs, and what it is called here. Only what can be undone or only reads. */
const synonyms: Readonly<Record<string, string>> = {
  ...{ remove: 'delete', rm: 'delete', del: 'delete', drop: 'delete', erase: 'delete', destroy: 'delete' },
  ...{ add: 'create', new: 'create', make: 'create', insert: 'create' },
  ...{ ls: 'list', all: 'list', find: 'list', search: 'list' },
  ...{ get: 'show', view: 'show', info: 'show', describe: 'show', read: 'show', status: 'show' },
  ...{ edit: 'update', change: 'update', set: 'update', modify: 'update', rename: 'update' },
  ...{ undelete: 'restore', recover: 'restore', undo: 'restore' },
  ...{ disable: 'suspend', block: 'suspend', lock: 'suspend', deactivate: 'suspend' },
  ...{
    enable: 'reactivate',
    unblock: 'reactivate',
    unlock: 'reactivate',
    activate: 'reactivate',
    unsuspend: 'reactivate',
  },
  ...{ watch: 'follow', wait: 'follow', download: 'fetch' },
  ...{ person: 'user', people: 'user', account: 'user', organization: 'tenant', log: 'audit', trail: 'audit' },
  ...{ start: 'serve', run: 'serve', server: 'serve', database: 'db', apikey: 'key' },
}

/**
 * The one of the candidates that was probably meant: a near spelling (one slip in a short word, two in a long one), else a
 * synonym. Undefined where there is none, or more than one: a wrong guess is worse than none.
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const given = word.toLowerCase()
  const known = [...new Set(candidates)]
  const distances = known
    .map((candidate) => ({ candidate, distance: slips(given, candidate) }))
    .filter(({ candidate, distance }) => distance <= allowedSlips(candidate))
    .sort((a, b) => a.distance - b.distance)
  const [nearest, second] = distances
  if (nearest !== undefined) return nearest.distance === second?.distance ? undefined : nearest.candidate
  const meant = Object.hasOwn(synonyms, given) ? synonyms[given] : undefined
  return meant !== undefined && known.includes(meant) && !irreversible.has(meant) ? meant : undefined
}

function allowedSlips(candidate: string): number {
  const { length } = candidate.replace(/^--/, '')
  if (length < 3) return 0
  return irreversible.has(candidate) || length < 8 ? 1 : 2
}

/** How many slips of the fingers are between two words: a letter left out, added, mistaken, or two in the wrong order. */
function slips(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const mistaken = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : mistaken
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, mistaken, swapped))
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The error of an unknown command or option with what was probably meant; every other error as it is. */
export function withSuggestion(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error
  const [, kind, word] = /^error: unknown (command|option) '(.*)'$/.exec(error.message) ?? []
  if (kind === undefined || word === undefined) return error
  const place = placeOf(program, argv, word)
  const meant = suggest(word, kind === 'command' ? commandsOf(place) : optionsOf(place))
  if (meant === undefined) return error
  return new CommanderError(error.exitCode, error.code, `${error.message} (Did you mean ${meant}?)`)
}

/** The command that the words before the unknown one lead to. */
function placeOf(program: Command, argv: readonly string[], unknown: string): Command {
  let place = program
  for (const word of argv) {
    if (word === unknown || word.startsWith(`${unknown}=`)) break
    place = place.commands.find((command) => command.name() === word) ?? place
  }
  return place
}

function commandsOf(place: Command): string[] {
  return place
    .createHelp()
    .visibleCommands(place)
    .map((command) => command.name())
}

function optionsOf(place: Command): string[] {
  const options = place.createHelp().visibleOptions(place)
  const own = options.flatMap(({ long }) => long ?? [])
  return place.parent === null ? own : [...own, ...optionsOf(place.parent)]
}
