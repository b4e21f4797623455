import { requireAddress } from './address.ts'

/** Addresses of contacts in the form that is stored: lower case, each once. Throws `input.invalid`. */
export function contactAddresses(field: string, addresses: readonly string[] | undefined): string[] {
  return [...new Set((addresses ?? []).map((address) => storedAddress(requireAddress(field, address))))]
}

/** The reply address in the form that is stored; null where there is none. Throws `input.invalid`. */
export function replyAddress(field: string, address: string | undefined): string | null {
  return address === undefined ? null : storedAddress(requireAddress(field, address))
}

/** Letter by letter, as the database lowers them: İ becomes i there, while JavaScript adds a dot as a second letter. */
function storedAddress(address: string): string {
  return Array.from(address.normalize(), (letter) => [...letter.toLowerCase()][0] ?? letter).join('')
}
