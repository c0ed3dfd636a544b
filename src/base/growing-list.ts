/**
 * A list that is a value and only ever grows: appending makes a new list at the cost of what is
 * appended, and leaves the old one as it was.
 *
 * Lists share one array; each knows how much of it is its own. Only the newest list of a line may
 * write behind its end: an append to an older one copies.
 */
export class GrowingList<T> {
  readonly length: number
  readonly #shared: T[]
  #copy: readonly T[] | undefined

  private constructor(shared: T[], length: number) {
    this.#shared = shared
    this.length = length
  }

  static of<T>(items: readonly T[]): GrowingList<T> {
    return new GrowingList([...items], items.length)
  }

  /** This list and then `items`. */
  with(items: readonly T[]): GrowingList<T> {
    const newest = this.#shared.length === this.length
    const shared = newest ? this.#shared : this.#shared.slice(0, this.length)
    for (const item of items) shared.push(item)
    return new GrowingList(shared, shared.length)
  }

  /** The items, in order; made once, when first asked for. */
  toArray(): readonly T[] {
    this.#copy ??= this.#shared.slice(0, this.length)
    return this.#copy
  }
}
