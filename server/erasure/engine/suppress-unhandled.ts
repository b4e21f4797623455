/**
 * Marks a rejection as handled: the caller awaits the promise later or not at all, and the rejection must not end the
 * process before. The error is not lost. Each later `await` gets it, and a failed statement fails the transaction.
 */
export function suppressUnhandled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
