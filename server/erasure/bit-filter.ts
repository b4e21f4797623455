const bitsPerEntry = 16
const probes = 6

/**
 * Tells of any number of random-looking entries, in two bytes for each, that an entry is not among them; one in a
 * thousand of the others it takes for one that is (a Bloom filter). Entries are hashes: two words of them are enough.
 */
export class BitFilter {
  readonly #bits: Uint32Array
  readonly #mask: number

  /** Makes room for so many entries. */
  constructor(entries: number) {
    const bits = 2 ** Math.max(10, Math.min(32, Math.ceil(Math.log2(Math.max(1, entries) * bitsPerEntry))))
    this.#bits = new Uint32Array(bits / 32)
    this.#mask = bits - 1
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
