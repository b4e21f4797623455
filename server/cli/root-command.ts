import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { helpText } from './help-text.ts'

const notes = `Environment:
  DATABASE_URL         the application's login on a PostgreSQL server; unset:
                       the embedded server
  DATABASE_OWNER_URL   the owner of the tables, for "lethe db migrate" and
                       "lethe db rewrite"
  LETHE_MASTER_KEY     32 bytes in base64 that wrap every other key; needed
                       with DATABASE_URL
  LETHE_DATA           like --data
  LETHE_TENANT         like --tenant
  LETHE_SMTP_URL       the mail server, such as smtp://user:password@host:587;
                       unset: no e-mails
  LETHE_MAIL_FROM      the address that e-mails are sent from; needed with
                       LETHE_SMTP_URL
  LETHE_PUBLIC_URL     where people and programs reach "lethe serve", for
                       links; unset: the host of a request
  LETHE_REWRITE_AT     the time (UTC) at which the embedded server rewrites
                       the tables of erased people, or off; unset: 03:00
  LETHE_REWRITE_LIMIT  the largest table to rewrite then, in MiB; larger ones
                       need "lethe db rewrite"; unset: 256
  LETHE_DEBUG=1        adds the stack to an error
  docs/operations.md lists the settings for connections, timeouts,
  connectors and webhooks.

Exit codes:
  0    done; demo and serve end with it after Ctrl-C
  1    failed, or you declined
  2    bad input
  3    not found
  4    ambiguous: several people match
  5    conflict with the present state
  6    environment: server, keys, data folder
  8    the person of --as may not do this
  10   outstanding: an erasure waits for an approval, a date or a hold;
       certificate verify: erased, search outstanding
  11   certificate verify: residual data found
  130  stopped by Ctrl-C`

const examples = [
  'lethe demo',
  'lethe user create --email ann@example.org --first-name Ann --last-name Aster',
  'lethe user list --deleted-in 2026-03 --json',
  'lethe user delete --file leavers.csv && lethe purge --file leavers.csv',
]

/**
 * The program without commands: its options and its help. It throws CommanderError instead of ending the process, and
 * prints no error itself.
 */
export function rootCommand(): Command {
  return new Command('lethe')
    .description('Keeps learner records and can forget them.')
    .version(readVersion(), '--version')
    .option('--data <folder>', 'folder of the embedded server and of the keys')
    .option('--tenant <name or id>', 'the tenant to work in; needed only if there are several')
    .option('--as <person>', 'the acting person: an active user, by any identifier, or an operator, by name')
    .option('--json', 'print one JSON document; an error is the last line on stderr, as JSON')
    .option('--quiet', 'print results and errors only')
    .addHelpText('after', helpText({ notes, examples }))
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
}

function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const known = typeof content === 'object' && content !== null && 'version' in content
  return known ? String(content.version) : 'unknown'
}
