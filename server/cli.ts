import { outliveReaders } from './cli/output.ts'
import { run } from './cli/run.ts'

outliveReaders()
process.exitCode = await run(process.argv)
