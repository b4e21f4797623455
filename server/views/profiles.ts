import type { User } from '../people/accounts/user.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** What a list of accounts shows beside the columns of the user. */
export type Profile = {
  /** The ref of the manager; null where there is none, or the manager has no ref. */
  managerRef: string | null
  /** The skills that the user holds, each once, by title. */
  skills: string[]
  /** The groups that the user is in now, by id. */
  groupIds: string[]
}

const empty: Profile = { managerRef: null, skills: [], groupIds: [] }

/** The profiles of these users, by the id of the user. */
export async function readProfiles(tx: TenantTransaction, users: readonly User[]): Promise<(id: string) => Profile> {
  if (users.length === 0) return () => empty
  const { rows } = await tx.query<Profile & { id: string }>(
    `select chosen.id, manager.ref as "managerRef",
       array(
         select distinct skill.title
         from user_skills award join skills skill on skill.tenant_id = $1 and skill.id = award.skill_id
         where award.tenant_id = $1 and award.user_id = chosen.id and award.revoked_at is null
         order by skill.title
       ) as skills,
       array(
         select member.group_id::text from group_members member
         where member.tenant_id = $1 and member.user_id = chosen.id and member.deletion_id is null
         order by member.group_id
       ) as "groupIds"
     from users chosen
     left join users manager on manager.tenant_id = $1 and manager.id = chosen.manager_id
     where chosen.tenant_id = $1 and chosen.id = any ($2::uuid[])`,
    [tx.tenantId, users.map(({ id }) => id)],
    'read_profiles',
  )
  const found = new Map(rows.map(({ id, ...profile }) => [id, profile]))
  return (id) => found.get(id) ?? empty
}
