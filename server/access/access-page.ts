import { permissions, type Rule } from '../permissions/permissions.ts'
import { aboutScopes, type Role, scopes } from '../permissions/principal.ts'
import { userRoles } from '../permissions/roles.ts'
import { idleMinutes, longestHours } from './session-token.ts'
import { freeAttempts } from './sign-in-attempts.ts'
import { tokenLifetime } from './tokens.ts'

const roles: readonly Role[] = ['operator', ...userRoles]

const aboutRoles: Record<Role, string> = {
  operator: 'runs the installation; belongs to no tenant, and cannot read the data inside a tenant',
  administrator: 'everything inside the tenant',
  privacy_officer: 'erasures with their certificates, exports, the audit trail',
  integration_administrator:
    'lists and revokes API keys and OAuth clients, and creates those with no more rights than its own',
  author: "the person's own account",
  instructor: "the person's own account",
  manager: 'reads users',
  learner: "the person's own account",
}

const credentials = [
  [
    'API key, read only',
    'HTTP Basic, any user name (Learn365: `api`), the key as password',
    'as the scope `api/read`',
    'immediately when revoked; at its expiry, if it has one',
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
    `a token after ${tokenLifetime.toLocaleString('en-US')} seconds, or immediately when the client is revoked`,
  ],
  [
    'sign-in of a person',
    'name and password once, then a cookie; requests that change something also send the CSRF token',
    "by the person's roles",
    `on sign-out; after ${idleMinutes} minutes without a request; after ${longestHours} hours at the latest; when the person is suspended, deleted, purged or anonymized; when the password is changed`,
  ],
  ['sign-in of an operator', 'the same', 'by the role `operator`', 'the same'],
]

const introduction = `# Access

The credentials that Lethe accepts, and what each role and scope may do. \`npm run generate\` makes this page from the tables in the code.

## Credentials
`

const aboutCredentials = `Keys, secrets and session tokens are 256 random bits. Lethe shows them once and stores their SHA-256 hash. Passwords have 12 to 256 characters and are stored with argon2id (RFC 9106, second recommended option: 64 MiB, three passes, four lanes).

Every request checks its credential in the database. So a revoked credential opens nothing more, in any process. Only a running response continues: a download for at most an hour, the progress of an erasure request for at most a day.

Sign-in gives the same response, after the same work, to a wrong name, a wrong password, and an account that may not sign in. After ${freeAttempts} failed attempts in a row, a name must wait 30 seconds. The wait doubles with each failure, up to 15 minutes. This holds for names that no user has, too. A success, or a day without an attempt, resets the count.

Lethe counts per typed name. A person with a login name and an e-mail address has two counts. Repeated wrong attempts by another person can therefore make a person wait. They do not end present sessions.

Lethe stores the counts under keyed hashes of the names. A worker deletes a count within an hour after a day without attempts. A purge or an anonymization deletes the counts of the person's names, also if the attempts came while the person was deleted. If several people have one name, the count goes with one of them. If no person has the name, only time ends the count.

API keys and clients belong to the tenant. They stay valid when the person who created them is suspended, deleted, purged or anonymized.

After a purge or an anonymization, the successor becomes responsible for them: the user who made the erasure request. If a key or client made it, the user responsible for that key or client is the successor. Otherwise it is the longest-serving active administrator, or no one. A person who knew a secret still knows it, so revoke or replace it when a person leaves.

Tokens are JWTs (RFC 9068). \`/.well-known/oauth-authorization-server\` (RFC 8414) describes how to get them. \`/.well-known/oauth-jwks.json\` has the public key, for servers that check tokens without asking Lethe. Such a server does not learn that a client was revoked: it accepts a token until the token expires. Other keys sign certificates; they are at \`/.well-known/jwks.json\`, and no key is in both sets.
`

const aboutGrants = `A caller can only grant permissions that the caller has. This holds for roles of a new, changed, restored or imported user, for API keys and for OAuth clients. It also holds for the password of another person, because a password grants everything that the person may do. Lethe refuses more with \`access.beyond_own\`, which names the missing permissions.

- A person has the permissions of the roles at that moment, not of those at sign-in.
- A program has the permissions of its key, or of the scopes of its token. It cannot grant a role that may do what no program may, such as administrator.
- An integration administrator cannot create a key or client with more rights than an integration administrator. An administrator creates those; the integration administrator can list and revoke them.
- The command line can grant everything, because its user has the database and the master key.
- The synchronization of a group creates learners, who have permissions on their own account only.
- Granted rights stay when the person who granted them loses these rights.
`

const aboutHosts = `
## Links and the Host header

Responses of \`/odata/v2\` contain links to the server. They use the address of \`lethe serve --public-url\` (or LETHE_PUBLIC_URL). Without it, they use the host that the request names: the Host header, or X-Forwarded-Host from a proxy that \`--trusted-proxies\` trusts. So the sender of a request chooses the host in its own response, and in no other. Set the public address if a cache may store responses, or if a client passes links on.

The server refuses a request with 400 if its host is not clear. It must have one Host header, with a host and an optional port, and no other host in its address (RFC 9112, section 3.2).
`

/** docs/access.md: the credentials, and the table of who may do what. */
export function accessPage(): string {
  return [
    introduction,
    table(['credential', 'how to send it', 'permissions', 'ends'], credentials),
    `\n${aboutCredentials}`,
    '## Roles\n',
    table(
      ['role', 'what for'],
      roles.map((role) => [`\`${role}\``, aboutRoles[role]]),
    ),
    '\nA person has one role or several. "own" in the table marks what every person may do on their own account.\n',
    '## Scopes\n',
    table(
      ['scope', 'what for'],
      scopes.map((scope) => [`\`${scope}\``, aboutScopes[scope]]),
    ),
    '\nNo program may create credentials or set passwords, because they would outlive the revocation of the program.\n',
    '## Granting rights\n',
    aboutGrants,
    '## Who may do what\n',
    table(
      ['permission', 'allows to', 'roles', 'scopes'],
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

/** A Markdown table, aligned as the formatter does it. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
