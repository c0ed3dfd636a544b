const encoder = new TextEncoder()

/** A power of two; doubled before there are more names than buckets. */
const bucketCountFirst = 256

interface StreamName {
  readonly bytes: Uint8Array
  readonly stream: number
}

/**
 * Finds a stream by the bytes of its name, without making a string.
 *
 * Events of one stream come in runs, so the name found last is tried first.
 */
export class StreamNames {
  #buckets = emptyBuckets(bucketCountFirst)
  #count = 0
  #last: StreamName | undefined

  add(name: string, stream: number): void {
    this.#count += 1
    if (this.#count > this.#buckets.length) this.#double()
    this.#put({ bytes: encoder.encode(name), stream })
  }

  /** @returns the stream's index, or -1 when no stream has the name in `[start, end)`. */
  find(u8: Uint8Array, start: number, end: number): number {
    const last = this.#last
    if (last !== undefined && same(last.bytes, u8, start, end)) return last.stream
    const bucket = this.#buckets[hashOf(u8, start, end) & (this.#buckets.length - 1)] ?? []
    for (const name of bucket) {
      if (!same(name.bytes, u8, start, end)) continue
      this.#last = name
      return name.stream
    }
    return -1
  }

  #put(name: StreamName): void {
    const { bytes } = name
    this.#buckets[hashOf(bytes, 0, bytes.length) & (this.#buckets.length - 1)]?.push(name)
  }

  #double(): void {
    const names = this.#buckets.flat()
    this.#buckets = emptyBuckets(2 * this.#buckets.length)
    for (const name of names) this.#put(name)
  }
}

const emptyBuckets = (count: number): StreamName[][] => Array.from({ length: count }, () => [])

function same(name: Uint8Array, u8: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let index = 0; index < name.length; index++) {
    if (name[index] !== u8[start + index]) return false
  }
  return true
}

/** FNV-1a: names that differ in a digit somewhere do not fall together. */
function hashOf(u8: Uint8Array, start: number, end: number): number {
  let hash = 0x811c_9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (u8[at] ?? 0), 0x0100_0193)
  return hash ^ (hash >>> 15)
}
