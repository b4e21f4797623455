/** Chance that takes the same course for the same seed. */
export type Random = {
  /** A whole number from 0 to below - 1. */
  below(below: number): number
  /** True so many times out of a hundred, on average. */
  chance(percent: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** So many different items, in an order of their own; all of them where there are fewer. */
  some<Item>(items: readonly Item[], count: number): Item[]
  /** A UUID (RFC 9562, version 8: made by a rule of one's own). */
  uuid(): string
}

/** The mulberry32 generator: short, even enough for made-up people, and no secret can come from it. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new RangeError('there is nothing to pick from')
      return item
    },
    some(items, count) {
      const rest = [...items]
      return Array.from({ length: Math.min(count, items.length) }, () => rest.splice(below(rest.length), 1)).flat()
    },
    uuid() {
      const digits = Array.from({ length: 32 }, () => below(16).toString(16)).join('')
      const variant = '89ab'[below(4)]
      return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`
    },
  }
}
