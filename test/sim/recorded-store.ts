import type { SimStore } from './lake.ts'

type Stored = NonNullable<ReturnType<SimStore['get']>>

/** What lies on a simulated lake, and in which order it came to lie there. */
export class RecordedStore extends Map<string, Stored> {
  /** When each path was set first, as a count of all that was set. */
  readonly firstSet = new Map<string, number>()
  /** By path, the same of each length that it had: files grow. */
  readonly firstOfLength = new Map<string, Map<number, number>>()
  /** What each path held first: an index of the log that is won again was decided before. */
  readonly firstHeld = new Map<string, Stored>()
  /** How often anything was set. */
  setCount = 0

  readonly #torn = new Map<string, { held: Stored | undefined; at: number | undefined }>()
  /** What stood where a stand-in is, while somebody could read it. */
  tornAt(path: string): Uint8Array | undefined {
    return this.#torn.get(path)?.held?.body
  }

  /** Staged paths that came to hold something else than before; a broken write holds a part. */
  readonly changed = new Set<string>()

  /** What went for good, by path. */
  readonly lost = new Map<string, Stored>()

  lose(path: string): void {
    const object = this.get(path)
    if (object !== undefined) this.lost.set(path, object)
    this.delete(path)
  }

  /** It is as it was before it went. */
  restore(path: string): void {
    const object = this.lost.get(path)
    if (object !== undefined) super.set(path, object)
    this.lost.delete(path)
  }

  /** A part of it is left, which nobody can read; what is put over it counts as the first there. */
  tear(path: string): void {
    const torn = this.get(path)
    if (torn === undefined) return
    super.set(path, { ...torn, body: torn.body.subarray(0, torn.body.length >> 1) })
    const kept = { held: this.firstHeld.get(path), at: this.firstSet.get(path) }
    this.#torn.set(path, kept)
    this.firstHeld.delete(path)
    this.firstSet.delete(path)
  }

  /** It is as it was. */
  mend(path: string): void {
    const { held, at } = this.#torn.get(path) ?? {}
    if (held === undefined || at === undefined) return
    super.set(path, held)
    this.firstHeld.set(path, held)
    this.firstSet.set(path, at)
    this.#torn.delete(path)
  }

  override set(path: string, object: Stored): this {
    this.setCount += 1
    const first = isStaged(path) ? this.firstHeld.get(path) : undefined
    if (first !== undefined && !isPart(first.body, object.body)) this.changed.add(path)
    const lengths = this.firstOfLength.get(path) ?? new Map<number, number>()
    const sizeBytes = object.body.byteLength
    if (!lengths.has(sizeBytes)) lengths.set(sizeBytes, this.setCount)
    this.firstOfLength.set(path, lengths)
    if (!this.firstSet.has(path)) {
      this.firstSet.set(path, this.setCount)
      this.firstHeld.set(path, object)
    }
    return super.set(path, object)
  }
}

const isStaged = (path: string): boolean => path.endsWith('.staged') || path.includes('.tail-')

/** True when the shorter one is the beginning of the longer one. */
function isPart(one: Uint8Array, other: Uint8Array): boolean {
  const length = Math.min(one.length, other.length)
  return Buffer.compare(one.subarray(0, length), other.subarray(0, length)) === 0
}
