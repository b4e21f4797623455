/** The roles of Thrive. */
export const thriveRoles = ['administrator', 'learneradmin', 'learner'] as const
export type ThriveRole = (typeof thriveRoles)[number]

/** The role of Thrive that a user has: `learneradmin` has any privileged role but the administrator's. */
export function thriveRoleOf({ roles }: { roles: readonly string[] }): ThriveRole {
  if (roles.includes('administrator')) return 'administrator'
  return roles.some((role) => role !== 'learner') ? 'learneradmin' : 'learner'
}
