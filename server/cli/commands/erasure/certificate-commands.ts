import type { Command } from 'commander'
import type { JSONWebKeySet } from 'jose'
import { rotateSigningKey } from '../../../access/rotate-signing-key.ts'
import {
  type CertificateFile,
  type DiskLevel,
  includesSubject,
  type Verdict,
  type VerifiedCertificate,
  verifyCertificate,
} from '../../../erasure/proof/certificate.ts'
import { checkMembership } from '../../../erasure/proof/check-membership.ts'
import { certificateError } from '../../../erasure/proof/errors.ts'
import { readCertificate } from '../../../erasure/proof/read-certificate.ts'
import {
  asSubjectProof,
  proveSubject,
  type SubjectProof,
  verifySubjectProof,
} from '../../../erasure/proof/subject-proof.ts'
import { newestErasure } from '../../../erasure/requests/list-requests.ts'
import {
  asTenantDeletionFile,
  type TenantDeletionFile,
  verifyTenantDeletion,
} from '../../../erasure/tenants/deletion-certificate.ts'
import type { Identifier } from '../../../identifiers/identifier-key.ts'
import { openSource, readUtf8 } from '../../../imports/utf8-text.ts'
import { requireSelector } from '../../../people/accounts/find-users.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { createOutput, formatFields, formatTable, type Output } from '../../output.ts'
import { withApplication, withTenant } from '../../session.ts'

/** `lethe certificate show|prove|verify|check|rotate-key` */
export function addCertificateCommands(program: Command): void {
  const group = program
    .command('certificate')
    .description('signed proofs of erasure requests')
    .addHelpText(
      'after',
      helpText({
        examples: ['lethe certificate show > certificate.json', 'lethe certificate verify certificate.json'],
      }),
    )
  addShowCommand(group)
  addProveCommand(group)
  addVerifyCommand(group)
  addCheckCommand(group)
  addRotateKeyCommand(group)
}

function addShowCommand(group: Command): void {
  group
    .command('show')
    .argument('[request]', 'the id of the erasure request; default: the newest')
    .description('print the certificate of an erasure request with its addenda, as a file that "verify" reads')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such erasure request, or it is not certified yet' },
        examples: ['lethe certificate show', 'lethe certificate show REQUEST > certificate.json'],
      }),
    )
    .action(async (request: string | undefined, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const file = await run(async (tx) => readCertificate(tx, request ?? (await newestErasure(tx))))
        output.result(file, () => JSON.stringify(file, null, 2))
      })
    })
}

function addProveCommand(group: Command): void {
  addIdentifierOptions(group.command('prove'))
    .argument('<request>', 'the id of the erasure request')
    .option('--id <uuid>', 'the person with this internal id')
    .option('--salt <salt>', 'the salt of an anonymization, as shown with the erasure request')
    .description('print the proof about one person, which names no other person')
    .addHelpText(
      'after',
      helpText({
        notes: `
Give the proof to the person. "lethe certificate verify" checks it offline, also whether it is about an identifier.`,
        exitCodes: { 3: 'there is no such erasure request, it is not certified yet, or it does not cover the person' },
        examples: [
          'lethe certificate prove REQUEST --email ann@example.org > proof.json',
          'lethe certificate prove REQUEST --ref 4711 --salt SALT > proof.json',
        ],
      }),
    )
    .action(async (request: string, options: IdentifierOptions & { id?: string; salt?: string }, command: Command) => {
      const { by, value } = requireSelector({ id: options.id, ...selectorsOf(options) })
      const salt = options.salt === undefined ? undefined : readSalt(options.salt)
      await withTenant(command, async ({ run, output }) => {
        const who = by === 'id' ? { person: value } : { identifier: { kind: by, value } }
        const proof = await run((tx) => proveSubject(tx, { request, who, salt }))
        output.result(proof, () => JSON.stringify(proof, null, 2))
      })
    })
}

