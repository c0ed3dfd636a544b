import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PersistentMap } from '../../../src/base/persistent-map.ts'

/** Pairs of one and the same hash, so that keys that collide are drawn too. */
const colliding = ['swbtchq', 'zsnfzpg', 'sfcufzh', 'apoyagl', 'efwxyck', 'idgnirp']

const keys = fc.oneof(
  fc.constantFrom(...colliding),
  fc.nat(300).map((number) => `key-${number}`),
  fc.string({ maxLength: 3 }),
)
const steps = fc.array(fc.record({ key: keys, value: fc.nat(9), remove: fc.boolean() }), {
  maxLength: 400,
})

const sorted = <V>(map: ReadonlyMap<string, V>): readonly [string, V][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1))

test('a persistent map holds what a map would, after any steps', () => {
  const law = fc.property(steps, (drawn) => {
    const model = new Map<string, number>()
    let map = PersistentMap.empty<string, number>()
    for (const { key, value, remove } of drawn) {
      if (remove) model.delete(key)
      else model.set(key, value)
      map = remove ? map.without(key) : map.with(key, value)
      expect(map.get(key)).toBe(model.get(key))
      expect(map.size).toBe(model.size)
    }
    expect(sorted(map)).toEqual(sorted(model))
    expect([...map.keys()]).toHaveLength(model.size)
    for (const key of model.keys()) expect(map.has(key)).toBe(true)
  })
  fc.assert(law, { numRuns: 200 })
})

test('a map that was changed leaves the one it was made from as it was', () => {
  const law = fc.property(steps, (drawn) => {
    const maps = [PersistentMap.empty<string, number>()]
    const before: (readonly [string, number][])[] = [[]]
    for (const { key, value, remove } of drawn) {
      const last = maps.at(-1) ?? PersistentMap.empty<string, number>()
      maps.push(remove ? last.without(key) : last.with(key, value))
      before.push(sorted(maps.at(-1) ?? last))
    }
    expect(maps.map(sorted)).toEqual(before)
  })
  fc.assert(law, { numRuns: 20 })
})

test('many keys stay apart, whatever their order', () => {
  const many = Array.from({ length: 20_000 }, (_, number) => [`writer-${number}`, number] as const)
  const forwards = PersistentMap.of(new Map(many))
  const backwards = PersistentMap.of(new Map(many.toReversed()))
  expect(forwards.size).toBe(20_000)
  expect([...backwards]).toEqual([...forwards])
  const emptied = many.reduce((map, [key]) => map.without(key), forwards)
  expect([emptied.size, [...emptied].length]).toEqual([0, 0])
  expect(forwards.get('writer-777')).toBe(777)
})

test('a map tells which keys another one has otherwise', () => {
  const key = fc.constantFrom(...Array.from({ length: 60 }, (_, n) => `key-${n}`), 'aPB', 'bP1')
  const edits = fc.array(fc.record({ key, value: fc.option(fc.nat({ max: 3 })) }), {
    maxLength: 80,
  })
  fc.assert(
    fc.property(edits, edits, (first, then) => {
      const before = edited(PersistentMap.empty<string, object>(), first)
      const after = edited(before, then)
      const changed = before.keysChangedIn(after)
      for (const name of new Set([...before.keys(), ...after.keys()])) {
        if (before.get(name) !== after.get(name)) expect(changed).toContain(name)
      }
      expect(after.keysChangedIn(after).size).toBe(0)
      expect([...changed].every((name) => before.has(name) || after.has(name))).toBe(true)
    }),
  )
})

interface Edit {
  readonly key: string
  /** Null: taken out. */
  readonly value: number | null
}

function edited(
  map: PersistentMap<string, object>,
  edits: readonly Edit[],
): PersistentMap<string, object> {
  let made = map
  for (const { key, value } of edits) {
    made = value === null ? made.without(key) : made.with(key, { value })
  }
  return made
}
