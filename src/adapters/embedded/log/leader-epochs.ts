/**
 * From which offset on each leader epoch wrote. One leader here, so an epoch is a start of the
 * broker; readers use it to find where a log was cut.
 *
 * Invariants: epochs and offsets ascend; the newest entry is the epoch in force.
 * Source: KIP-101, KIP-320.
 */
interface EpochStart {
  readonly epoch: number
  readonly firstOffset: bigint
}

/** The end of what was written under `leaderEpoch`, exclusive. */
export interface EpochEnd {
  readonly leaderEpoch: number
  readonly nextOffset: bigint
}

export class LeaderEpochs {
  readonly #starts: EpochStart[] = []

  /** Notes that `epoch` writes from `firstOffset` on. Epochs already known are left as they are. */
  begin(epoch: number, firstOffset: bigint): void {
    const newest = this.#starts.at(-1)
    if (newest === undefined || epoch > newest.epoch) this.#starts.push({ epoch, firstOffset })
  }

  /** The epoch that wrote `offset`. */
  epochOf(offset: bigint): number {
    return this.#starts.findLast((start) => start.firstOffset <= offset)?.epoch ?? -1
  }

  /**
   * Where the newest epoch not after `epoch` ends.
   *
   * @returns -1 twice when `epoch` is after the one in force; for an epoch before everything known,
   * that epoch and the start of the oldest one, as Kafka does.
   */
  endOf(epoch: number, logNextOffset: bigint): EpochEnd {
    const newest = this.#starts.at(-1)
    if (newest === undefined || epoch > newest.epoch) return { leaderEpoch: -1, nextOffset: -1n }
    const index = this.#starts.findLastIndex((start) => start.epoch <= epoch)
    const nextOffset = this.#starts[index + 1]?.firstOffset ?? logNextOffset
    return { leaderEpoch: this.#starts[index]?.epoch ?? epoch, nextOffset }
  }
}
