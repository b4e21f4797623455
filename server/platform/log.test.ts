import { expect, it } from 'vitest'
import { holdLines, openLog } from './log.ts'

it('holds the lines of a log back until they are released, in order, and then passes them at once', () => {
  const written: string[] = []
  const lines = holdLines({ write: (line) => void written.push(JSON.parse(line).msg) })
  const log = openLog('warn', lines)
  log.warn('first')
  log.info('below the level')
  log.error('second')
  expect(written).toEqual([])
  lines.release()
  expect(written).toEqual(['first', 'second'])
  log.warn('third')
  lines.release()
  expect(written).toEqual(['first', 'second', 'third'])
})
