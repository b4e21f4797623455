import type { Socket } from 'node:net'
import type { HttpServer } from './http-server.ts'

/**
 * Lets a server that closes end with its last request. Node waits for every connection that it does not take for idle.
 * That includes one that a browser opened in advance and never used, and one whose response was being sent when the
 * closing began.
 */
export function endConnectionsWhenClosing(server: HttpServer): void {
  let closing = false
  const open = new Map<Socket, number>()
  server.server.on('connection', (socket) => {
    open.set(socket, 0)
    socket.once('close', () => open.delete(socket))
  })
  server.server.on('request', ({ socket }, response) => {
    open.set(socket, (open.get(socket) ?? 0) + 1)
    response.once('close', () => {
      if (!open.has(socket)) return
      const left = (open.get(socket) ?? 1) - 1
      open.set(socket, left)
      if (closing && left === 0) socket.end()
    })
  })
  server.addHook('preClose', async () => {
    closing = true
    for (const [socket, requests] of open) if (requests === 0) socket.destroy()
  })
  server.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
}
