import type pg from 'pg'

/** The statements that each connection knows by name. */
const named = new WeakMap<pg.ClientBase, Map<string, string>>()

/** Gives a statement its name on this connection. Throws where the name stands for another statement there. */
export function claimName(client: pg.ClientBase, name: string, text: string): void {
  let known = named.get(client)
  if (known === undefined) {
    known = new Map()
    named.set(client, known)
  }
  if ((known.get(name) ?? text) !== text) {
    throw new TypeError(`The name ${name} stands for another statement on this connection`)
  }
  known.set(name, text)
}
