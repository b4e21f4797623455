import net from 'node:net'

type Done = (error?: Error | null) => void

/**
 * A socket that sends what is written within one turn of the event loop at once. A transaction writes many small
 * statements in one turn; one by one, each costs a system call here and wakes the server for itself.
 */
export class GatheringSocket extends net.Socket {
  #gathering = false

  override cork(): void {
    this.#gather()
    super.cork()
  }

  override write(chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean {
    this.#gather()
    return super.write(chunk, encoding as BufferEncoding, done)
  }

  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    super.cork()
    process.nextTick(() => {
      this.#gathering = false
      super.uncork()
    })
  }
}
