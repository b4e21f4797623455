import { peopleMap } from '../datamap/entries/people.ts'
import { kindOfColumn } from '../datamap/identifier-columns.ts'
import { type Identifier, identifierKey } from '../identifiers/identifier-key.ts'
import { isSearchable, searchForm } from '../identifiers/texts/search-forms.ts'
import { identifierHashKey } from '../keyring/identifier-hash-key.ts'
import { keyedHash } from '../platform/crypto/keyed-hash.ts'
import { isUuid, type TenantTransaction } from '../platform/database/transaction.ts'

/**
 * The words of a text, as keyed hashes of eight bytes: an index of what is encrypted. It answers which texts may hold an
 * identifier, never which do: those are opened, and the scanner of identifiers says.
 *
 * This must never miss what the scanner finds. Both decode escapes and fold case; here the fold is wider. A word is a
 * run of ASCII letters and digits, or one letter of another alphabet, without accents. The words of an identifier and
 * their pairs are the same in every text, because an identifier never has a letter or digit beside it. All pairs are
 * kept, and single words that may be an identifier alone: with a digit, or with a sign beside them. Whole values of
 * identifier columns are kept, too.
 */

/** The way of reading; what was indexed by another one is read again. */
export const wordsVersion = 1

/** A word as the database has it: a bigint, in decimal digits. */
export type WordHash = string

/** A keyed hash of a word. */
export type Hasher = (text: string) => WordHash

/**
 * The keyed hashes of a tenant for a look that writes nothing; undefined where the tenant has no key, and so no words.
 * Throws `master_key.wrong`.
 */
export async function knownWordHasher(tx: TenantTransaction): Promise<Hasher | undefined> {
  const { rowCount } = await tx.query(
    `select from tenant_keys where tenant_id = $1 and purpose = 'identifier_hash'`,
    [tx.tenantId],
    'has_identifier_hash_key',
  )
  return rowCount === 0 ? undefined : await wordHasher(tx)
}

/** The keyed hashes of a tenant; its key is made when first needed. Throws `master_key.wrong`. */
export async function wordHasher(tx: TenantTransaction): Promise<Hasher> {
  const key = await identifierHashKey(tx)
  const known = hashers.get(key)
  if (known !== undefined) return known
  const hash = keyedHash(key)
  const hasher = (text: string) => Buffer.from(hash(text).slice(0, 8), 'latin1').readBigInt64BE().toString()
  hashers.set(key, hasher)
  return hasher
}

const hashers = new WeakMap<Buffer, Hasher>()

/** The words of a text, with its escapes read, and as it is written. */
export function wordsOfText(hash: Hasher, text: string, into: Set<WordHash>): void {
  const [form, written] = [searchForm(text), folded(text)]
  for (const word of wordsIn(form)) into.add(hash(word))
  if (written !== form) for (const word of wordsIn(written)) into.add(hash(word))
}

/** The words of values as the audit trail has them: of every text in them, whatever its depth. */
export function wordsOfValues(hash: Hasher, values: unknown, into: Set<WordHash>): void {
  forEachText(values, (text, name) => {
    const kind = kindOfColumn(name)
    if (kind !== undefined) into.add(hash(wholeWord(identifierKey(kind, text))))
    // The ids of courses and the like.
    else if (isUuid(text) && !fieldsOfUsers.has(name)) return
    wordsOfText(hash, text, into)
  })
}

const fieldsOfUsers: ReadonlySet<string> = new Set(Object.keys(peopleMap.users.columns))

/** Calls with each text in JSON, and the name that it stands under. */
export function forEachText(values: unknown, take: (text: string, name: string) => void, name = ''): void {
  if (typeof values === 'string') take(values, name)
  else if (Array.isArray(values)) for (const item of values) forEachText(item, take, name)
  else if (typeof values === 'object' && values !== null) {
    for (const [key, value] of Object.entries(values)) forEachText(value, take, key)
  }
}

/** How an erasure looks for its identifiers: lists of words, one for each; undefined where everything may hold one. */
export type Probes = WordHash[][] | undefined

/** How an erasure looks for these identifiers. Throws `master_key.wrong`. */
export async function probesFor(tx: TenantTransaction, identifiers: readonly Identifier[]): Promise<Probes> {
  const hash = await wordHasher(tx)
  const lists: WordHash[][] = []
  for (const identifier of new Map(identifiers.map((one) => [one.value, one])).values()) {
    const probes = probesOf(hash, identifier)
    if (probes === undefined) return undefined
    lists.push(...probes)
  }
  return lists
}

/**
 * What an identifier in normal form is looked up by: it may stand where all words of one of the lists stand. Undefined
 * where nothing tells: it may stand anywhere.
 */
