import { createUser } from '../people/accounts/create-user.ts'
import type { UserFields } from '../people/accounts/user-fields.ts'
import type { UserRole } from '../permissions/roles.ts'
import { departments, jobTitles } from './courses.ts'
import type { Making, Person } from './making.ts'
import { listNames, type Name } from './names.ts'
import type { Random } from './random.ts'

/** The login name and e-mail address that two people of the demo have in common. */
export const twinAddress = 'sam.zwilling@example.org'

const peopleCount = 300
const leaverCount = 26

/** The first people have parts to play; everybody else learns. */
const cast: readonly { count: number; roles: readonly UserRole[] }[] = [
  { count: 3, roles: ['administrator', 'learner'] },
  { count: 1, roles: ['privacy_officer', 'learner'] },
  { count: 8, roles: ['author', 'learner'] },
  { count: 8, roles: ['instructor', 'learner'] },
  { count: departments.length, roles: ['manager', 'learner'] },
]

/** Creates the people of the demo: all of them active still, with the day on which they will be found to have left. */
export async function hirePeople({ tx, random, ago }: Pick<Making, 'tx' | 'random' | 'ago'>): Promise<Person[]> {
  const parts = cast.flatMap(({ count, roles }) => Array.from({ length: count }, () => roles))
  const firstTwin = parts.length
  const names = listNames().slice(0, peopleCount)
  const leavers = chooseLeavers(random, parts, firstTwin)
  const people: Person[] = []
  for (const [index, name] of names.entries()) {
    const roles = parts[index] ?? ['learner']
    const isManager = roles.includes('manager')
    const department = departments[index % departments.length] ?? ''
    const manager = people.find((person) => person.roles.includes('manager') && person.department === department)
    const managerId = roles.length > 1 ? people[0]?.id : manager?.id
    const twin = index === firstTwin || index === firstTwin + 1
    const left = leavers.get(index) ?? 0
    const fields = describe(random, name, { index, department, isManager, twin })
    // Whoever came first has been there longest; nobody came later than half a year before leaving.
    const at = ago(left + 180 + 2 * (peopleCount - index))
    const user = await createUser(
      tx,
      { ...fields, roles: [...roles], ...(managerId !== undefined && { manager_id: managerId }) },
      { at },
    )
    people.push({ id: user.id, email: fields.email ?? '', department, roles, managerId, left })
  }
  return people
}

/** An author, an instructor, one of the twins and a number of learners; a few in each of the last eight months. */
function chooseLeavers(
  random: Random,
  parts: readonly (readonly UserRole[])[],
  firstTwin: number,
): Map<number, number> {
  const learners = Array.from({ length: peopleCount - firstTwin - 2 }, (_, index) => firstTwin + 2 + index)
  const chosen = [
    parts.findLastIndex((roles) => roles.includes('author')),
    parts.findLastIndex((roles) => roles.includes('instructor')),
    firstTwin + 1,
    ...random.some(learners, leaverCount - 3),
  ]
  return new Map(chosen.map((person, index) => [person, 2 + index * 9 + random.below(5)]))
}

function describe(
  random: Random,
  name: Name,
  { index, department, isManager, twin }: { index: number; department: string; isManager: boolean; twin: boolean },
): UserFields {
  const { culture } = name
  const external = !twin && index > 40 && index % 17 === 0
  const email = twin
    ? twinAddress
    : `${name.mailbox}@${external ? 'example.net' : random.pick(['example.org', 'example.com'])}`
  return {
    kind: external ? 'external' : 'internal',
    first_name: name.first,
    last_name: twin ? 'Zwilling' : name.last,
    // In some cultures the family name comes first.
    ...(['ja-JP', 'zh-CN', 'ko-KR', 'vi-VN'].includes(culture.locale) &&
      !twin && { display_name: `${name.last} ${name.first}` }),
    email,
    email_verified: random.chance(85),
    login_name: random.chance(60) ? `i:0#.f|membership|${email}` : email,
    directory_object_id: random.uuid(),
    ref: `DA-${String(1000 + index)}`,
    ...(random.chance(20) && { external_identity_id: `idp|${random.uuid()}` }),
    ...(random.chance(8) && { title: random.pick(['Dr.', 'Prof.', 'Dipl.-Ing.']) }),
    job_title: isManager ? 'Head of department' : random.pick(jobTitles),
    department,
    office: `${random.pick(['North', 'South', 'Harbor', 'Hill'])} ${1 + random.below(4)}.${10 + random.below(40)}`,
    city: culture.city,
    country: culture.country,
    locale: culture.locale,
    time_zone: culture.timeZone,
    custom_fields: {
      shift: random.pick(['early', 'late', 'night']),
      cost_center: 4000 + random.below(40),
      shoe_size: 35 + random.below(13),
      emergency_contact: `+99 555 ${String(random.below(10_000)).padStart(4, '0')}`,
      ...(random.chance(30) && { hobbies: random.some(['chess', 'choir', 'climbing', 'kites', 'tea'], 2) }),
    },
    products: random.chance(35) ? ['learn', 'flow'] : ['learn'],
  }
}
