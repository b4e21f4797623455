/**
 * A line of CSV (RFC 4180, commas) with its line end. Cells with anything that some program takes for a separator, a
 * quote or a line break are quoted, and so are those with space at an end, which some programs would drop.
 */
export function csvLine(cells: readonly string[]): string {
  const line = cells.map((cell) => (/[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
  // One empty cell alone would be an empty line.
  return `${line.length === 1 && line[0] === '' ? '""' : line.join(',')}\r\n`
}
