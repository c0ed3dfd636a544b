/** Who waits for records of which partition. A fetch that waits is woken by what is appended. */
import type { PartitionLog } from './log/partition-log.ts'

/** @param newBytes bytes that became visible; infinite when that is not known. */
type Wake = (newBytes: number) => void

export class Wakers {
  readonly #waiting = new Map<PartitionLog, Set<Wake>>()

  /** @returns how to stop waiting. */
  wait(log: PartitionLog, wake: Wake): () => void {
    const known = this.#waiting.get(log) ?? new Set<Wake>()
    this.#waiting.set(log, known)
    known.add(wake)
    return () => {
      known.delete(wake)
      if (known.size === 0) this.#waiting.delete(log)
    }
  }

  wake(log: PartitionLog, newBytes: number): void {
    for (const wake of this.#waiting.get(log) ?? []) wake(newBytes)
  }

  get waitingCount(): number {
    return this.#waiting.size
  }
}
