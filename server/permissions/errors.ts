import { defineErrors, listed } from '../platform/errors.ts'

/** What a credential may not do. */
export const permissionError = defineErrors({
  'access.forbidden': {
    kind: 'forbidden',
    message: (d: { permission: string; roles: string[]; scopes: string[] }) =>
      `This credential does not have the permission ${d.permission}. ${[
        ...(d.roles.length === 0 ? [] : [`the role ${d.roles.join(' or ')}`]),
        ...(d.scopes.length === 0 ? [] : [`the scope ${d.scopes.join(' or ')}`]),
      ]
        .join(', or ')
        .replace(/^./, (first) => first.toUpperCase())} grants it.`,
  },
  'access.beyond_own': {
    kind: 'forbidden',
    message: (d: { permissions: string[] }) =>
      `This would grant permissions that you do not have yourself: ${listed(d.permissions)}. Ask a person who has them, such as an administrator.`,
  },
})
