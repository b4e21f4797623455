/** Where an error happened, without its message, which may hold values and lines that look like places. */
export function stackOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return []
  const message = error.stack.indexOf(error.message)
  return error.stack
    .slice(message === -1 ? 0 : message + error.message.length)
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 8)
}
