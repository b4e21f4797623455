import { userRoles } from '../people/accounts/user.ts'
import { permissions, type Rule } from './permissions.ts'
import { aboutScopes, type Role, scopes } from './principal.ts'
import { idleMinutes, longestHours } from './session-token.ts'
import { freeAttempts } from './sign-in-attempts.ts'
import { tokenLifetime } from './tokens.ts'

const roles: readonly Role[] = ['operator', ...userRoles]

const aboutRoles: Record<Role, string> = {
  operator: 'runs the installation; a user of no tenant, so it sees no tenant from inside',
  administrator: 'everything inside the tenant',
  privacy_officer: 'erasures with their certificates, exports, the audit trail',
  integration_administrator:
    'lists and revokes API keys and OAuth clients, and makes those that may no more than itself',
  author: 'the own account',
  instructor: 'the own account',
  manager: 'reads users',
  learner: 'the own account',
}

const credentials = [
  [
    'API key, read only',
    'HTTP Basic, any user name (Learn365: `api`), the key as password',
    'as the scope `api/read`',
    'when it is revoked, at once; at its expiry, if it has one',
  ],
  ['API key, full control', 'the same', 'as the scope `api/all`', 'the same'],
  [
    'Thrive API secret',
    "HTTP Basic, the tenant's id as user name, the secret as password",
    'as its access: read only or full control',
    'the same',
  ],
  [
    'OAuth 2.0 client',
    '`POST /oauth2/token` or `/oauth2/token/:tenantId`, grant type `client_credentials`; then `Authorization: Bearer` with the token',
    'the scopes of the token',
    `a token after ${tokenLifetime.toLocaleString('en-US')} seconds; when the client is revoked, at once`,
  ],
  [
    'sign-in of a person',
    'name and password once, then a cookie; requests that change something also send the CSRF token',
    "by the person's roles",
    `on sign-out; after ${idleMinutes} minutes without a request, ${longestHours} hours at the latest; when the person is suspended, deleted, purged or anonymized, or the password is changed, at once`,
  ],
  ['sign-in of an operator', 'the same', 'by the role `operator`', 'the same'],
]

const introduction = `# Access

Who may come in, and who may do what. This page is made from the table in the code by \`npm run generate\`.

## Credentials
`

const aboutCredentials = `Keys, secrets and session tokens are 256 random bits and stored as SHA-256; they are shown once. Passwords are 12 to 256 characters, stored with argon2id (RFC 9106, second recommended option: 64 MiB, three passes, four lanes). Every request asks the database whether its credential is still good, so what was revoked opens nothing more, in any process. What was let in before goes on to its end: a download for an hour at most, the progress of an erasure until it ends, for a day at most.

A wrong name, a wrong password, and an account that may not sign in are answered alike and after the same work. After ${freeAttempts} failed attempts in a row a name has to wait 30 seconds, then twice as long each time, up to 15 minutes, whether somebody has that name or not; a success or a day without an attempt begins the count anew. What is counted is the name that was typed: a person with a login name and an e-mail address has two, each with a count of its own, and whoever types a person's name wrongly often enough makes that person wait. Sessions that are there go on.

Counts are kept under keyed hashes of the names. They are forgotten within the hour after a day without an attempt, while a worker runs, and with a purge or an anonymization of the person who has the name, also where the attempts were made while the person was deleted. Where several people have one name, the count goes with one of them; where nobody has it, only time ends it.

API keys and clients belong to the tenant. When the person who made one is suspended, deleted, purged or anonymized, it goes on. After a purge or an anonymization the successor answers for it: the user who requested the erasure, else the user who answers for the key or client that did, else the longest-serving active administrator, else no one. A person who knew the secret still knows it, so revoke it or make a new one when a person leaves.

Tokens are JWTs (RFC 9068). \`/.well-known/oauth-authorization-server\` (RFC 8414) says where to get them, and \`/.well-known/oauth-jwks.json\` has the key that they are signed with, for servers that check them without asking. Such a server does not hear that a client was revoked: a token stays good there until it expires. Certificates are signed with other keys, at \`/.well-known/jwks.json\`; no key is in both sets.
`

const aboutGrants = `Nobody hands out a permission that they do not have. So it is wherever rights are handed out: roles of a new, a changed, a restored or an imported user, API keys, OAuth clients, and the password of another person, which opens all that the person may. It is refused with \`access.beyond_own\`, which names the permissions that are missing.

- A person has the permissions of the roles of that moment, not of those at the sign-in.
- A program has those of its key, or of the scopes of its token. It gives no role that may do what no program may, such as administrator.
- An integration administrator makes no key and no client that could do more than an integration administrator: an administrator makes those, and the integration administrator can list and revoke them.
- The command line may hand out everything: whoever runs it has the database and the master key.
- A synchronization of a group makes learners, who have no permission but over the own account.
- Rights that were handed out stay when the one who gave them loses the own ones.
`

const aboutHosts = `
## Links and the Host header

Answers of \`/odata/v2\` hold links to the server. They lead to the address of \`lethe serve --public-url\` (or LETHE_PUBLIC_URL). Where none is set, they lead to the host that the request names: the Host header, or X-Forwarded-Host where \`--trusted-proxies\` believes the proxy. Whoever sends a request chooses that host for the answer to it, and for no other. So set the public address where a cache in front might keep answers, or where a client passes links on.

A request with two Host headers, with something else in it than a host and a port, or with another host in its address (RFC 9112, section 3.2) is refused with 400.
`

/** docs/access.md: the credentials, and the table of who may do what. */
export function accessPage(): string {
  return [
    introduction,
    table(['credential', 'how it is sent', 'what it may', 'ends'], credentials),
    `\n${aboutCredentials}`,
    '## Roles\n',
    table(
      ['role', 'what for'],
      roles.map((role) => [`\`${role}\``, aboutRoles[role]]),
    ),
    '\nPeople have one role or several. Everybody may do to the own account what the table marks with "own".\n',
    '## Scopes\n',
    table(
      ['scope', 'what for'],
      scopes.map((scope) => [`\`${scope}\``, aboutScopes[scope]]),
    ),
    '\nNo program may make credentials or set passwords: what it made would outlive its own revocation.\n',
    '## Handing out rights\n',
    aboutGrants,
    '## Who may do what\n',
    table(
      ['permission', 'what it is', 'roles', 'scopes'],
      Object.entries(permissions).map(([name, rule]: [string, Rule]) => [
        `\`${name}\``,
        rule.does,
        [...rule.roles, ...(rule.own ? ['own'] : [])].join(', '),
        rule.scopes.length === 0 ? 'none' : rule.scopes.map((scope) => `\`${scope}\``).join(', '),
      ]),
    ),
    aboutHosts,
  ].join('\n')
}

/** Aligned as the formatter does it, so that it has nothing to change. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
