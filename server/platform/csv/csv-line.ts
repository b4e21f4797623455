/**
 * A line of CSV (RFC 4180, commas) with its line end. Quotes cells with characters that some program takes for a
 * separator, a quote or a line break. It also quotes cells with a space at an end, which some programs would drop.
 */
export function csvLine(cells: readonly string[]): string {
  const line = cells.map((cell) => (/[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
  // One empty cell alone would be an empty line.
  return `${line.length === 1 && line[0] === '' ? '""' : line.join(',')}\r\n`
}
