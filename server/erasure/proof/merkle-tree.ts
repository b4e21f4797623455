import { hash as digest } from 'node:crypto'

/**
 * The Merkle tree of RFC 9162, section 2.1, with SHA-256. A signed root covers each leaf separately. A reader who has one
 * leaf and its path can check that the leaf is in the tree. The path has hashes of other leaves, and nothing else of them.
 */

/** A root that is computed leaf by leaf (section 2.1.1). It keeps one hash for each level of the tree. */
export class MerkleRoot {
  /** The roots of the complete trees so far, each larger than the next, with their numbers of leaves. */
  readonly #complete: { size: number; hash: Buffer }[] = []

  add(leaf: string): void {
    this.addHash(hashLeaf(leaf))
  }

  /** Adds a leaf by its hash. */
  addHash(hash: Buffer): void {
    let last = { size: 1, hash }
    for (let before = this.#complete.at(-1); before?.size === last.size; before = this.#complete.at(-1)) {
      this.#complete.pop()
      last = { size: 2 * last.size, hash: hashNode(before.hash, last.hash) }
    }
    this.#complete.push(last)
  }

  /** The root in hexadecimal; without leaves, the hash of nothing. */
  hex(): string {
    return this.hash().toString('hex')
  }

  /** The root. */
  hash(): Buffer {
    const smaller = this.#complete.map(({ hash }) => hash)
    const root = smaller.reduceRight<Buffer | undefined>(
      (right, left) => (right === undefined ? left : hashNode(left, right)),
      undefined,
    )
    return root ?? digest('sha256', '', 'buffer')
  }
}

/** The path from a leaf to the root (section 2.1.3.1): hashes in hexadecimal, the one beside the leaf first. */
export function merklePath(leaves: readonly string[], index: number): string[] {
  if (index < 0 || index >= leaves.length) throw new RangeError('the tree has no such leaf')
  return pathOf(leaves.map(hashLeaf), index).map((hash) => hash.toString('hex'))
}

function pathOf(hashes: readonly Buffer[], index: number): Buffer[] {
  if (hashes.length === 1) return []
  const split = largestPowerBelow(hashes.length)
  const [left, right] = [hashes.slice(0, split), hashes.slice(split)]
  return index < split ? [...pathOf(left, index), rootOf(right)] : [...pathOf(right, index - split), rootOf(left)]
}

function rootOf(hashes: readonly Buffer[]): Buffer {
  const root = new MerkleRoot()
  for (const hash of hashes) root.addHash(hash)
  return root.hash()
}

/** The largest power of two that is smaller than a number of leaves, which is at least 2. */
function largestPowerBelow(size: number): number {
  let power = 1
  while (2 * power < size) power *= 2
  return power
}

/**
 * Whether a leaf stands at this place of a tree with so many leaves and this root (section 2.1.3.2). The path is what
 * {@link merklePath} returns.
 */
export function isInTree(
  leaf: string,
  { index, size, path, root }: { index: number; size: number; path: readonly string[]; root: string },
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false
  let [place, last] = [index, size - 1]
  let hash = hashLeaf(leaf)
  for (const text of path) {
    if (!/^[0-9a-f]{64}$/.test(text) || last === 0) return false
    const beside = Buffer.from(text, 'hex')
    if (place % 2 === 1 || place === last) {
      hash = hashNode(beside, hash)
      // A leaf at the right edge has no neighbor on some levels.
      while (place % 2 === 0 && place > 0) {
        place = Math.floor(place / 2)
        last = Math.floor(last / 2)
      }
    } else hash = hashNode(hash, beside)
    place = Math.floor(place / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && hash.toString('hex') === root
}

/** The hash of a leaf begins with 0 and that of a node with 1, so that none passes for the other. */
const nodePrefix = Buffer.from([1])

function hashLeaf(leaf: string): Buffer {
  return digest('sha256', `\0${leaf}`, 'buffer')
}

function hashNode(left: Buffer, right: Buffer): Buffer {
  return digest('sha256', Buffer.concat([nodePrefix, left, right]), 'buffer')
}
