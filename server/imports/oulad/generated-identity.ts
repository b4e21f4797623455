import { v5 } from 'uuid'

/** Who a learner of the data set is here: the data set has neither names nor addresses. */
export type GeneratedIdentity = {
  ref: string
  firstName: string
  lastName: string
  email: string
  loginName: string
  directoryObjectId: string
}

const firstNames = [
  ...['Ada', 'Bela', 'Cleo', 'Dora', 'Edda', 'Fran', 'Gita', 'Hana', 'Ines', 'Jara', 'Kaia', 'Lena', 'Mira', 'Nora'],
  ...['Odin', 'Pavel', 'Quinn', 'Rafa', 'Sven', 'Tomas', 'Uri', 'Viktor', 'Wim', 'Xaver', 'Yann', 'Zeno'],
]

/** Nobody is called so: whoever sees such a name knows that it was generated. */
const lastNames = [
  ...['Samplewood', 'Testfield', 'Demohill', 'Mockwell', 'Trialbrook', 'Draftstone', 'Placeholt', 'Formley'],
  ...['Dummerton', 'Fixtureham', 'Stubworth', 'Examplesen', 'Modelby', 'Protowitz', 'Blankenfeld', 'Patternosk'],
]

const namespace = '6f1c1f4e-3a57-5d0b-9d0e-6c65746865a1'

/** What the refs of this source's learners begin with; the learner's number follows. */
export function refPrefix(source: string): string {
  return `${source}-`
}

/** What comes before the number or code in the external keys of this source's courses, modules and assessments. */
export function keyPrefix(source: string): string {
  return `${source}:`
}

/**
 * The identity of learner `id` of a source: always the same for the same learner. Everything is its own key
 * (`identifierKey`), except the login name, which is a claims string.
 */
export function generateIdentity(source: string, id: number): GeneratedIdentity {
  const ref = `${refPrefix(source)}${id}`
  const directoryObjectId = v5(ref, namespace)
  const chosen = Number.parseInt(directoryObjectId.slice(0, 8), 16)
  const firstName = firstNames[chosen % firstNames.length] ?? ''
  const lastName = lastNames[Math.floor(chosen / firstNames.length) % lastNames.length] ?? ''
  const domain = source === 'oulad' ? 'learners.example' : `${source}.learners.example`
  const email = `${firstName}.${lastName}.${id}@${domain}`.toLowerCase()
  return { ref, firstName, lastName, email, loginName: `i:0#.f|membership|${email}`, directoryObjectId }
}
