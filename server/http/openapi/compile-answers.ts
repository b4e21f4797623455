import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type BuildSerializer = ReturnType<typeof SerializerSelector>

/**
 * Compiles the schemas of answers, each once: nearly every route can answer the same dozen errors, and one compiled for
 * each route and status would make a start take seconds.
 */
export function compileAnswersOnce(): BuildSerializer {
  const build = SerializerSelector()
  return (externalSchemas, options) => {
    const compile = build(externalSchemas, options)
    const compiled = new Map<string, ReturnType<typeof compile>>()
    return (route) => {
      const text = JSON.stringify(route.schema)
      const known = compiled.get(text) ?? compile(route)
      compiled.set(text, known)
      return known
    }
  }
}
