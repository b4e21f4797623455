import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isInTree, MerkleRoot, merklePath } from './merkle-tree.ts'

const rootOf = (leaves: string[]) => {
  const root = new MerkleRoot()
  for (const leaf of leaves) root.add(leaf)
  return root.hex()
}
const sha = (...parts: (string | Buffer)[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The definition of RFC 9162, section 2.1.1, word for word. */
function definedRoot(leaves: string[]): Buffer {
  if (leaves.length === 0) return sha()
  if (leaves.length === 1) return sha('\0', leaves[0] ?? '')
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return sha('\x01', definedRoot(leaves.slice(0, k)), definedRoot(leaves.slice(k)))
}

const tree = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { minLength: 1, maxLength: 70 })

it('has the root that the standard defines, for any number of leaves', () => {
  expect(rootOf([])).toBe(sha().toString('hex'))
  fc.assert(
    fc.property(tree, (leaves) => {
      expect(rootOf(leaves)).toBe(definedRoot(leaves).toString('hex'))
    }),
  )
})

it('proves every leaf of a tree of any size at its place, and at no other', () => {
  for (let size = 1; size <= 66; size++) {
    const leaves = Array.from({ length: size }, (_, n) => `leaf ${n}`)
    const root = rootOf(leaves)
    for (const [index, leaf] of leaves.entries()) {
      const path = merklePath(leaves, index)
      expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)))
      const places = leaves.keys().filter((at) => isInTree(leaf, { index: at, size, path, root }))
      expect([...places]).toEqual([index])
    }
  }
})

it('proves nothing that is not in the tree: another leaf, path, size or root', () => {
  fc.assert(
    fc.property(tree, fc.nat(), fc.string(), fc.nat({ max: 255 }), (leaves, at, other, byte) => {
      const index = at % leaves.length
      const leaf = leaves[index] ?? ''
      const path = merklePath(leaves, index)
      const given = { index, size: leaves.length, path, root: rootOf(leaves) }
      expect(isInTree(leaf, given)).toBe(true)
      if (other !== leaf) expect(isInTree(other, given)).toBe(false)
      expect(isInTree(leaf, { ...given, path: [...path, byte.toString(16).padStart(64, '0')] })).toBe(false)
      if (path.length > 0) {
        expect(isInTree(leaf, { ...given, path: path.slice(1) })).toBe(false)
        const changed = path.map((hash, n) => (n === byte % path.length ? sha(hash).toString('hex') : hash))
        expect(isInTree(leaf, { ...given, path: changed })).toBe(false)
      }
      expect(isInTree(leaf, { ...given, root: sha(given.root).toString('hex') })).toBe(false)
      expect(isInTree(leaf, { ...given, index: index + leaves.length })).toBe(false)
      expect(isInTree(leaf, { ...given, index: -1 })).toBe(false)
      expect(isInTree(leaf, { ...given, index: index + 0.5 })).toBe(false)
      expect(isInTree(leaf, { ...given, path: path.map((hash) => hash.toUpperCase().replace(/^\d/, 'A')) })).toBe(
        path.length === 0,
      )
    }),
  )
})
