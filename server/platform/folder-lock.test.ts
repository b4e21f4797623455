import { spawn } from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAlive, lockFolder, markThisProcess, tryLockFolder } from './folder-lock.ts'

const module = new URL('./folder-lock.ts', import.meta.url).href
let folder: string

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'lethe-lock-'))
})
afterEach(async () => {
  await fs.rm(folder, { recursive: true, force: true })
})

describe('a folder lock', () => {
  it('is held by one and names the holder to the next', async () => {
    const first = await tryLockFolder({ folder, name: 'claim', purpose: 'a test' })
    expect(first).toHaveProperty('lock')
    expect(await tryLockFolder({ folder, name: 'claim', purpose: 'another' })).toEqual({
      heldBy: { ...markThisProcess(), purpose: 'a test' },
    })
    expect(await tryLockFolder({ folder, name: 'other', purpose: 'another name' })).toHaveProperty('lock')
  })

  it('can be taken again after any number of releases and leaves few files', async () => {
    for (let n = 0; n < 40; n++) {
      const lock = await lockFolder({ folder, name: 'claim', purpose: 'a test' })
      await lock.release()
    }
    expect((await fs.readdir(path.join(folder, 'locks'))).length).toBeLessThanOrEqual(9)
  })

  it('is taken over from a process that died, from a pid that passed on, and from a file damaged by a crash', async () => {
    const locks = path.join(folder, 'locks')
    await fs.mkdir(locks)
    const child = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => child.on('close', resolve))
    const stale = [
      JSON.stringify({ pid: child.pid, started: null, purpose: 'dead' }),
      ...(process.platform === 'linux' ? [JSON.stringify({ pid: process.pid, started: 'long ago', purpose: '' })] : []),
      '',
    ]
    for (const content of stale) {
      await fs.rm(locks, { recursive: true })
      await fs.mkdir(locks)
      await fs.writeFile(path.join(locks, 'claim.7'), content)
      expect(await tryLockFolder({ folder, name: 'claim', purpose: 'a test' })).toHaveProperty('lock')
    }
  })

  it('lets only one in at a time when processes compete for it and some are killed while they hold it', async () => {
    const ledger = path.join(folder, 'ledger')
    await fs.writeFile(ledger, '')
    const script = `
      import fs from 'node:fs'
      const { lockFolder } = await import(${JSON.stringify(module)})
      for (let n = 0; n < 15; n++) {
        const lock = await lockFolder({ folder: ${JSON.stringify(folder)}, name: 'claim', purpose: 'compete' })
        fs.appendFileSync(${JSON.stringify(ledger)}, 'in ' + process.pid + '\\n')
        await new Promise((resolve) => setTimeout(resolve, 3))
        if (n === 7 && process.argv[1] === 'dies') process.kill(process.pid, 'SIGKILL')
        fs.appendFileSync(${JSON.stringify(ledger)}, 'out ' + process.pid + '\\n')
        await lock.release()
      }`
    const children = ['lives', 'dies', 'lives', 'dies'].map((fate) =>
      spawn(process.execPath, ['--input-type=module', '-e', script, fate], { stdio: 'inherit' }),
    )
    const ends = await Promise.all(
      children.map((child) => new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))),
    )
    expect(ends).toEqual([0, 'SIGKILL', 0, 'SIGKILL'])

    const killed = new Set([children[1]?.pid, children[3]?.pid].map(String))
    const lines = (await fs.readFile(ledger, 'utf8')).trim().split('\n')
    expect(lines.filter((line) => line.startsWith('in ')).length).toBe(15 * 2 + 8 * 2)
    let inside: string | undefined
    for (const line of lines) {
      const [act, pid] = line.split(' ')
      if (act === 'in') {
        if (inside !== undefined) expect(killed).toContain(inside)
        inside = pid
      } else {
        expect(pid).toBe(inside)
        inside = undefined
      }
    }
  }, 60_000)
})

describe('a process mark', () => {
  it('is alive for this process and for no process of another start', () => {
    expect(isAlive(markThisProcess())).toBe(true)
    expect(isAlive({ pid: process.pid, started: null })).toBe(true)
    if (process.platform === 'linux') expect(isAlive({ pid: process.pid, started: 'another boot/1' })).toBe(false)
  })
})
