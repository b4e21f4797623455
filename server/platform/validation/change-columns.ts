/**
 * A field of a change, read for its column: undefined leaves the column alone, null clears it, `read` checks any other
 * value. Throws what `read` throws.
 */
export function changed<Given, Stored>(
  value: Given,
  read: (value: NonNullable<Given>) => Stored,
): Stored | Extract<Given, null | undefined> {
  return value === undefined || value === null ? (value as Extract<Given, null | undefined>) : read(value)
}

/** Only the columns that the change names. */
export function namedColumns<Columns extends object>(columns: Columns): Named<Columns> {
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as Named<Columns>
}

type Named<Columns> = { [Name in keyof Columns]?: Exclude<Columns[Name], undefined> }
