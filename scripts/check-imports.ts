import { readFile } from 'node:fs/promises'
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser'

// Fails where an import of the server points up, where files import each other in a circle, and where a room has no floor.
// Types count. The floors are in server/floors.json, from the ground to the roof: an import points to the same room or to a
// room on a lower floor. Tests stand outside: a story runs through many rooms.

const floors = JSON.parse(await readFile(new URL('../server/floors.json', import.meta.url), 'utf8')) as string[][]

const pathOf = (rooms: string[]) =>
  `^server/(${rooms.map((room) => room.replace('.', '\\.') + (room.endsWith('.ts') ? '$' : '/')).join('|')})`

const forbidden: IForbiddenRuleType[] = [
  ...floors.flatMap((rooms, floor) =>
    rooms.map(
      (room): IForbiddenRuleType => ({
        name: `${room} imports only from lower floors`,
        from: { path: pathOf([room]) },
        to: { path: '^server/', pathNot: pathOf([room, ...floors.slice(0, floor).flat()]) },
      }),
    ),
  ),
  { name: 'no circle of files', from: { path: '^server/' }, to: { circular: true } },
  {
    name: 'each room has its floor in server/floors.json',
    from: { path: '^server/', pathNot: pathOf(floors.flat()) },
    to: {},
  },
  {
    name: 'the server imports nothing of tests, benchmarks and scripts',
    from: { path: '^server/' },
    to: { path: '^(test|bench|scripts)/' },
  },
]

const { output } = await cruise(['server'], {
  ruleSet: { forbidden },
  validate: true,
  // The compiler of TypeScript 7 has no interface for others yet.
  parser: 'swc',
  tsPreCompilationDeps: true,
  exclude: { path: '\\.test\\.ts$' },
  doNotFollow: { path: 'node_modules' },
  enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs'] },
})
const { violations, totalDependenciesCruised } = (output as ICruiseResult).summary
if ((totalDependenciesCruised ?? 0) === 0) throw new Error('no import was read')
for (const { rule, from, to, cycle } of violations) {
  const way = cycle === undefined ? to : cycle.map(({ name }) => name).join(' -> ')
  process.stderr.write(`${rule.name}: ${from} -> ${way}\n`)
}
if (violations.length === 0) {
  process.stdout.write(`All ${totalDependenciesCruised} imports point down, and none runs in a circle.\n`)
} else {
  process.stderr.write(`${violations.length} imports break a rule.\n`)
  process.exitCode = 1
}
