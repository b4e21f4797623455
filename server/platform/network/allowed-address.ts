import ipaddr from 'ipaddr.js'

/** Public by its number, and yet no host of the internet: Azure answers virtual machines there (Microsoft, "What is IP address 168.63.129.16?"). */
const notPublic = ['168.63.129.16']

const globalUnicast = ipaddr.parseCIDR('2000::/3')

/**
 * Whether the server may connect to this address in the name of a tenant: one of the public internet, or of a network (in
 * CIDR notation) that the operator allows. An IPv4 address inside of an IPv6 address counts as what it is.
 */
export function mayConnectTo(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  const isAllowed = networks.some((network) => {
    const [range, bits] = ipaddr.parseCIDR(network)
    return range.kind() === parsed.kind() && parsed.match([range, bits] as never)
  })
  if (isAllowed) return true
  if (parsed.range() !== 'unicast' || notPublic.includes(parsed.toString())) return false
  return parsed.kind() === 'ipv4' || parsed.match(globalUnicast as never)
}
