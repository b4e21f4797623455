#!/usr/bin/env node
// Starts the command line on the Node that the lockfile pins, whatever the machine's own Node is (20 or newer).
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import { fileURLToPath } from 'node:url'

const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const cli = fileURLToPath(new URL('../server/cli.ts', import.meta.url))
// Compiled modules are kept, which halves the time that a command takes to start.
const compiled = fileURLToPath(new URL('../node_modules/.cache/lethe/compiled', import.meta.url))

if (process.execPath === pinned || !existsSync(pinned)) {
  if (Number(process.versions.node.split('.')[0]) < 24) {
    process.stderr.write('Lethe needs its packages first. Run "npm install" in its folder, or "npm run demo".\n')
    process.exit(6)
  }
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE ?? compiled)
  await import(cli)
} else {
  const child = spawn(pinned, [cli, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: compiled, ...process.env },
  })
  // The terminal sends Ctrl-C to the child as well: wait for it to end in order. A signal sent to this process alone is passed on.
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}