export function probesOf(hash: Hasher, identifier: Identifier): WordHash[][] | undefined {
  const known = probesMade.get(identifier)
  if (known?.hash === hash) return known.probes
  const probes = makeProbes(hash, identifier)
  probesMade.set(identifier, { hash, probes })
  return probes
}

/** The trail, exports and files of imports look for the same identifiers in one erasure. */
const probesMade = new WeakMap<Identifier, { hash: Hasher; probes: WordHash[][] | undefined }>()

function makeProbes(hash: Hasher, identifier: Identifier): WordHash[][] | undefined {
  const { value } = identifier
  const whole = hash(wholeWord(value))
  if (!isSearchable(identifier)) return [[whole]]
  // What looks like an escape in it may be written in more ways than are worth telling apart: hardly anybody has one.
  if (searchForm(value) !== folded(value)) return undefined
  const words = tellingWords(value)
  return words.length === 0 ? undefined : [[whole], words.map(hash)]
}

/** The word of an identifier in normal form, as the whole value of a field. */
export function wholeWord(value: string): string {
  return `value\0${value}`
}

const plainDomain = /^[a-z0-9.-]+$/

/**
 * The words that an identifier is told apart by. Of an address they are those of the name and the beginning of the
 * domain, because colleagues share the rest. A domain with two spellings tells nothing.
 */
function tellingWords(value: string): string[] {
  const at = value.lastIndexOf('@')
  const domain = value.slice(at + 1)
  const isAddress = at > 0 && domain !== ''
  if (!isAddress) return pairsOrSingles(value)
  const isPlain = plainDomain.test(domain) && !/(?:^|\.)xn--/.test(domain)
  const first = isPlain ? /^[a-z0-9]+/.exec(domain)?.[0] : undefined
  return pairsOrSingles(first === undefined ? value.slice(0, at + 1) : `${value.slice(0, at + 1)}${first}`)
}

function pairsOrSingles(text: string): string[] {
  const words = [...new Set(wordsIn(searchForm(text)))]
  const pairs = words.filter((word) => word.startsWith('pair'))
  return pairs.length > 0 ? pairs : words
}

const uuid = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}([0-9a-f]{12})/g
const runs = /[0-9a-z]+|(?![\0-\x7f])[\p{L}\p{N}]/gu

/** The pairs and single words of a text in search form, as they are hashed. */
function* wordsIn(text: string): Generator<string> {
  const form = widelyFolded(text).replace(uuid, '\u0001$1')
  let before: string[] = []
  for (const match of form.matchAll(runs)) {
    const [word] = match
    // A letter behind a backslash may be the end of an escape, or a letter: both readings count.
    const spellings = form[match.index - 1] === '\\' && /^[bfnrt]./.test(word) ? [word, word.slice(1)] : [word]
    for (const spelling of spellings) {
      for (const earlier of before) yield `pair\0${earlier}\0${spelling}`
      if (isTelling(form, match.index, word)) yield `word\0${spelling}`
    }
    before = spellings
  }
}

/** Whether a word may be an identifier alone, with the signs beside it. */
function isTelling(form: string, start: number, word: string): boolean {
  if (word > '\x7f') return false
  return /[0-9]/.test(word) || isSign(form[start - 1]) || isSign(form[start + word.length])
}

function isSign(character: string | undefined): boolean {
  return character !== undefined && /[^\p{L}\p{N}\s]/u.test(character)
}

/** The search form of a text as it is written: no escape is read. */
function folded(text: string): string {
  // An escape is read only where it begins with one of these, so each of them is passed over alone.
  return text
    .split(/([\\%&])/)
    .map((part, index) => (index % 2 === 0 ? searchForm(part) : part))
    .join('')
}

/** Wider than any case folding, and without accents: what is equal there is equal here. */
function widelyFolded(text: string): string {
  const plain = /^[\0-\x7f]*$/.test(text)
  if (plain) return text.toLowerCase()
  return text
    .normalize('NFD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFD')
    .replaceAll('ς', 'σ')
    .replace(/\p{M}+/gu, '\u0001')
}

/** Writes down words of what is kept under the keys of these people. Sent without waiting. */
export function keepWords(tx: TenantTransaction, words: ReadonlyMap<string, ReadonlySet<WordHash>>): void {
  const rows = [...words].flatMap(([user, ofUser]) => [...ofUser].sort().map((word) => ({ user, word })))
  if (rows.length === 0) return
  tx.send(
    `insert into sealed_words (tenant_id, word, user_id)
     select $1, given.* from unnest($2::bigint[], $3::uuid[]) as given
     on conflict do nothing`,
    [tx.tenantId, rows.map(({ word }) => word), rows.map(({ user }) => user)],
    'keep_words',
  )
}
