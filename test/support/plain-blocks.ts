/** Blocks of LZ4 and snappy inflated byte by byte, as their specifications read: slow and plain. */

export type PlainOutcome = Uint8Array | 'malformed' | 'no-room'

interface Limits {
  readonly sizeBytesMax: number
  /** Output from before, which copies may reach. */
  readonly before?: Uint8Array
}

class Output {
  readonly #bytes: Uint8Array
  readonly #first: number
  #end: number

  constructor({ sizeBytesMax, before = new Uint8Array(0) }: Limits) {
    this.#bytes = new Uint8Array(before.length + sizeBytesMax)
    this.#bytes.set(before)
    this.#first = before.length
    this.#end = before.length
  }

  get own(): Uint8Array {
    return this.#bytes.subarray(this.#first, this.#end)
  }

  fits(count: number): boolean {
    return this.#end + count <= this.#bytes.length
  }

  reaches(distance: number): boolean {
    return distance > 0 && distance <= this.#end
  }

  add(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  copy(distance: number, count: number): void {
    const end = this.#end + count
    for (; this.#end < end; this.#end++) {
      this.#bytes[this.#end] = this.#bytes[this.#end - distance] ?? 0
    }
  }
}

/** The length that begins with four bits, and where its bytes end; undefined when they do not. */
function lengthAt(block: Uint8Array, at: number, nibble: number): [number, number] | undefined {
  if (nibble < 15) return [nibble, at]
  let sum = nibble
  for (let next = at; next < block.length; next++) {
    sum += block[next] ?? 0
    if (block[next] !== 255) return [sum, next + 1]
  }
  return undefined
}

export function plainLz4Block(block: Uint8Array, limits: Limits): PlainOutcome {
  const out = new Output(limits)
  for (let at = 0; at < block.length; ) {
    const token = block[at++] ?? 0
    const literals = lengthAt(block, at, token >>> 4)
    if (literals === undefined || literals[0] > block.length - literals[1]) return 'malformed'
    if (!out.fits(literals[0])) return 'no-room'
    at = literals[1] + literals[0]
    out.add(block.subarray(literals[1], at))
    if (at === block.length) return out.own
    if (block.length - at < 2) return 'malformed'
    const distance = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8)
    const copied = lengthAt(block, at + 2, token & 15)
    if (copied === undefined || !out.reaches(distance)) return 'malformed'
    if (!out.fits(copied[0] + 4)) return 'no-room'
    out.copy(distance, copied[0] + 4)
    at = copied[1]
  }
  return 'malformed'
}

/** Elements behind the announced length. */
export function plainSnappyElements(elements: Uint8Array, sizeBytes: number): PlainOutcome {
  const out = new Output({ sizeBytesMax: sizeBytes })
  const numberAt = (at: number, count: number): number =>
    [...elements.subarray(at, at + count)].reduceRight((sum, byte) => sum * 256 + byte, 0)
  for (let at = 0; at < elements.length; ) {
    const tag = elements[at++] ?? 0
    const [kind, upper] = [tag & 3, tag >>> 2]
    const extra = kind === 0 ? Math.max(0, upper - 59) : [0, 1, 2, 4][kind]
    if (extra === undefined || extra > elements.length - at) return 'malformed'
    const number = numberAt(at, extra)
    at += extra
    if (kind === 0) {
      const length = 1 + (extra === 0 ? upper : number)
      if (length > elements.length - at || !out.fits(length)) return 'malformed'
      out.add(elements.subarray(at, at + length))
      at += length
      continue
    }
    const length = kind === 1 ? 4 + (upper & 7) : 1 + upper
    const distance = kind === 1 ? (tag >>> 5) * 256 + number : number
    if (!out.reaches(distance) || !out.fits(length)) return 'malformed'
    out.copy(distance, length)
  }
  return out.own.length === sizeBytes ? out.own : 'malformed'
}
