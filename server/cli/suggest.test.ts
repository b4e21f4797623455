import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effort } from '../../test/effort.ts'
import { runCommand } from '../../test/run-command.ts'
import { suggest } from './suggest.ts'

const top = ['demo', 'serve', 'user', 'catalog', 'skill', 'preview', 'purge', 'anonymize', 'erasure', 'certificate']
const ofUser = ['list', 'show', 'create', 'update', 'suspend', 'reactivate', 'delete', 'restore', 'transcript']

describe('a suggestion', () => {
  it.each([
    ['course', top, undefined],
    ['urge', top, 'purge'],
    ['pruge', top, 'purge'],
    ['purr', top, undefined],
    ['anonymise', top, 'anonymize'],
    ['certifcate', top, 'certificate'],
    ['remove', ofUser, 'delete'],
    ['rm', ofUser, 'delete'],
    ['restor', ofUser, 'restore'],
    ['creaet', ofUser, 'create'],
    ['people', top, 'user'],
    ['remove', ['list', 'revoke'], undefined],
    ['erase', top, undefined],
    ['--yse', ['--yes', '--json'], '--yes'],
    ['--force', ['--yes', '--fix'], undefined],
    ['constructor', top, undefined],
  ])('for %s is a near spelling or a synonym, and never leads to harm', (word, candidates, expected) => {
    expect(suggest(word, candidates)).toBe(expected)
  })

  it('is an act that cannot be undone only for what is one slip away from its name', () => {
    const harmful = ['purge', 'anonymize', 'replay', 'revoke', 'remove']
    const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz-')
    const edits = fc.array(fc.record({ at: fc.nat(9), take: fc.nat(2), put: fc.array(letter, { maxLength: 2 }) }), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(fc.constantFrom(...harmful), edits, (name, slips) => {
        const letters = [...name]
        for (const { at, take, put } of slips) letters.splice(at, take, ...put)
        const word = letters.join('')
        const meant = suggest(word, harmful)
        if (meant === undefined) return
        const without = (text: string) => Array.from(text, (_, at) => text.slice(0, at) + text.slice(at + 1))
        const swapped = Array.from(meant.slice(1), (_, at) => {
          return meant.slice(0, at) + meant[at + 1] + meant[at] + meant.slice(at + 2)
        })
        // Equal, with two letters swapped, or equal once one letter is taken from one of them or from both.
        const near = [meant, ...swapped, ...without(meant)]
        const sameWithoutOne = without(word).some((rest) => rest === meant || without(meant).includes(rest))
        expect(near.includes(word) || sameWithoutOne).toBe(true)
      }),
      { numRuns: effort(500, 5000) },
    )
  })

  it.each([
    [['weather'], /^lethe: Unknown command 'weather'\. "lethe --help"/],
    [['user', 'remove', '--ref', 'x'], /^lethe: Unknown command 'remove' \(Did you mean delete\?\)/],
    [['--tenant', 'Acme', 'user', 'lst'], /^lethe: Unknown command 'lst' \(Did you mean list\?\)/],
    [['user', 'list', '--serach', 'x'], /^lethe: Unknown option '--serach' \(Did you mean --search\?\)/],
    [['user', 'list', '--jsn'], /\(Did you mean --json\?\)/],
    [['purge', '--force'], /^lethe: Unknown option '--force'\. "lethe --help"/],
  ])('stands in the message of lethe %j where there is one', async (args, expected) => {
    const { code, stderr } = await runCommand({}, args)
    expect(code).toBe(2)
    expect(stderr).toMatch(expected)
  })
})
