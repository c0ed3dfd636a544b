const encoder = new TextEncoder()

const bucketCount = 256

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
  readonly #buckets: StreamName[][] = Array.from({ length: bucketCount }, () => [])
  #last: StreamName | undefined

  add(name: string, stream: number): void {
    const bytes = encoder.encode(name)
    this.#buckets[bucketOf(bytes, 0, bytes.length)]?.push({ bytes, stream })
  }

  /** @returns the stream's index, or -1 when no stream has the name in `[start, end)`. */
  find(u8: Uint8Array, start: number, end: number): number {
    const last = this.#last
    if (last !== undefined && same(last.bytes, u8, start, end)) return last.stream
    for (const name of this.#buckets[bucketOf(u8, start, end)] ?? []) {
      if (!same(name.bytes, u8, start, end)) continue
      this.#last = name
      return name.stream
    }
    return -1
  }
}

function same(name: Uint8Array, u8: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let index = 0; index < name.length; index++) {
    if (name[index] !== u8[start + index]) return false
  }
  return true
}

/** By length and three bytes: names that fall together cost a longer walk, nothing more. */
function bucketOf(u8: Uint8Array, start: number, end: number): number {
  if (end === start) return 0
  const first = u8[start] ?? 0
  const middle = u8[start + ((end - start) >>> 1)] ?? 0
  const last = u8[end - 1] ?? 0
  return (end - start + 7 * first + 13 * middle + 31 * last) & (bucketCount - 1)
}
