import { createTransport, type Transporter } from 'nodemailer'
import { readAddress } from '../identifiers/address.ts'
import { notifyError } from './errors.ts'

/** The way to the mail server, and who e-mails say that they are from: the settings of the same names. */
export type MailSettings = { smtpUrl: string | undefined; mailFrom: string | undefined }

/** How e-mails leave. */
export type Mailer = { transport: Transporter; from: Sender }

/** Who an e-mail says that it is from; a name without characters is none. */
type Sender = { name: string; address: string }

/** A server that does not answer must not hold a worker for minutes. */
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }

/**
 * The way to the mail server of the configuration; undefined where none is configured. It connects for each e-mail, so
 * there is nothing to close. Throws `mail.url_invalid`, `mail.sender_missing`,
 * `mail.sender_invalid`.
 */
export function openMailer(settings: MailSettings): Mailer | undefined {
  const { smtpUrl, mailFrom } = settings
  if (smtpUrl === undefined) return undefined
  if (!/^smtps?:\/\/[^/]/.test(smtpUrl) || !URL.canParse(smtpUrl)) throw notifyError('mail.url_invalid')
  if (mailFrom === undefined) throw notifyError('mail.sender_missing')
  return {
    transport: createTransport({ url: smtpUrl, ...timeouts, disableFileAccess: true, disableUrlAccess: true }),
    from: senderOf(mailFrom),
  }
}

/** An address, or a name with an address in angle brackets behind it. */
function senderOf(mailFrom: string): Sender {
  const [, name = '', given = mailFrom] = /^([^<>@]*)<([^<>]*)>\s*$/.exec(mailFrom) ?? []
  const read = readAddress(given)
  if ('expected' in read) throw notifyError('mail.sender_invalid', { expected: read.expected })
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address: read.address }
}
