import type { SimStore } from './lake.ts'

type Stored = NonNullable<ReturnType<SimStore['get']>>

/** What lies on a simulated lake, and in which order it came to lie there. */
export class RecordedStore extends Map<string, Stored> {
  /** When each path was set first, as a count of all that was set. */
  readonly firstSet = new Map<string, number>()
  /** How often anything was set. */
  setCount = 0

  override set(path: string, object: Stored): this {
    this.setCount += 1
    if (!this.firstSet.has(path)) this.firstSet.set(path, this.setCount)
    return super.set(path, object)
  }
}
