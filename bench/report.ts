/** One measured promise. `ratio` is ours to the floor, or the floor to ours where more is better. */
export type Row = {
  what: string
  floor: string
  ours: string
  ratio: number
  target: string
  met: boolean
  /** Whether more is better, where the target does not tell. */
  better?: 'more'
}

/** Prints the rows as a table on standard output. */
export function printTable(rows: Row[]): void {
  const cells = [
    ['what', 'floor', 'ours', 'ratio', 'target', ''],
    ...rows.map((row) => [row.what, row.floor, row.ours, row.ratio.toFixed(2), row.target, row.met ? 'met' : 'MISSED']),
  ]
  console.log(formatTable(cells))
}

/** Lines of cells as a table. */
export function formatTable(cells: readonly string[][]): string {
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? []
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The middle one of a list of numbers. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) throw new RangeError('the median of nothing')
  return middle
}

/** Milliseconds for people. */
export function milliseconds(value: number): string {
  return value < 100 ? `${value.toFixed(1)} ms` : `${Math.round(value).toLocaleString('en-US')} ms`
}

/** Mebibytes for people. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
