/**
 * A map that is a value: setting a key makes a new map and leaves the old one as it was.
 *
 * A hash trie of 32-way branches: a change copies one path of about log32(size) small arrays, so a
 * state of a million keys is folded on at the cost of the entry, not of the state. The order of
 * iteration depends on the keys only: not on the order they were set in, unless two collide.
 */

const bitsPerLevel = 5
const levelMask = 31

interface Leaf<K, V> {
  readonly kind: 'leaf'
  readonly hash: number
  readonly key: K
  readonly value: V
}

/** Keys of one and the same hash. */
interface Collision<K, V> {
  readonly kind: 'collision'
  readonly hash: number
  readonly leaves: readonly Leaf<K, V>[]
}

interface Branch<K, V> {
  readonly kind: 'branch'
  /** Bit i is set when there is a child for the five hash bits i. */
  readonly bitmap: number
  readonly children: readonly Node<K, V>[]
}

type Node<K, V> = Leaf<K, V> | Collision<K, V> | Branch<K, V>

/** Walks over leaves in the order of the trie. By hand: generators within each other cost more. */
class LeafWalk<K, V, T> implements MapIterator<T> {
  readonly #show: (leaf: Leaf<K, V>) => T
  /** From the root down, lists that are not walked to their ends, and the next place in each. */
  readonly #lists: (readonly Node<K, V>[])[] = []
  readonly #places: number[] = []

  constructor(root: Node<K, V> | undefined, show: (leaf: Leaf<K, V>) => T) {
    this.#show = show
    if (root !== undefined) this.#enter([root])
  }

  next(): IteratorResult<T, undefined> {
    for (let depth = this.#lists.length - 1; depth >= 0; depth = this.#lists.length - 1) {
      const place = this.#places[depth] ?? 0
      const node = this.#lists[depth]?.[place]
      if (node === undefined) {
        this.#lists.pop()
        this.#places.pop()
        continue
      }
      this.#places[depth] = place + 1
      if (node.kind === 'leaf') return { done: false, value: this.#show(node) }
      this.#enter(node.kind === 'branch' ? node.children : node.leaves)
    }
    return { done: true, value: undefined }
  }

  [Symbol.iterator](): this {
    return this
  }

  /** Holds nothing that must be let go of. */
  [Symbol.dispose](): void {}

  #enter(list: readonly Node<K, V>[]): void {
    this.#lists.push(list)
    this.#places.push(0)
  }
}

export class PersistentMap<K extends string, V> implements ReadonlyMap<K, V> {
  readonly size: number
  readonly #root: Node<K, V> | undefined

  private constructor(root: Node<K, V> | undefined, size: number) {
    this.#root = root
    this.size = size
  }

