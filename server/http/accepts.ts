import type { FastifyRequest } from 'fastify'

/** Tells whether the caller asks for this content type by name; whoever takes anything does not. */
export function asksFor({ headers }: FastifyRequest, type: string): boolean {
  return (headers.accept ?? '').split(',').some((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}
