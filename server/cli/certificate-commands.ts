import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { JSONWebKeySet } from 'jose'
import { type CertificateFile, isAmong, type VerifiedCertificate, verifyCertificate } from '../erasure/certificate.ts'
import { checkAmong } from '../erasure/check-among.ts'
import { newestErasure, readCertificate } from '../erasure/show-erasures.ts'
import { rotateSigningKey } from '../erasure/signing-keys.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { requireSelector } from '../people/find-users.ts'
import { codeOf } from '../platform/database/pool.ts'
import { LetheError } from '../platform/errors.ts'
import { helpText } from './help-text.ts'
import { createOutput, formatFields, formatTable } from './output.ts'
import { withApplication, withTenant } from './session.ts'

/** `lethe certificate show|verify|check|rotate-key` */
export function addCertificateCommands(program: Command): void {
  const group = program
    .command('certificate')
    .description('proofs of what was erased')
    .addHelpText(
      'after',
      helpText({
        examples: ['lethe certificate show > certificate.json', 'lethe certificate verify certificate.json'],
      }),
    )
  group
    .command('show')
    .argument('[request]', 'the id of the order; without it, the newest')
    .description('print the certificate of an order with its addenda, as a file that "verify" reads')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such order, or it is not certified yet' },
        examples: ['lethe certificate show', 'lethe certificate show REQUEST > certificate.json'],
      }),
    )
    .action(async (request: string | undefined, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const file = await run(async (tx) => readCertificate(tx, request ?? (await newestErasure(tx))))
        output.result(file, () => JSON.stringify(file, null, 2))
      })
    })
  addIdentifierOptions(group.command('verify'))
    .argument('<file>', 'what "lethe certificate show" printed')
    .option('--keys <file>', 'trust only these keys: a JSON Web Key Set from the installation that signed')
    .option(
      '--salt <salt>',
      'of an anonymization: what was shown when it was ordered, to tell whether a person is in it',
    )
    .description('check a certificate offline, without any database')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'it is valid, whether or not the person is in it', 1: 'it is not valid' },
        examples: [
          'lethe certificate verify certificate.json',
          'lethe certificate verify certificate.json --keys jwks.json',
          'lethe certificate verify certificate.json --salt SALT --email ann@example.org',
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
      const verified = await verifyCertificate(content, trusted)
      const { operation, request } = verified.certificate
      if (identifier === undefined) {
        output.result({ verified: true, ...verified }, () => formatVerified(verified, trusted !== undefined))
        return
      }
      if (operation === 'purge') throw new LetheError('certificate.no_salt', { request })
      if (salt === undefined) throw new LetheError('certificate.salt_needed')
      const among = isAmong((content as CertificateFile).subjects, salt, identifier)
      output.result(
        { verified: true, among, ...verified },
        () => `${amongText(among)}\n\n${formatVerified(verified, trusted !== undefined)}`,
      )
    })
  addIdentifierOptions(group.command('check'))
    .argument('<request>', 'the id of the order')
    .option('--salt <salt>', 'of an anonymization: what was shown when it was ordered')
    .description('tell whether a person is among the people of an order that is certified')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'told, whichever it is; --json has "among"' },
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
        const among = await run((tx) => checkAmong(tx, { request, identifier, salt }))
        output.result({ request, among }, () => amongText(among))
      })
    })
  group
    .command('rotate-key')
    .description('sign with a new key from now on; what the old one signed stays verifiable')
    .addHelpText('after', helpText({ examples: ['lethe certificate rotate-key'] }))
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const kid = await rotateSigningKey(application.database)
        output.result({ kid }, () => `The signing key is ${kid} now.`)
      })
    })
}

type IdentifierOptions = { email?: string; ref?: string; login?: string; directoryObjectId?: string }

function addIdentifierOptions(command: Command): Command {
  return command
    .option('--email <address>', 'whether the person of this e-mail address is among the people')
    .option('--ref <ref>', 'the same by ref')
    .option('--login <name>', 'the same by login name')
    .option('--directory-object-id <uuid>', 'the same by directory object id')
}

/** The one identifier among the options. Throws `subject.no_selector` where one is `needed`, `subject.two_selectors`, `input.invalid`. */
function readIdentifier(options: IdentifierOptions, needed: true): Identifier
function readIdentifier(options: IdentifierOptions, needed: boolean): Identifier | undefined
function readIdentifier(
  { email, ref, login, directoryObjectId }: IdentifierOptions,
  needed: boolean,
): Identifier | undefined {
  const given = { email, ref, login_name: login, directory_object_id: directoryObjectId }
  if (!needed && Object.values(given).every((value) => value === undefined)) return undefined
  const { by, value } = requireSelector(given)
  if (by === 'id') throw new TypeError('no option names an id')
  return { kind: by, value }
}

function readSalt(text: string): Buffer {
  const salt = Buffer.from(text.trim(), 'base64url')
  if (salt.length === 32) return salt
  throw new LetheError('input.invalid', { field: 'salt', expected: 'the 43 characters that were shown are expected' })
}

function amongText(among: boolean): string {
  return among
    ? 'The person is among the people of this certificate.'
    : 'The person is not among the people of this certificate.'
}

async function readJson(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new LetheError('input.file_unreadable', { file, reason: codeOf(error) ?? 'it cannot be opened' }, error)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new LetheError('input.file_unreadable', { file, reason: 'it is not JSON' }, error)
  }
}

function formatVerified({ certificate, addenda, kids }: VerifiedCertificate, trusted: boolean): string {
  const parts = [
    'The certificate is valid.',
    formatFields({
      request: certificate.request,
      tenant: certificate.tenant,
      operation: certificate.operation,
      people: `${certificate.subjects.done} of ${certificate.subjects.total}`,
      ordered: certificate.requested_at,
      certified: certificate.certified_at,
      'data map': certificate.data_map,
      'rows left': certificate.verification.rows_left + certificate.verification.mentions_left,
      'shared identifiers': certificate.shared_identifiers,
      'signed by': [...new Set(kids)],
    }),
    formatTable(certificate.effects, [
      { title: 'table', value: ({ table }) => table },
      { title: 'effect', value: ({ effect }) => effect },
      { title: 'rows', value: ({ rows }) => rows, right: true },
    ]),
  ]
  for (const { search, added_at } of addenda) {
    parts.push(
      formatFields({
        'searched at': added_at,
        tables: search.tables,
        columns: search.columns,
        bytes: search.bytes,
        identifiers: search.identifiers,
        findings: search.findings.length,
      }),
    )
  }
  if (!trusted) {
    parts.push('The keys came with the file. Compare "signed by" with what the installation publishes, or use --keys.')
  }
  return parts.join('\n\n')
}