  static empty<K extends string, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(undefined, 0)
  }

  /** `map` itself when it is persistent already, else a copy. */
  static of<K extends string, V>(map: ReadonlyMap<K, V>): PersistentMap<K, V> {
    if (map instanceof PersistentMap) return map
    let made = PersistentMap.empty<K, V>()
    for (const [key, value] of map) made = made.with(key, value)
    return made
  }

  get(key: K): V | undefined {
    return leafOf(this.#root, key, hashOf(key))?.value
  }

  has(key: K): boolean {
    return leafOf(this.#root, key, hashOf(key)) !== undefined
  }

  /** This map with `key` set to `value`. */
  with(key: K, value: V): PersistentMap<K, V> {
    const leaf: Leaf<K, V> = { kind: 'leaf', hash: hashOf(key), key, value }
    const root = this.#root === undefined ? leaf : inserted(this.#root, leaf, 0)
    return new PersistentMap(root, this.size + (this.has(key) ? 0 : 1))
  }

  /** This map without `key`. */
  without(key: K): PersistentMap<K, V> {
    if (this.#root === undefined || !this.has(key)) return this
    return new PersistentMap(removed(this.#root, key, hashOf(key), 0), this.size - 1)
  }

  /**
   * Every key whose value is another one in `other`, or that one of the two lacks; others may be
   * among them. Costs what lies between them where one was made from the other.
   */
  keysChangedIn(other: PersistentMap<K, V>): ReadonlySet<K> {
    const keys = new Set<K>()
    addChanged(this.#root, other.#root, keys)
    return keys
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this)
  }

  entries(): LeafWalk<K, V, [K, V]> {
    return new LeafWalk(this.#root, ({ key, value }) => [key, value])
  }

  keys(): LeafWalk<K, V, K> {
    return new LeafWalk(this.#root, ({ key }) => key)
  }

  values(): LeafWalk<K, V, V> {
    return new LeafWalk(this.#root, ({ value }) => value)
  }

  [Symbol.iterator](): LeafWalk<K, V, [K, V]> {
    return this.entries()
  }
}

/** FNV-1a over UTF-16 units, with a last mix because branches use the low bits first. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

const bitOf = (hash: number, shift: number): number => 1 << ((hash >>> shift) & levelMask)

function bitCount(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555)
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Position among the children of the child for `bit`, whether it is there or not. */
const placeOf = (bitmap: number, bit: number): number => bitCount(bitmap & (bit - 1))

function leafOf<K, V>(root: Node<K, V> | undefined, key: K, hash: number): Leaf<K, V> | undefined {
  let node = root
  for (let shift = 0; node?.kind === 'branch'; shift += bitsPerLevel) {
    node = childAt(node, bitOf(hash, shift))
  }
  if (node === undefined) return undefined
  if (node.kind === 'leaf') return node.key === key ? node : undefined
  return node.leaves.find((leaf) => leaf.key === key)
}

function addChanged<K, V>(
  a: Node<K, V> | undefined,
  b: Node<K, V> | undefined,
  keys: Set<K>,
): void {
  if (a === b) return
  if (a?.kind !== 'branch' || b?.kind !== 'branch') {
    for (const root of [a, b])
      for (const key of new LeafWalk(root, (leaf) => leaf.key)) keys.add(key)
    return
  }
  for (let bits = a.bitmap | b.bitmap; bits !== 0; bits &= bits - 1) {
    const bit = bits & -bits
    addChanged(childAt(a, bit), childAt(b, bit), keys)
  }
}

const childAt = <K, V>({ bitmap, children }: Branch<K, V>, bit: number): Node<K, V> | undefined =>
  (bitmap & bit) === 0 ? undefined : children[placeOf(bitmap, bit)]

function inserted<K, V>(node: Node<K, V>, leaf: Leaf<K, V>, shift: number): Node<K, V> {
  if (node.kind === 'branch') return insertedBelow(node, leaf, shift)
  if (node.hash !== leaf.hash) return joined(node, leaf, shift)
  if (node.kind === 'leaf') {
    if (node.key === leaf.key) return leaf
    return { kind: 'collision', hash: leaf.hash, leaves: [node, leaf] }
  }
  const others = node.leaves.filter(({ key }) => key !== leaf.key)
  return { ...node, leaves: [...others, leaf] }
}

function insertedBelow<K, V>(node: Branch<K, V>, leaf: Leaf<K, V>, shift: number): Branch<K, V> {
  const bit = bitOf(leaf.hash, shift)
  const place = placeOf(node.bitmap, bit)
  const children = node.children.slice()
  const child = (node.bitmap & bit) === 0 ? undefined : children[place]
  if (child === undefined) children.splice(place, 0, leaf)
  else children[place] = inserted(child, leaf, shift + bitsPerLevel)
  return { kind: 'branch', bitmap: node.bitmap | bit, children }
}

/** A branch over two nodes of different hashes. */
function joined<K, V>(a: Leaf<K, V> | Collision<K, V>, b: Leaf<K, V>, shift: number): Branch<K, V> {
  const [bitA, bitB] = [bitOf(a.hash, shift), bitOf(b.hash, shift)]
  if (bitA === bitB) {
    return { kind: 'branch', bitmap: bitA, children: [joined(a, b, shift + bitsPerLevel)] }
  }
  const children = placeOf(bitA | bitB, bitA) === 0 ? [a, b] : [b, a]
  return { kind: 'branch', bitmap: bitA | bitB, children }
}

function removed<K, V>(
  node: Node<K, V>,
  key: K,
  hash: number,
  shift: number,
): Node<K, V> | undefined {
  if (node.kind === 'leaf') return undefined
  if (node.kind === 'collision') {
    const leaves = node.leaves.filter((leaf) => leaf.key !== key)
    return leaves.length === 1 ? leaves[0] : { ...node, leaves }
  }
  return removedBelow(node, key, hash, shift)
}

function removedBelow<K, V>(
  node: Branch<K, V>,
  key: K,
  hash: number,
  shift: number,
): Node<K, V> | undefined {
  const bit = bitOf(hash, shift)
  const place = placeOf(node.bitmap, bit)
  const child = node.children[place]
  if (child === undefined) return node
  const left = removed(child, key, hash, shift + bitsPerLevel)
  const children = node.children.slice()
  if (left === undefined) children.splice(place, 1)
  else children[place] = left
  const [only] = children
  // A lone leaf moves up, so that the same keys always make the same trie.
  if (children.length === 1 && only !== undefined && only.kind !== 'branch') return only
  if (children.length === 0) return undefined
  return { kind: 'branch', bitmap: left === undefined ? node.bitmap ^ bit : node.bitmap, children }
}
