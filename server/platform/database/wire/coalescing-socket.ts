import net from 'node:net'

type Done = (error?: Error | null) => void

/**
 * A socket that sends what is written within one turn of the event loop at once. A transaction writes many small
 * statements in one turn; one by one, each costs a system call here and wakes the server for itself.
 *
 * It reads into memory of its own, again and again. A chunk of `data` is a copy, except for a reader that borrows.
 */
export class CoalescingSocket extends net.Socket {
  /**
   * Set by a reader of much that is done with a chunk before it returns: it is given the socket's own memory, which the
   * next read overwrites. A new one for each chunk would be what the garbage collector has most to do with.
   */
  borrows = false
  #gathering = false

  constructor() {
    super({
      onread: {
        buffer: Buffer.allocUnsafeSlow(65_536),
        callback: (length, buffer) => {
          const read = Buffer.from(buffer.buffer, buffer.byteOffset, length)
          if (!this.borrows) return this.push(Buffer.from(read))
          this.emit('data', read)
          return true
        },
      },
    } as net.SocketConstructorOpts)
    const connect = super.connect.bind(this) as (...to: unknown[]) => this
    this.connect = (...to: unknown[]) => {
      connect(...to)
      // Node puts its own method over that of the class, to undo what an earlier end of the socket did.
      Reflect.deleteProperty(this, 'write')
      return this
    }
  }

  override cork(): void {
    this.#gather()
    super.cork()
  }

  override write(chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean {
    this.#gather()
    return super.write(chunk, encoding as BufferEncoding, done)
  }

  /** Sends now what was written in this turn so far. */
  flush(): void {
    if (!this.#gathering) return
    this.#gathering = false
    super.uncork()
  }

  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    super.cork()
    process.nextTick(() => this.flush())
  }
}
