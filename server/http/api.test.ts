import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Api, apiAt } from './api.ts'

const api = (...prefixes: string[]): Api => ({ title: 'Any', prefixes, plugin: () => undefined })

describe('an address', () => {
  it('belongs to the API whose prefix it begins with, up to the end of a word', () => {
    const stars = api('/star/v1', '/comets')
    const plain = api('/plain')
    const rest = fc.oneof(
      fc.constantFrom('', '/', '/x', '?x', '(1)', '.x', '#', '%20', '-', '-x', '_', '0', 'a'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.constantFrom('/star/v1', '/comets', '/plain'), rest, (prefix, behind) => {
        const owner = prefix === '/plain' ? plain : stars
        expect(apiAt([stars, plain], `${prefix}${behind}`)).toBe(/^[A-Za-z0-9_-]/.test(behind) ? undefined : owner)
      }),
    )
    for (const address of ['', '/', '/star', '/x/star/v1']) expect(apiAt([stars, plain], address)).toBeUndefined()
  })
})
