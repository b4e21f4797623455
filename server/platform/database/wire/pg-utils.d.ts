declare module 'pg/lib/utils.js' {
  const utils: {
    /** The value as it is sent: a text, bytes, or null. Throws where it has no form. */
    prepareValue: (value: unknown) => string | Buffer | null
  }
  export default utils
}
