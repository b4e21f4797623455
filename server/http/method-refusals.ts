import { httpError } from './errors.ts'
import type { HttpServer } from './http-server.ts'

const methodsOfHttp = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Watches which methods the routes take that are added from now on. The function that it answers adds the refusals: 405
 * with the methods that are allowed, where there would be a 404 for an address that exists.
 */
export function refuseOtherMethods(server: HttpServer): () => void {
  const methods = new Map<string, Set<string>>()
  let adding = false
  server.addHook('onRoute', ({ url, method }) => {
    if (adding) return
    const known = methods.get(url) ?? new Set()
    for (const name of [method].flat()) known.add(name)
    methods.set(url, known)
  })
  return () => {
    adding = true
    for (const [url, known] of methods) {
      // HEAD comes with GET.
      if (known.has('GET')) known.add('HEAD')
      const others = methodsOfHttp.filter((name) => !known.has(name))
      if (others.length === 0) continue
      const allowed = [...known].sort()
      server.route({
        method: others,
        url,
        config: { permission: 'public' },
        schema: { hide: true },
        handler: () => {
          throw httpError('request.method_not_allowed', { allowed })
        },
      })
    }
  }
}
