import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type BuildSerializer = ReturnType<typeof SerializerSelector>
type Serializer = ReturnType<ReturnType<BuildSerializer>>

/** By the text of the schemas. Their number is bounded by the code, which has them all. */
const compiled = new Map<string, Serializer>()

/**
 * Compiles the schemas of answers, each once per process. Nearly every route can return the same dozen errors, and a
 * compilation per route and status would take seconds at the start. A process that starts several servers, as tests do,
 * compiles nothing twice.
 */
export function compileAnswersOnce(): BuildSerializer {
  const build = SerializerSelector()
  return (externalSchemas, options) => {
    const compile = build(externalSchemas, options)
    const shared = JSON.stringify(externalSchemas)
    return (route) => {
      const text = `${shared} ${JSON.stringify(route.schema)}`
      const known = compiled.get(text) ?? compile(route)
      compiled.set(text, known)
      return known
    }
  }
}
