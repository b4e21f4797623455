import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { inputError } from '../platform/validation/errors.ts'
import { accessError } from './errors.ts'

/** What argon2id costs: memory in KiB, passes over it, and lanes. */
export type PasswordCost = { memory: number; passes: number; parallelism: number }

/** The second recommended option of RFC 9106, section 4: 64 MiB, three passes, four lanes. */
export const recommendedCost: PasswordCost = { memory: 65_536, passes: 3, parallelism: 4 }
let current = recommendedCost

/** From now on this process hashes at this cost. For tests, which sign in hundreds of times; nothing else calls it. */
export function usePasswordCost(cost: PasswordCost): void {
  current = cost
}

const saltLength = 16
const tagLength = 32

const minLength = 12
const maxLength = 256

/** Each takes 64 MiB and a thread of the pool that files and name look-ups use as well, which has four. */
const atATime = 2
const waitingAtMost = 32

/**
 * The password as it is hashed: with one form for what looks the same, so that every keyboard gives the same characters.
 * Throws `input.invalid`.
 */
export function requirePassword(field: string, value: unknown): string {
  const text = typeof value === 'string' ? value.normalize('NFKC') : ''
  const length = [...text].length
  if (length >= minLength && length <= maxLength && text.isWellFormed()) return text
  throw inputError('input.invalid', {
    field,
    expected: `${minLength} to ${maxLength} characters are expected; a few words in a row are easy to remember`,
  })
}

/** The hash of a password that {@link requirePassword} let through, with argon2id, as a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltLength)
  const tag = await derive(password, { ...current, salt, tagLength })
  const { memory, passes, parallelism } = current
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

/**
 * Tells whether it is the password of this hash. Undefined, where nobody has the name or the person has no password: takes
 * as long, and is false.
 */
export async function isPassword(hash: string | undefined, password: string): Promise<boolean> {
  const parts = hash === undefined ? undefined : readHash(hash)
  const { salt, tag, ...parameters } = parts ?? { ...current, salt: Buffer.alloc(saltLength), tag: nobodys }
  const given = await derive(password.normalize('NFKC'), { ...parameters, salt, tagLength: tag.length })
  return timingSafeEqual(given, tag) && parts !== undefined
}

/** Tells whether the hash was made with other parameters than today's, so that the next sign-in hashes anew. */
export function isOutdated(hash: string): boolean {
  const { memory, passes, parallelism } = readHash(hash)
  return memory !== current.memory || passes !== current.passes || parallelism !== current.parallelism
}

const nobodys = Buffer.alloc(tagLength)
const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

function readHash(hash: string) {
  const [, memory, passes, parallelism, salt, tag] = form.exec(hash) ?? []
  if (salt === undefined || tag === undefined) throw new Error('A stored password has an unknown form')
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

let running = 0
const waiting: (() => void)[] = []

type Parameters = { memory: number; passes: number; parallelism: number; salt: Buffer; tagLength: number }

async function derive(password: string, { salt, ...parameters }: Parameters): Promise<Buffer> {
  if (running < atATime) running += 1
  else if (waiting.length >= waitingAtMost) throw accessError('access.too_many_attempts', { retryAfter: 5 })
  // Whoever ends hands its place on.
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await new Promise((resolve, reject) => {
      argon2('argon2id', { ...parameters, message: password, nonce: salt }, (error, tag) => {
        if (error === null) resolve(tag)
        else reject(error)
      })
    })
  } finally {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
}
