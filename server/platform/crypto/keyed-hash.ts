import { hash } from 'node:crypto'

const blockLength = 64
const digestLength = 32

/**
 * HMAC-SHA-256 (RFC 2104) of many short texts under one key of 32 bytes: a function that answers the digest as a string of
 * 32 characters of one byte each. The same as `createHmac`, spelled out over two calls of OpenSSL's SHA-256: setting up an
 * HMAC context in Node takes many times as long as hashing an e-mail address.
 */
export function keyedHash(key: Buffer): (text: string) => string {
  if (key.length > blockLength) throw new RangeError('the key is longer than a block of SHA-256')
  let inner = Buffer.alloc(blockLength + 1024, 0x36)
  const outer = Buffer.alloc(blockLength + digestLength, 0x5c)
  for (const [index, byte] of key.entries()) {
    inner[index] = 0x36 ^ byte
    outer[index] = 0x5c ^ byte
  }
  return (text) => {
    // A unit of UTF-16 takes three bytes at most.
    if (blockLength + 3 * text.length > inner.length) {
      inner = Buffer.concat([inner.subarray(0, blockLength)], blockLength + 6 * text.length)
    }
    const end = blockLength + inner.write(text, blockLength, 'utf8')
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), blockLength, 'latin1')
    return hash('sha256', outer, 'binary')
  }
}
