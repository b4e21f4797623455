import { compileDataMap } from './compile.ts'
import { dataMap } from './data-map.ts'
import { schemaFacts } from './generated/schema-facts.gen.ts'

/** The data map of this version, compiled once. */
export const compiledMap = compileDataMap(dataMap, schemaFacts)
