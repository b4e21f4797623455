import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { actingFor, forWork, openDatabase } from '../server/platform/database/pool.ts'
import { type Deliverer, deliverEvents } from '../server/webhooks/deliver.ts'

// The worker process of the benchmark of deliveries, with the slow receiver. Arguments: the connection string and the master
// key in base64. Prints the port of the receiver and a port that refuses connections. Lines of its input start and stop the
// deliveries; it answers each with a line. Ends with its input.

const [url = '', masterKey = ''] = process.argv.slice(2)
const database = forWork(
  actingFor(await openDatabase({ url, masterKey: Buffer.from(masterKey, 'base64') }), { from: 'system' }),
)
const settings = { webhookNetworks: ['127.0.0.0/8'], webhookPlainHttp: true }
let received = 0
const slow = createServer((request, response) => {
  received++
  request.resume()
  void pause(2000, undefined, { ref: false }).then(() => response.end())
})
const dead = createServer()
const listen = async (server: typeof slow) => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
const ports = [await listen(slow), await listen(dead)]
dead.close()
process.stdout.write(`${ports.join(' ')}\n`)

let deliverer: Deliverer | undefined
let answered = Promise.resolve()
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  for (const line of text.split('\n').filter((one) => one !== '')) {
    answered = answered.then(async () => {
      if (line === 'start') deliverer = deliverEvents(database, settings, pino({ level: 'silent' }))
      else await deliverer?.stop()
      process.stdout.write(`${received}\n`)
    })
  }
})
process.stdin.on('end', () => process.exit(0))
