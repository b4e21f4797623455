// A spreadsheet runs a cell as a formula when it begins with one of these; the wide forms count in East Asian versions.
const formulaStart = '[=+\\-@\\t\\r\\n＝＋－＠]'
const needsGuard = new RegExp(`^'*${formulaStart}`)
const isGuarded = new RegExp(`^'+${formulaStart}`)

/**
 * The cell with an apostrophe in front where a spreadsheet would run it as a formula. A cell that looks guarded already
 * gets another apostrophe, so that {@link removeGuard} gives back exactly what was there.
 */
export function guardFormula(cell: string): string {
  return needsGuard.test(cell) ? `'${cell}` : cell
}

/** Undoes {@link guardFormula}, and nothing else. */
export function removeGuard(cell: string): string {
  return isGuarded.test(cell) ? cell.slice(1) : cell
}
