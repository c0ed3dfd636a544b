import { crc32c } from '@node-rs/crc32'

/** CRC32C of a file as the log has it: eight hex digits. */
export const crc32cText = (bytes: Uint8Array): string =>
  (crc32c(bytes) >>> 0).toString(16).padStart(8, '0')
