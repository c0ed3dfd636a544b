/**
 * Collects the whole heap after commits, for a bounded share of the process's CPU time.
 *
 * What a file is made of lives for a commit, which is long enough to be taken for old. V8 collects
 * the old only when it has grown by as much again as there was: the process would grow for hours,
 * by half a mebibyte a commit, and so would memory outside of the heap whose owner is garbage.
 *
 * - Collections take at most a hundredth of the CPU time, whatever the heap holds: the last one is
 *   the measure of the next. A daemon that does little collects rarely.
 *
 * Source: Node.js, `v8.setFlagsFromString`; V8's `gc` is a function of contexts made after that.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { assert } from '../../base/assert.ts'
import type { Heap } from '../../ports/heap.ts'

/** CPU time between two collections, in times of what the last one took. */
const restShare = 100
/** Taken for granted of a collection before the first: what it takes of a small heap. */
const firstCostMs = 40
/** What cannot be measured costs this: nobody collects all the time. */
const costMsMin = 1
const microsecondsPerMs = 1_000

interface HeapMeans {
  /** CPU time of the process so far. */
  readonly cpuMs: () => number
  readonly collect: () => void
}

export class HeapCollection implements Heap {
  readonly #means: HeapMeans
  #costMs = firstCostMs
  #endedMs = 0

  /** @param means the system's where they are not given. */
  constructor(means: Partial<HeapMeans> = {}) {
    this.#means = { ...systemMeans(), ...means }
  }

  afterCommit(): void {
    const { cpuMs, collect } = this.#means
    const beganMs = cpuMs()
    if (beganMs - this.#endedMs < restShare * this.#costMs) return
    collect()
    this.#endedMs = cpuMs()
    this.#costMs = Math.max(costMsMin, this.#endedMs - beganMs)
  }
}

function systemMeans(): HeapMeans {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  assert(typeof collect === 'function', 'a context that is made with the flag has the function')
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / microsecondsPerMs
  }
  return { cpuMs, collect: () => void collect() }
}
