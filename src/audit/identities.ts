/**
 * Identities of rows, (topic-partition, offset, index), in the order in which they stand.
 *
 * As columns, since a commit can have millions.
 */
const capacityAtFirst = 256

/** Rows of one topic-partition. */
export class IdentityList {
  #offsets = new BigInt64Array(capacityAtFirst)
  #indexes = new Int32Array(capacityAtFirst)
  #count = 0

  get count(): number {
    return this.#count
  }

  offset(row: number): bigint {
    return this.#offsets[row] ?? -1n
  }

  index(row: number): number {
    return this.#indexes[row] ?? -1
  }

  add(offset: bigint, index: number): void {
    if (this.#count === this.#offsets.length) this.#grow(2 * this.#count)
    this.#offsets[this.#count] = offset
    this.#indexes[this.#count] = index
    this.#count += 1
  }

  addAll(other: IdentityList): void {
    for (let row = 0; row < other.count; row++) this.add(other.offset(row), other.index(row))
  }

  /** The first row that stands behind one with a higher identity; undefined when none does. */
  firstOutOfOrder(): number | undefined {
    for (let row = 1; row < this.#count; row++) if (this.#compare(row - 1, row) > 0) return row
    return undefined
  }

  /** Rows in the order of their identity. */
  sorted(): Uint32Array {
    const rows = Uint32Array.from({ length: this.#count }, (_, row) => row)
    return this.firstOutOfOrder() === undefined
      ? rows
      : rows.sort((left, right) => this.#compare(left, right))
  }

  #compare(left: number, right: number): number {
    const [a, b] = [this.offset(left), this.offset(right)]
    if (a !== b) return a < b ? -1 : 1
    return this.index(left) - this.index(right)
  }

  #grow(capacity: number): void {
    const [offsets, indexes] = [new BigInt64Array(capacity), new Int32Array(capacity)]
    offsets.set(this.#offsets)
    indexes.set(this.#indexes)
    this.#offsets = offsets
    this.#indexes = indexes
  }
}

/** By name of the topic-partition: "growth.events/3". */
export type Identities = Map<string, IdentityList>

/** The list of a topic-partition, made when it is not there. */
export function listAt(identities: Identities, topicPartition: string): IdentityList {
  const known = identities.get(topicPartition)
  if (known !== undefined) return known
  const list = new IdentityList()
  identities.set(topicPartition, list)
  return list
}
