import { type Static, type TSchema, type TUnknown, type TUnsafe, Type } from 'typebox'

/** A schema that the document has once, under its name; the server must know it (`addSchema`). */
export type SharedSchema<Schema extends TSchema> = { schema: Schema & { $id: string }; ref: TUnsafe<Static<Schema>> }

/** Gives a schema a name; `ref` stands for it in other schemas. */
export function sharedSchema<Schema extends TSchema>(name: string, schema: Schema): SharedSchema<Schema> {
  return {
    schema: { ...schema, $id: name },
    ref: Type.Unsafe<Static<Schema>>({ $ref: `${name}#` }),
  }
}

/** An answer that is not JSON, or not only: its content types with their schemas. */
export function mediaTypes(description: string, schemas: Record<string, object>): TUnknown {
  const content = Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]))
  return { description, content } as unknown as TUnknown
}
