import fc from 'fast-check'

/** A schema of the document, as far as requests are made of it. */
export type Schema = {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minItems?: number
  maxItems?: number
  minProperties?: number
  maxProperties?: number
  additionalProperties?: boolean
}

export type Parameter = { name: string; in: 'path' | 'query' | 'header' | 'cookie'; required?: boolean; schema: Schema }

export type OpenApiOperation = {
  method: string
  path: string
  permission: string
  /** The path parameter that names the user that it is done to. */
  target: string | undefined
  parameters: Parameter[]
  /** The content type and the schema of the body, where the operation takes one. */
  body: { type: string; schema: Schema } | undefined
  /** The statuses that are declared. */
  statuses: number[]
}

type Document = {
  paths: Record<
    string,
    Record<
      string,
      {
        'x-permission'?: string
        'x-permission-target'?: string
        parameters?: Parameter[]
        requestBody?: { content: Record<string, { schema: Schema }> }
        responses: Record<string, unknown>
      }
    >
  >
}

/** Every operation of an OpenAPI document. */
export function operationsOf(document: Document): OpenApiOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const [content] = Object.entries(operation.requestBody?.content ?? {})
      return {
        method: method.toUpperCase(),
        path,
        permission: operation['x-permission'] ?? 'none',
        target: operation['x-permission-target'],
        parameters: operation.parameters ?? [],
        body: content === undefined ? undefined : { type: content[0], schema: content[1].schema },
        statuses: Object.keys(operation.responses).map(Number),
      }
    }),
  )
}

/** The code of an error, in whichever shape the API answers it. */
export function codeOf(json: { code?: string; error?: { code?: string } } | undefined): string | undefined {
  return json?.error?.code ?? json?.code
}

/** The smallest value that a schema allows. */
export function smallestOf(schema: Schema): unknown {
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf?.[0] !== undefined) return smallestOf(schema.anyOf[0])
  switch ([schema.type].flat()[0]) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .toSorted(([a], [b]) => Number(isRequired(schema, b)) - Number(isRequired(schema, a)))
          .filter(([name], at) => isRequired(schema, name) || at < (schema.minProperties ?? 0))
          .map(([name, property]) => [name, smallestOf(property)]),
      )
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => smallestOf(schema.items ?? {}))
    case 'integer':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'string':
      if (schema.format === 'uuid') return '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'
      if (schema.format === 'date-time') return '2026-03-01T00:00:00Z'
      if (schema.pattern !== undefined) return fc.sample(fc.stringMatching(new RegExp(schema.pattern)), anyOne)[0]
      return 'x'.repeat(Math.max(1, schema.minLength ?? 1))
    default:
      return null
  }
}

function isRequired(schema: Schema, name: string): boolean {
  return schema.required?.includes(name) ?? false
}

/** One sample, always the same. */
const anyOne = { numRuns: 1, seed: 1 }

const awkwardTexts = fc.constantFrom(
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '\u202e',
    '%00',
    '../..',
    "'; drop table users; --",
    '{{7*7}}',
    '😀'.repeat(200),
  ],
  ...['null', 'true', '0', '-1', '1e999', 'NaN', 'x'.repeat(5000), '2026-13', '9999-12', '0000-00', '__proto__'],
)

/** UUIDs of things that there are, by the name of the field or the parameter that names one. */
export type KnownIds = (name: string) => readonly string[]

/** Values that a schema allows for what is called `name`, with awkward ones among them. */
export function valuesOf(schema: Schema, ids: KnownIds, name = ''): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => valuesOf(one, ids, name)))
  const choices = [schema.type ?? 'null'].flat().map((type): fc.Arbitrary<unknown> => {
    switch (type) {
      case 'object':
        return objectsOf(schema, ids)
      case 'array':
        return fc.array(valuesOf(schema.items ?? {}, ids, name), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(3, schema.maxItems ?? 3),
        })
      case 'integer':
      case 'number':
        return fc.integer({ min: schema.minimum ?? -5, max: schema.maximum ?? 5_000_000_000 })
      case 'boolean':
        return fc.boolean()
      case 'string':
        return textsOf(schema, ids(name))
      default:
        return fc.constant(null)
    }
  })
  return fc.oneof(...choices)
}

function textsOf({ format, minLength, maxLength }: Schema, ids: readonly string[]): fc.Arbitrary<string> {
  if (format === 'uuid') {
    return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ids) }, { weight: 1, arbitrary: fc.uuid() })
  }
  if (format === 'date') return fc.constantFrom('2026-02-28', '2026-02-30', '0000-01-01', '9999-12-31', '1-1-1')
  if (format === 'date-time') {
    const recent = fc.date({ min: new Date('2020-01-01'), max: new Date('2026-06-30'), noInvalidDate: true })
    return fc.oneof(recent, fc.date({ noInvalidDate: true })).map((date) => date.toISOString())
  }
  const bounds = { minLength: minLength ?? 0, maxLength: Math.min(40, maxLength ?? 40) }
  return fc.oneof(
    fc.string({ ...bounds, unit: 'grapheme' }),
    fc.string({ ...bounds, unit: 'binary' }),
    fc.emailAddress(),
  )
}

function objectsOf(schema: Schema, ids: KnownIds): fc.Arbitrary<unknown> {
  const names = Object.keys(schema.properties ?? {})
  if (names.length === 0)
    return fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  const shape = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [name, valuesOf(property, ids, name)]),
  )
  if (schema.maxProperties === 1) {
    return fc.constantFrom(...names).chain((name) => fc.record({ [name]: shape[name] ?? fc.constant(null) }))
  }
  return fc.record(shape, { requiredKeys: (schema.required ?? []).filter((name) => name in shape) })
}

/** Anything but what the schema says, mostly. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  awkwardTexts,
  fc.constantFrom(null, [], {}, 0, -1, 1e308, Number.MAX_SAFE_INTEGER, { toString: 1 }, [[[[[]]]]]),
)

/** Text that may be no JSON at all. */
export const brokenBodies: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.json().map((text) => text.slice(0, -1)),
  fc.constantFrom(
    '',
    '{',
    '[',
    '"',
    '{"a":1,}',
    '\ufeff{}',
    `${'['.repeat(20_000)}`,
    `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
  ),
)

export { awkwardTexts }
