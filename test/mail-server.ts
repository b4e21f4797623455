import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export type Mail = { from: string | undefined; to: string[]; text: string }

/** A mail server on loopback that takes every e-mail. */
export type MailServer = {
  url: string
  /** What came so far, newest last. */
  mails: Mail[]
  /** So many of the next e-mails are turned away as if the server were busy (RFC 5321, code 451). */
  busy: number
  close(): Promise<void>
}

/** Starts a mail server on a free port. `onMail` runs before the server takes an e-mail. */
export async function startMailServer({
  onMail,
}: {
  onMail?: (mail: Mail) => Promise<void>
} = {}): Promise<MailServer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, { envelope }, done) {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', async () => {
        if (started.busy > 0) {
          started.busy -= 1
          return done(Object.assign(new Error('Try again'), { responseCode: 451 }))
        }
        const mail = {
          from: envelope.mailFrom === false ? undefined : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          // Quoted-printable breaks long lines (RFC 2045, section 6.7), and so links.
          text: Buffer.concat(pieces).toString('utf8').replaceAll('=\r\n', '').replaceAll('=3D', '='),
        }
        await onMail?.(mail)
        started.mails.push(mail)
        done()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const started: MailServer = {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails: [],
    busy: 0,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  }
  return started
}

/** The settings by which an application sends its e-mails to the server. */
export function mailSettings({ url }: MailServer): Record<string, string> {
  return { LETHE_SMTP_URL: url, LETHE_MAIL_FROM: 'lethe@acme.example' }
}
