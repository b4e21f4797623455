import net from 'node:net'

/**
 * A socket that sends what is written within one turn of the event loop at once. A transaction writes many small
 * statements in one turn; one by one, each costs a system call here and wakes the server for itself.
 */
export class GatheringSocket extends net.Socket {
  #gathering = false

  override cork(): void {
    if (!this.#gathering) {
      this.#gathering = true
      super.cork()
      process.nextTick(() => {
        this.#gathering = false
        super.uncork()
      })
    }
    super.cork()
  }
}
