/** Types of messages (PostgreSQL documentation, "Message Formats"). */
const copyData = 'd'.charCodeAt(0)
const copyDone = 'c'.charCodeAt(0)
/** What may come before the rows and between them, and says nothing about them: CopyOutResponse, and news of the server. */
const besides = new Set([...'HANS'].map((type) => type.charCodeAt(0)))

const headerLength = 5
const nothing = Buffer.alloc(0)

/**
 * Takes the rows out of what the server sends after a `copy ... to stdout`, whatever the pieces in which it arrives. They
 * are moved together where they are, over the headers of their messages.
 */
export class CopyOutput {
  /** The beginning of a header that was cut. */
  #header: Buffer = nothing
  /** What is left of the current message, and whether it is a row. */
  #left = 0
  #isRow = false

  /**
   * Reads what was received, and overwrites it: `rows` is a part of it. `rest`: what follows the rows, from the first
   * message that is none; undefined as long as there may be more of them.
   */
  read(received: Buffer): { rows: Buffer; rest?: Buffer } {
    const data = this.#header.length === 0 ? received : Buffer.concat([this.#header, received])
    this.#header = nothing
    let [at, to] = [0, 0]
    while (at < data.length) {
      if (this.#left === 0) {
        if (data.length - at < headerLength) {
          this.#header = Buffer.from(data.subarray(at))
          break
        }
        const type = data[at] ?? 0
        if (type !== copyData && !besides.has(type)) {
          // The end of the rows has been heard; an error is for the driver to hear.
          return { rows: data.subarray(0, to), rest: data.subarray(type === copyDone ? at + headerLength : at) }
        }
        this.#isRow = type === copyData
        this.#left = data.readUInt32BE(at + 1) - (headerLength - 1)
        at += headerLength
      }
      const end = Math.min(at + this.#left, data.length)
      this.#left -= end - at
      if (this.#isRow) {
        data.copyWithin(to, at, end)
        to += end - at
      }
      at = end
    }
    return { rows: data.subarray(0, to) }
  }
}
