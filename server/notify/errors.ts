import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with notifications, and with the settings of e-mail. */
export const notifyError = defineErrors({
  'notification.not_found': {
    kind: 'not_found',
    message: (d: { ids: string[] }) => `This user has no notification ${listed(d.ids)}.`,
    hint: () => '"lethe notification list" lists the notifications.',
  },
  'mail.sender_missing': {
    kind: 'environment',
    message: () =>
      'LETHE_SMTP_URL is set, but LETHE_MAIL_FROM is not. Set LETHE_MAIL_FROM to the address that sends the e-mails.',
  },
  'mail.sender_invalid': {
    kind: 'environment',
    message: (d: { expected: string }) =>
      `LETHE_MAIL_FROM is not valid: ${d.expected}. Examples: lethe@example.org, or Lethe <lethe@example.org>.`,
  },
  'mail.url_invalid': {
    kind: 'environment',
    message: () =>
      'LETHE_SMTP_URL is not valid. An example is smtp://user:password@host:587; use smtps:// for a server that uses TLS from the start.',
  },
})
