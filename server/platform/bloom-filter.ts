const bitsPerEntry = 16
const probes = 6

/**
 * A Bloom filter for any number of random-looking entries, with two bytes for each. It tells that an entry is not among
 * them. One in a thousand other entries is a false positive. Entries are hashes: two words of them are enough.
 */
export class BloomFilter {
  #bits: Uint32Array
  #mask: number

  /** Makes room for so many entries. */
  constructor(entries: number) {
    const bits = 2 ** Math.max(10, Math.min(32, Math.ceil(Math.log2(Math.max(1, entries) * bitsPerEntry))))
    this.#bits = new Uint32Array(bits / 32)
    this.#mask = bits - 1
  }

  /** The filter that {@link toBytes} made bytes of. */
  static fromBytes(bytes: Buffer): BloomFilter {
    const filter = new BloomFilter(0)
    filter.#bits = Uint32Array.from({ length: bytes.length / 4 }, (_, word) => bytes.readUInt32LE(4 * word))
    filter.#mask = 8 * bytes.length - 1
    return filter
  }

  /** The bits, in words of four bytes, the lowest first. */
  toBytes(): Buffer {
    const bytes = Buffer.alloc(4 * this.#bits.length)
    for (const [word, bits] of this.#bits.entries()) bytes.writeUInt32LE(bits, 4 * word)
    return bytes
  }

  add(first: number, second: number): void {
    for (let probe = 0; probe < probes; probe++) {
      const bit = this.#bit(first, second, probe)
      this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << (bit & 31))
    }
  }

  mayHold(first: number, second: number): boolean {
    for (let probe = 0; probe < probes; probe++) {
      const bit = this.#bit(first, second, probe)
      if (((this.#bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
    }
    return true
  }

  #bit(first: number, second: number, probe: number): number {
    return ((first + Math.imul(probe, second | 1)) & this.#mask) >>> 0
  }
}
