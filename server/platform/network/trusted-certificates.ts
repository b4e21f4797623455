import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'

/** The certificates of Node and those of a file (PEM); undefined without a file: those of Node. */
export async function trustedCertificates(file: string | undefined): Promise<string[] | undefined> {
  return file === undefined ? undefined : [...rootCertificates, await readFile(file, 'utf8')]
}
