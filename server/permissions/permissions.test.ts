import { describe, expect, it } from 'vitest'
import { LetheError } from '../platform/errors.ts'
import { isPermitted, type Permission, permissions, requirePermission } from './permissions.ts'
import { type Principal, type Scope, scopes } from './principal.ts'
import { type UserRole, userRoles } from './roles.ts'

const names = Object.keys(permissions) as Permission[]
const me = '018f0000-0000-7000-8000-0000000000a1'
const somebody = '018f0000-0000-7000-8000-0000000000a2'

const person = (...roles: UserRole[]): Principal => ({
  tenantId: '018f0000-0000-7000-8000-00000000000a',
  initiator: { from: 'console', userId: me },
  access: { kind: 'person', roles },
})
const program = (...given: Scope[]): Principal => ({
  tenantId: '018f0000-0000-7000-8000-00000000000a',
  initiator: { from: 'api', credential: { kind: 'api_key', id: somebody } },
  access: { kind: 'program', scopes: given },
})
const operator: Principal = {
  tenantId: undefined,
  initiator: { from: 'console', credential: { kind: 'operator', id: somebody } },
  access: { kind: 'operator' },
}
const permittedTo = (principal: Principal, target = {}) => names.filter((name) => isPermitted(principal, name, target))

const ofOperators = [
  'tenants.read',
  'tenants.manage',
  'tenants.delete',
  'reach.decide',
  'identity_providers.manage',
  'operators.manage',
  'installation.audit',
  'sweep.run',
]

describe('who may do what', () => {
  it('gives an administrator everything inside the tenant and nothing of the operator', () => {
    expect(permittedTo(person('administrator'))).toEqual(names.filter((name) => !ofOperators.includes(name)))
    expect(permittedTo(operator)).toEqual(ofOperators)
  })

  it('gives the privacy officer erasures, certificates, audit and export, and no credentials', () => {
    const permitted = permittedTo(person('privacy_officer'))
    expect(permitted).toEqual(
      expect.arrayContaining([
        'erasures.preview',
        'erasures.order',
        'certificates.read',
        'audit.export',
        'users.export',
      ]),
    )
    expect(permitted.filter((name) => /^(keys|clients|users\.(write|roles|password))/.test(name))).toEqual([])
  })

  it('gives the integration administrator keys and clients, the manager reading, and others nothing', () => {
    expect(permittedTo(person('integration_administrator'))).toEqual([
      'users.read',
      'tenant.read',
      'webhooks.read',
      'webhooks.manage',
      'keys.read',
      'keys.manage',
      'clients.read',
      'clients.manage',
    ])
    expect(permittedTo(person('manager'))).toEqual(['users.read'])
    for (const role of ['author', 'instructor', 'learner'] as const) expect(permittedTo(person(role))).toEqual([])
    expect(permittedTo(person())).toEqual([])
  })

  it('lets everybody deal with the own account, and with nobody else', () => {
    for (const role of userRoles) {
      expect(permittedTo(person(role), { userId: me })).toEqual(
        expect.arrayContaining(['users.read', 'users.export', 'users.password', 'users.sign_out']),
      )
    }
    expect(permittedTo(person('learner'), { userId: somebody })).toEqual([])
    expect(permittedTo(program(), { userId: undefined })).toEqual([])
    // Whoever has no user id is not "the same" as a target without one.
    const nobody: Principal = { ...person('learner'), initiator: { from: 'console' } }
    expect(permittedTo(nobody, { userId: undefined })).toEqual([])
  })

  it('adds up over several roles', () => {
    expect(permittedTo(person('manager', 'privacy_officer', 'learner'))).toEqual(permittedTo(person('privacy_officer')))
  })

  it('lets api/all do what reads, writes and webhooks do together, and a reading program change nothing', () => {
    const all = permittedTo(program('api/all'))
    expect(all).toEqual(permittedTo(program('api/read', 'api/write', 'api/webhooks')))
    expect(permittedTo(program('api/read')).filter((name) => permittedTo(program('api/write')).includes(name))).toEqual(
      [],
    )
    expect(permittedTo(program('api/read'))).not.toContain('erasures.order')
    // A subscription shows what the key could not read again later, so even the list of them is not for reading keys.
    expect(permittedTo(program('api/read')).filter((name) => name.startsWith('webhooks.'))).toEqual([])
    expect(permittedTo(program('api/webhooks'))).toEqual(['events.send'])
  })

  it('lets no program make credentials, set passwords or act as the operator', () => {
    const forbidden = [...ofOperators, 'keys.manage', 'clients.manage', 'users.password', 'operators.manage']
    expect(permittedTo(program(...scopes)).filter((name) => forbidden.includes(name))).toEqual([])
  })

  it('refuses with a sentence that says what would do', () => {
    expect(() => requirePermission(person('administrator'), 'erasures.order')).not.toThrow()
    const refused = (principal: Principal, permission: Permission) => {
      try {
        requirePermission(principal, permission)
      } catch (error) {
        return error
      }
      return undefined
    }
    const error = refused(person('learner'), 'erasures.order')
    expect(error).toBeInstanceOf(LetheError)
    expect(error).toMatchObject({
      code: 'access.forbidden',
      kind: 'forbidden',
      message:
        'This credential does not have the permission erasures.order. The role administrator or privacy_officer, or the scope api/all or api/write grants it.',
    })
    expect(refused(program('api/all'), 'tenants.manage')).toMatchObject({
      message: 'This credential does not have the permission tenants.manage. The role operator grants it.',
    })
  })
})
