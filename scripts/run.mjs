// Runs a command of the project after making sure that its npm packages are installed as the lockfile says.
// Plain JavaScript for the machine's own Node (20 or newer): the pinned Node 24 is one of those packages.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = path.join(root, 'node_modules', '.bin')

if (!isInstalled()) {
  process.stdout.write('Installing the npm packages that the lockfile names …\n')
  const install = spawnSync('npm', ['ci', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (install.status !== 0) {
    process.stderr.write(
      'npm ci failed; see above. Check the network and the npm registry, then run the command again.\n',
    )
    process.exit(install.status ?? 1)
  }
}

const [command, ...args] = process.argv.slice(2)
const own =
  command === 'lethe' ? [path.join(bin, 'node'), path.join(root, 'server', 'cli.ts')] : [path.join(bin, command)]
// Compiled modules are kept: processes of tests load the same ones again and again.
const compiled = path.join(root, 'node_modules', '.cache', 'lethe', 'compiled')
const run = spawn(own[0], [...own.slice(1), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` },
})
// The terminal sends Ctrl-C to the command as well: wait for it to end in order. A signal sent to this process alone is passed on.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => run.kill('SIGTERM'))
run.on('error', (error) => {
  throw error
})
run.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
})

/** npm writes node_modules/.package-lock.json last, with every package that it installed and its version. */
function isInstalled() {
  const installed = path.join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installed) || !existsSync(path.join(bin, 'node'))) return false
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(wanted).every(
    ([name, entry]) => name === '' || entry.optional || present[name]?.version === entry.version,
  )
}
