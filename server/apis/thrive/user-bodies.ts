import type { User } from '../../people/accounts/user.ts'
import { thriveRoleOf } from '../../permissions/thrive-role.ts'
import type { Profile } from '../../views/profiles.ts'
import type { BasicUser, FullUser, LifecycleUser } from './bodies.ts'

/** A user as create, change and suspend answer it. */
export function lifecycleUserOf(user: User, { managerRef }: Profile): LifecycleUser {
  return {
    id: user.id,
    loginMethod: user.ref !== null && user.login_name === user.ref ? 'ref' : 'email',
    ref: user.ref,
    email: user.email,
    firstName: user.first_name,
    lastName: user.last_name,
    role: thriveRoleOf(user),
    jobTitle: user.job_title,
    managerRef,
    startDate: user.starts_at,
    endDate: user.ends_at,
    timeZone: user.time_zone,
    languageCode: languageOf(user),
    active: user.state === 'active',
    createdAt: user.created_at,
    updatedAt: user.updated_at,
    sso: user.external_identity_id !== null,
    domain: null,
    additionalFields: user.custom_fields,
  }
}

/** A user as a list and a look-up by ref answer it. Nothing of a deleted user identifies the person. */
export function basicUserOf(user: User): BasicUser {
  if (isGone(user)) {
    return {
      id: user.id,
      ref: null,
      firstName: null,
      lastName: null,
      email: null,
      role: null,
      status: null,
      positions: [],
      additionalFields: null,
      languageCode: null,
    }
  }
  const isActive = user.state === 'active'
  return {
    id: user.id,
    ref: user.ref,
    firstName: user.first_name,
    lastName: user.last_name,
    email: user.email,
    role: thriveRoleOf(user),
    status: isActive ? 'active' : 'inactive',
    positions: [
      {
        id: user.id,
        title: user.job_title,
        manager: user.manager_id === null ? null : { id: user.manager_id },
        ouId: null,
        isActive,
        startDate: user.starts_at,
        endDate: user.ends_at,
        createdAt: user.created_at,
        updatedAt: user.updated_at,
      },
    ],
    additionalFields: user.custom_fields,
    languageCode: languageOf(user),
  }
}

/** The same with everything that Thrive has of a user. */
export function fullUserOf(user: User, { skills, groupIds }: Profile): FullUser {
  const gone = isGone(user)
  return {
    ...basicUserOf(user),
    deleted: gone,
    compliance: 0,
    level: 0,
    firstLogin: null,
    lastLogin: gone ? null : user.last_seen_at,
    tags: { skills },
    usersFollowing: [],
    tagsFollowing: [],
    createdAt: gone ? null : user.created_at,
    updatedAt: gone ? null : user.updated_at,
    hasPicture: false,
    timeZone: gone ? null : user.time_zone,
    summary: null,
    relevancy: 0,
    rank: { currentLevel: 0, currentCategory: 0 },
    agreedTerms: null,
    onboarded: null,
    audiences: groupIds.map((id) => ({ id })),
    singleSignOn: !gone && user.external_identity_id !== null,
  }
}

function isGone({ state }: User): boolean {
  return state === 'deleted' || state === 'anonymized'
}

/** Thrive writes language codes in lower case. */
function languageOf({ locale }: User): string | null {
  return locale?.toLowerCase() ?? null
}
