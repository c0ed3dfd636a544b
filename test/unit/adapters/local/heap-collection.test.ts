import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { HeapCollection } from '../../../../src/adapters/local/heap-collection.ts'

/** A heap whose collection takes so long, and commits so much CPU time apart. */
function collections(costsMs: readonly number[], betweenMs: number, commits: number) {
  let nowMs = 0
  const at: number[] = []
  const heap = new HeapCollection({
    cpuMs: () => nowMs,
    collect: () => {
      at.push(nowMs)
      nowMs += costsMs[at.length - 1] ?? costsMs.at(-1) ?? 0
    },
  })
  for (let commit = 0; commit < commits; commit++) {
    nowMs += betweenMs
    heap.afterCommit()
  }
  return { at, nowMs }
}

test('the whole heap is collected after the commit by which a hundred times its cost has passed', () => {
  expect(collections([45], 1_000, 20).at).toEqual([4_000, 9_045, 14_090, 19_135])
})

test('a collection that took longer makes the next wait longer: never more than a hundredth', () => {
  const { at, nowMs } = collections([40, 400], 1_000, 500)
  expect(at.slice(0, 3)).toEqual([4_000, 8_040, 48_440])
  const resting = nowMs - (at.length - 1) * 400
  expect((at.length - 1) * 400).toBeLessThan(resting / 100 + 400)
})

test('a clock that shows no time for a collection does not have it made with each commit', () => {
  expect(collections([0], 10, 100).at.length).toBe(0)
  expect(collections([0], 1_000, 10).at).toEqual([4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000])
  expect(collections([0], 60, 100).at.length).toBeLessThan(20)
})

test('what is garbage is gone after it', async () => {
  const seen = ((): WeakRef<object> => new WeakRef({ large: Array.from({ length: 1_000 }) }))()
  const heap = new HeapCollection({ cpuMs: () => 4_000 })
  // A weak reference holds what it was made of until the turn is over.
  await turn()
  expect(seen.deref()).toBeDefined()
  await turn()
  heap.afterCommit()
  expect(seen.deref()).toBe(undefined)
})
