const encoder = new TextEncoder()

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
  readonly #byHash = new Map<number, StreamName[]>()
  #last: StreamName | undefined

  add(name: string, stream: number): void {
    const bytes = encoder.encode(name)
    const hash = hashOf(bytes, 0, bytes.length)
    this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), { bytes, stream }])
  }

  /** @returns the stream's index, or -1 when no stream has the name in `[start, end)`. */
  find(u8: Uint8Array, start: number, end: number): number {
    const last = this.#last
    if (last !== undefined && same(last.bytes, u8, start, end)) return last.stream
    const candidates = this.#byHash.get(hashOf(u8, start, end))
    const found = candidates?.find(({ bytes }) => same(bytes, u8, start, end))
    if (found === undefined) return -1
    this.#last = found
    return found.stream
  }
}

function same(name: Uint8Array, u8: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let index = 0; index < name.length; index++) {
    if (name[index] !== u8[start + index]) return false
  }
  return true
}

/** FNV-1a. A crafted collision costs a longer walk over the configured names, nothing more. */
function hashOf(u8: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (u8[at] ?? 0), 0x01000193)
  return hash
}
