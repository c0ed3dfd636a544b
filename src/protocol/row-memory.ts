/**
 * What of `memory.buffers` is for rows. Node.js with its heap, and the schemas and tables of each
 * stream, take the rest, by estimate: idle processes of 32 columns a stream were seen at 197 MB
 * with one stream and 235 MB with 300; at work the heap takes a hundred more, and fetched answers
 * and what stands empty in finished pages as much again.
 */
const processBytes = 325 * 1_000_000
const streamBytes = 250_000

const takenBytesOf = (streamCount: number): number => processBytes + streamCount * streamBytes

/** What is left of the budget for rows; half of it in any case. */
export const rowBytesOf = (bufferBytes: number, streamCount: number): number =>
  Math.max(Math.floor(bufferBytes / 2), bufferBytes - takenBytesOf(streamCount))

/** The least budget that leaves so much for rows. */
export const bufferBytesFor = (rowBytes: number, streamCount: number): number =>
  Math.min(2 * rowBytes, rowBytes + takenBytesOf(streamCount))
