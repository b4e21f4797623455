/** Punycode (RFC 3492) of one label, with the parameters of IDNA; `lethe_punycode` computes the same in PostgreSQL. */

const base = 36
const tMin = 1
const tMax = 26
const skew = 38
const damp = 700
const initialBias = 72
const initialN = 128

/** The Punycode of a label, without the prefix `xn--`. */
export function encodePunycode(label: string): string {
  const input = Array.from(label, (character) => character.codePointAt(0) ?? 0)
  const basic = input.filter((codePoint) => codePoint < initialN)
  let output = String.fromCharCode(...basic)
  if (basic.length > 0) output += '-'
  let n = initialN
  let delta = 0
  let bias = initialBias
  let handled = basic.length
  while (handled < input.length) {
    const next = Math.min(...input.filter((codePoint) => codePoint >= n))
    delta += (next - n) * (handled + 1)
    n = next
    for (const codePoint of input) {
      if (codePoint < n) delta++
      if (codePoint !== n) continue
      let q = delta
      for (let k = base; ; k += base) {
        const t = threshold(k, bias)
        if (q < t) break
        output += digit(t + ((q - t) % (base - t)))
        q = Math.floor((q - t) / (base - t))
      }
      output += digit(q)
      bias = adapt(delta, handled + 1, handled === basic.length)
      delta = 0
      handled++
    }
    delta++
    n++
  }
  return output
}

/** The label of a Punycode, given without the prefix `xn--`; undefined where it is none. */
export function decodePunycode(punycode: string): string | undefined {
  const delimiter = punycode.lastIndexOf('-')
  const output = Array.from(punycode.slice(0, Math.max(delimiter, 0)), (character) => character.charCodeAt(0))
  if (output.some((codePoint) => codePoint >= initialN)) return undefined
  let n = initialN
  let i = 0
  let bias = initialBias
  let at = delimiter < 0 ? 0 : delimiter + 1
  while (at < punycode.length) {
    const before = i
    let weight = 1
    for (let k = base; ; k += base) {
      const value = digitValue(punycode.charCodeAt(at++))
      if (value === undefined) return undefined
      i += value * weight
      if (i > 0x7fffffff) return undefined
      const t = threshold(k, bias)
      if (value < t) break
      weight *= base - t
    }
    const length = output.length + 1
    bias = adapt(i - before, length, before === 0)
    n += Math.floor(i / length)
    if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff)) return undefined
    i %= length
    output.splice(i++, 0, n)
  }
  return String.fromCodePoint(...output)
}

function threshold(k: number, bias: number): number {
  return Math.min(Math.max(k - bias, tMin), tMax)
}

function adapt(delta: number, length: number, isFirst: boolean): number {
  let rest = Math.floor(delta / (isFirst ? damp : 2))
  rest += Math.floor(rest / length)
  let k = 0
  while (rest > ((base - tMin) * tMax) / 2) {
    rest = Math.floor(rest / (base - tMin))
    k += base
  }
  return k + Math.floor(((base - tMin + 1) * rest) / (rest + skew))
}

function digit(value: number): string {
  return String.fromCharCode(value < 26 ? value + 0x61 : value + 0x16)
}

/** Undefined beyond the end, too. */
function digitValue(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x16
  if (code >= 0x61 && code <= 0x7a) return code - 0x61
  return undefined
}