function addVerifyCommand(group: Command): void {
  addIdentifierOptions(group.command('verify'))
    .argument(
      '<file>',
      'a file that "lethe certificate show", "lethe certificate prove" or "lethe tenant deletions" printed',
    )
    .option('--keys <file>', 'trust only these keys: a JSON Web Key Set from the installation that signed')
    .option(
      '--salt <salt>',
      'the salt of an anonymization, as shown with the erasure request; needed to look for a person',
    )
    .description('verify a certificate offline, without a database')
    .addHelpText(
      'after',
      helpText({
        notes: `
A file covers one erasure request of one tenant. Each statement names the previous one, so a missing statement is
noticed, and each lists what is outstanding. Certificates of version 1 have no such names; the result says so.
A proof about one person needs no salt: with --email, --ref, --login or --directory-object-id, the command checks that
it is about this identifier.`,
        exitCodes: {
          0: 'erased, and the search found no residual data; even if the certificate does not cover the person',
          1: 'not valid, or a proof about another person',
          10: 'valid and erased, but the search is outstanding',
          11: 'valid, but the search found residual data, or a person could not be erased',
        },
        examples: [
          'lethe certificate verify certificate.json',
          'lethe certificate verify certificate.json --keys jwks.json',
          'lethe certificate verify certificate.json --salt SALT --email ann@example.org',
          'lethe certificate verify proof.json --email ann@example.org',
        ],
      }),
    )
    .action(async (file: string, options: IdentifierOptions & { keys?: string; salt?: string }, command: Command) => {
      const { json, quiet } = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>()
      const output = createOutput({ json: json === true, quiet: quiet === true, signal: new AbortController().signal })
      const identifier = readIdentifier(options, options.salt !== undefined)
      const salt = options.salt === undefined ? undefined : readSalt(options.salt)
      const trusted = options.keys === undefined ? undefined : ((await readJson(options.keys)) as JSONWebKeySet)
      const content = await readJson(file)
      const deletion = await asTenantDeletionFile(content)
      if (deletion !== undefined) return await verifyDeletion(deletion, { trusted, output })
      const proof = await asSubjectProof(content)
      if (proof !== undefined) return await verifyProof(proof, { trusted, identifier, output })
      const verified = await verifyCertificate(content, trusted)
      const { operation, request } = verified.certificate
      if (identifier === undefined) {
        output.result({ verified: true, ...verified }, () => formatVerified(verified, trusted !== undefined))
        requireClean(verified)
        return
      }
      if (operation === 'purge') throw certificateError('certificate.no_salt', { request })
      if (salt === undefined) throw certificateError('certificate.salt_needed')
      const among = includesSubject((content as CertificateFile).subjects, salt, identifier)
      output.result(
        { verified: true, among, ...verified },
        () => `${amongText(among)}\n\n${formatVerified(verified, trusted !== undefined)}`,
      )
      requireClean(verified)
    })
}

function addCheckCommand(group: Command): void {
  addIdentifierOptions(group.command('check'))
    .argument('<request>', 'the id of the erasure request')
    .option('--salt <salt>', 'the salt of an anonymization, as shown with the erasure request')
    .description('tell whether a certified erasure request covers a person')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'checked, whatever the result; --json has "among" and "verdict"' },
        examples: [
          'lethe certificate check REQUEST --email ann@example.org',
          'lethe certificate check REQUEST --ref 4711 --salt SALT --json',
        ],
      }),
    )
    .action(async (request: string, options: IdentifierOptions & { salt?: string }, command: Command) => {
      const identifier = readIdentifier(options, true)
      const salt = options.salt === undefined ? undefined : readSalt(options.salt)
      await withTenant(command, async ({ run, output }) => {
        const { among, verdict } = await run((tx) => checkMembership(tx, { request, identifier, salt }))
        output.result({ request, among, verdict }, () => `${amongText(among)} ${verdicts[verdict]}`)
      })
    })
}

function addRotateKeyCommand(group: Command): void {
  group
    .command('rotate-key')
    .description('sign with a new key from now on; old signatures stay valid')
    .addHelpText('after', helpText({ examples: ['lethe certificate rotate-key'] }))
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const kid = await rotateSigningKey(application.database)
        output.result({ kid }, () => `The signing key is now ${kid}.`)
      })
    })
}

async function verifyDeletion(
  file: TenantDeletionFile,
  { trusted, output }: { trusted: JSONWebKeySet | undefined; output: Output },
): Promise<void> {
  const { claims, kid } = await verifyTenantDeletion(file, trusted)
  output.result({ verified: true, claims, kids: [kid] }, () =>
    [
      'The signature is valid. The tenant is deleted with everything in it.',
      formatFields({ tenant: claims.tenant, deleted: claims.deleted_at, users: claims.people, 'signed by': kid }),
      formatTable(claims.tables, [
        { title: 'table', value: ({ table }) => table },
        { title: 'rows', value: ({ rows }) => rows, right: true },
      ]),
    ].join('\n\n'),
  )
}

async function verifyProof(
  proof: SubjectProof,
  given: { trusted: JSONWebKeySet | undefined; identifier: Identifier | undefined; output: Output },
): Promise<void> {
  const { trusted, identifier, output } = given
  const verified = await verifySubjectProof(proof, { trusted, identifier })
  const { request } = verified.certificate
  if (verified.about === false) throw certificateError('certificate.about_another', { request })
  const text = verified.about === true ? 'The proof is about this person.' : 'The certificate covers the person.'
  output.result({ verified: true, ...verified }, () => `${text}\n\n${formatVerified(verified, trusted !== undefined)}`)
  requireClean(verified)
}

type IdentifierOptions = { email?: string; ref?: string; login?: string; directoryObjectId?: string }

function addIdentifierOptions(command: Command): Command {
  return command
    .option('--email <address>', 'look for the person with this e-mail address')
    .option('--ref <ref>', 'look for the person with this ref')
    .option('--login <name>', 'look for the person with this login name')
    .option('--directory-object-id <uuid>', 'look for the person with this directory object id')
}

