import type { Candidate, NamedPerson } from '../people/accounts/candidates.ts'
import type { Selector } from '../people/accounts/find-users.ts'
import { type Column, counted, formatFields, formatTable } from './output.ts'

/** So many people are named before an act; the rest is a number, and a command lists all. */
export const mostNamed = 5

/** A person in a sentence, such as "Ann Aster (ann@example.org)". */
export function personLabel({ id, display_name, email, login_name, ref }: Candidate): string {
  const [name, other] = [display_name, email, login_name, ref && `ref ${ref}`].filter(
    (part): part is string => part !== null && part !== '',
  )
  if (name === undefined) return `the user ${id}`
  return other === undefined || other === name ? name : `${name} (${other})`
}

/** People in a sentence: the first three by name, and how many more. */
export function peopleLabel(named: readonly Candidate[], total: number): string {
  const [only] = named
  if (total === 1 && only !== undefined) return personLabel(only)
  const shown = named
    .slice(0, 3)
    .map(({ display_name, email, login_name, ref, id }) => display_name ?? email ?? login_name ?? ref ?? id)
  const more = total - shown.length
  const names = more > 0 ? [...shown, `${counted(more, 'other')}`] : shown
  return `${counted(total, 'person', 'people')} (${names.join(', ')})`
}

const givenNames: Record<Selector['by'], string> = {
  id: 'id',
  directory_object_id: 'directory object id',
  ref: 'ref',
  login_name: 'login',
  email: 'e-mail',
}

/** People who are meant, one below the other, with what was typed for each, so that a mistyped one is seen. */
export function formatNamedPeople(named: readonly NamedPerson[]): string {
  const typed: Column<NamedPerson> = {
    title: 'typed',
    value: ({ given }) => given && `${givenNames[given.by]} ${given.value}`,
  }
  const columns = withoutEmpty(named, [typed, ...candidateColumns])
  const [only] = named
  if (named.length > 1 || only === undefined) return formatTable(named, columns)
  return formatFields(Object.fromEntries(columns.map(({ title, value }) => [title, value(only)])))
}

/** A table of people among whom one is to be chosen. */
export function formatCandidates(candidates: readonly Candidate[]): string {
  return formatTable(candidates, withoutEmpty(candidates, candidateColumns))
}

const candidateColumns: readonly Column<Candidate>[] = [
  { title: 'name', value: ({ display_name }) => display_name },
  { title: 'state', value: ({ state }) => state },
  { title: 'department', value: ({ department }) => department },
  { title: 'e-mail', value: ({ email }) => email },
  { title: 'login name', value: ({ login_name, email }) => (login_name === email ? null : login_name) },
  { title: 'ref', value: ({ ref }) => ref },
  { title: 'last seen', value: ({ last_seen_at }) => last_seen_at?.toISOString().slice(0, 10) ?? 'never' },
  { title: 'id', value: ({ id }) => id },
  { title: 'directory object id', value: ({ directory_object_id }) => directory_object_id },
]

/** The columns in which any of the rows has something. */
function withoutEmpty<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Column<Row>[] {
  return columns.filter(({ value }) => rows.some((row) => (value(row) ?? '') !== ''))
}
