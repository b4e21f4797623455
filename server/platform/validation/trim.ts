/** The code points with the property White_Space of Unicode, and the byte order mark, which no reader sees. */
export const whiteSpace: readonly number[] = [
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
  0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff,
]
const among: ReadonlySet<number> = new Set(whiteSpace)

/** The text without the white space at its ends: the property White_Space, and U+FEFF. */
export function trim(text: string): string {
  let start = 0
  let end = text.length
  // All of them are single UTF-16 units.
  while (start < end && among.has(text.charCodeAt(start))) start++
  while (end > start && among.has(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}
