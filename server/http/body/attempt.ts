/** Tells a callback whether the act threw. */
export function attempt(act: () => void, done: (error?: Error) => void): void {
  let refusal: Error | undefined
  try {
    act()
  } catch (error) {
    refusal = error instanceof Error ? error : new Error(String(error))
  }
  done(refusal)
}