/** The one identifier among the options. Throws `subject.no_selector` where one is `needed`, `subject.two_selectors`, `input.invalid`. */
function readIdentifier(options: IdentifierOptions, needed: true): Identifier
function readIdentifier(options: IdentifierOptions, needed: boolean): Identifier | undefined
function readIdentifier(options: IdentifierOptions, needed: boolean): Identifier | undefined {
  const given = selectorsOf(options)
  if (!needed && Object.values(given).every((value) => value === undefined)) return undefined
  const { by, value } = requireSelector(given)
  if (by === 'id') throw new TypeError('no option names an id')
  return { kind: by, value }
}

function selectorsOf({ email, ref, login, directoryObjectId }: IdentifierOptions) {
  return { email, ref, login_name: login, directory_object_id: directoryObjectId }
}

function readSalt(text: string): Buffer {
  const salt = Buffer.from(text.trim(), 'base64url')
  if (salt.length === 32) return salt
  throw inputError('input.invalid', {
    field: 'salt',
    expected: 'the 43 characters that the erasure request returned are expected',
  })
}

function amongText(among: boolean): string {
  return among ? 'The certificate covers this person.' : 'The certificate does not cover this person.'
}

async function readJson(file: string): Promise<unknown> {
  const text = await readUtf8(openSource(file), file)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw inputError('input.file_unreadable', { file, reason: 'it is not JSON' }, error)
  }
}

const verdicts: Record<Verdict, string> = {
  clean: 'Erased; no residual data found.',
  search_outstanding: 'Erased; search outstanding.',
  found: 'Residual data found, or a person not erased.',
}

/** Throws `certificate.search_outstanding` and `certificate.found`, which have exit codes of their own. */
function requireClean({ verdict, certificate, addenda }: VerifiedCertificate): void {
  const { request, subjects } = certificate
  if (verdict === 'search_outstanding') throw commandError('certificate.search_outstanding', { request })
  if (verdict === 'found') {
    const findings = addenda.reduce((sum, { search }) => sum + (search?.findings.length ?? 0), 0)
    throw commandError('certificate.found', { request, findings, failed: subjects.failed })
  }
}

const levels: Record<DiskLevel, string> = {
  1: 'committed; no query returns the data',
  2: 'the keys are destroyed',
  3: 'no dead rows and no statistics hold the data',
  4: 'no file of the database holds the data, except the log',
  5: 'no file of the database holds the data, and neither does the log',
}

function formatVerified(verified: VerifiedCertificate, trusted: boolean): string {
  const { verdict, certificate, addenda, kids, disk, outstanding, chained } = verified
  const parts = [
    'The signatures are valid, and the file covers one erasure request.',
    formatFields({
      request: certificate.request,
      tenant: certificate.tenant,
      operation: certificate.operation,
      people: `${certificate.subjects.done} of ${certificate.subjects.total}`,
      requested: certificate.requested_at,
      certified: certificate.certified_at,
      'data map': certificate.data_map,
      'rows left': certificate.verification.rows_left + certificate.verification.mentions_left,
      'not erased': certificate.subjects.failed,
      'identifiers held by others': certificate.shared_identifiers,
      'on disk':
        disk === undefined ? 'not stated' : `level ${disk.level} since ${disk.reached_at}: ${levels[disk.level]}`,
      outstanding: outstanding.length === 0 ? 'nothing' : outstanding,
      'signed by': [...new Set(kids)],
    }),
    formatTable(certificate.effects, [
      { title: 'table', value: ({ table }) => table },
      { title: 'effect', value: ({ effect }) => effect },
      { title: 'rows', value: ({ rows }) => rows, right: true },
    ]),
  ]
  for (const { search, backups, acknowledgements = [], added_at } of addenda) {
    for (const { receiver, id, acknowledged_at } of acknowledgements) {
      parts.push(`Acknowledged at ${acknowledged_at} by the ${receiver.replace('_', ' ')} ${id}.`)
    }
    if (backups !== undefined) {
      parts.push(
        `Declared at ${backups.declared_at}: no ${backups.kind === 'dump' ? 'dump' : 'copy of the files'} from before ${backups.oldest} is kept.`,
      )
    }
    if (search === undefined) continue
    parts.push(
      formatFields({
        'searched at': added_at,
        tables: search.tables,
        columns: search.columns,
        bytes: search.bytes,
        identifiers: search.identifiers,
        findings: search.findings.length,
        'could not be read': search.unreadable,
      }),
    )
  }
  if (!chained) {
    parts.push(
      'The certificate has version 1. Its statements do not name the previous one, so a missing statement is not noticed. They do not state the level on disk either.',
    )
  }
  if (!trusted) {
    parts.push(
      'The keys come from the file. Compare "signed by" with the keys that the installation publishes, or use --keys.',
    )
  }
  return [...parts, verdicts[verdict]].join('\n\n')
}
