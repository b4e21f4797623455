import { compileDataMap } from './compile/compile-data-map.ts'
import { compileExport } from './compile/export.ts'
import { dataMap } from './data-map.ts'
import { schemaFacts } from './generated/schema-facts.gen.ts'

/** The data map of this version, compiled once. */
export const compiledMap = compileDataMap(dataMap, schemaFacts)

/** The export of this version's map, compiled once. */
export const compiledExport = compileExport(dataMap, schemaFacts)
