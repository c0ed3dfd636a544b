/** A map of what can be found out again: when it is full it forgets what was set first. */
export class BoundedMap<Key, Value> {
  readonly #values = new Map<Key, Value>()
  readonly #sizeMax: number

  /** @param sizeMax keys that are kept; at least one. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key)
  }

  set(key: Key, value: Value): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#sizeMax) return
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest)
      return
    }
  }

  delete(key: Key): void {
    this.#values.delete(key)
  }
}
