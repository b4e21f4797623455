import type { FastifyRequest } from 'fastify'
import { inputError } from '../../platform/validation/errors.ts'
import { odataError } from './errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Members of the body that clients of Learn365 send along, though they set nothing: they are taken out before the body
     * is checked. `levels.id` is one inside of a list.
     */
    unread?: readonly string[]
  }
}

type Schema = { properties?: Record<string, unknown> }

/**
 * Brings the options of a request to the names that the route declares. OData 4.01 lets clients leave out the dollar
 * sign and write in any case (URL Conventions, section 5.1). An option that is not there is refused by its name: left
 * out unseen, a filter would let everything through.
 *
 * Throws `odata.query`.
 */
export function readOptionNames(request: FastifyRequest): void {
  const known = Object.keys((request.routeOptions.schema?.querystring as Schema | undefined)?.properties ?? {})
  const options: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(request.query ?? {})) {
    const option = known.find((one) => one === `$${name.toLowerCase().replace(/^\$/, '')}`)
    if (option === undefined) {
      throw odataError('odata.query', {
        option: name.slice(0, 64) || '(a name without characters)',
        reason: known.length === 0 ? 'this address takes none' : `there are ${known.join(', ')} here`,
      })
    }
    if (option in options || Array.isArray(value)) {
      throw odataError('odata.query', { option, reason: 'it occurs more than once' })
    }
    options[option] = value
  }
  request.query = options
}

/**
 * Removes members from a body that set nothing. They are annotations (JSON Format, section 4.6), and members that the
 * route ignores, such as properties that a response has and a change cannot set.
 *
 * Throws `input.invalid` for `@odata.bind`, which would set something.
 */
export function dropUnread(request: FastifyRequest): void {
  const unread = new Set(request.routeOptions.config.unread ?? [])
  request.body = without(request.body, '')

  function without(value: unknown, place: string): unknown {
    if (Array.isArray(value)) return value.map((item) => without(item, place))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) => {
        const at = `${place}${name}`
        if (/@(odata\.)?bind$/.test(name)) {
          throw inputError('input.invalid', {
            field: at.slice(0, 64),
            expected: 'binding is not supported; set the property with the id instead',
          })
        }
        if (name.includes('@') || unread.has(at)) return []
        return [[name, without(member, `${at}.`)]]
      }),
    )
  }
}

/** Takes the annotations out of a body that the route does not read: clients send them along with anything. */
export function dropAnnotations(request: FastifyRequest): void {
  const { body } = request
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return
  request.body = Object.fromEntries(Object.entries(body).filter(([name]) => !name.includes('@')))
}
