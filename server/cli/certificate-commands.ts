import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { JSONWebKeySet } from 'jose'
import { type VerifiedCertificate, verifyCertificate } from '../erasure/certificate.ts'
import { newestErasure, readCertificate } from '../erasure/show-erasures.ts'
import { rotateSigningKey } from '../erasure/signing-keys.ts'
import { codeOf } from '../platform/database/pool.ts'
import { LetheError } from '../platform/errors.ts'
import { createOutput, formatFields, formatTable } from './output.ts'
import { withApplication, withTenant } from './session.ts'

/** `lethe certificate show|verify|rotate-key` */
export function addCertificateCommands(program: Command): void {
  const group = program.command('certificate').description('proofs of what was erased')
  group
    .command('show')
    .argument('[request]', 'the id of the order; without it, the newest')
    .description('print the certificate of an order with its addenda, as a file that "verify" reads')
    .addHelpText('after', '\nExample:\n  lethe certificate show REQUEST > certificate.json')
    .action(async (request: string | undefined, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output, application }) => {
        const file = await run(async (tx) =>
          readCertificate(tx, application.masterKey, request ?? (await newestErasure(tx))),
        )
        output.result(file, () => JSON.stringify(file, null, 2))
      })
    })
  group
    .command('verify')
    .argument('<file>', 'what "lethe certificate show" printed')
    .option('--keys <file>', 'trust only these keys: a JSON Web Key Set from the installation that signed')
    .description('check a certificate offline, without any database')
    .addHelpText('after', '\nExample:\n  lethe certificate verify certificate.json --keys jwks.json')
    .action(async (file: string, options: { keys?: string }, command: Command) => {
      const { json, quiet } = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>()
      const output = createOutput({ json: json === true, quiet: quiet === true, signal: new AbortController().signal })
      const trusted = options.keys === undefined ? undefined : ((await readJson(options.keys)) as JSONWebKeySet)
      const verified = await verifyCertificate(await readJson(file), trusted)
      output.result({ verified: true, ...verified }, () => formatVerified(verified, trusted !== undefined))
    })
  group
    .command('rotate-key')
    .description('sign with a new key from now on; what the old one signed stays verifiable')
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const kid = await rotateSigningKey(application.database, application.masterKey)
        output.result({ kid }, () => `The signing key is ${kid} now.`)
      })
    })
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
