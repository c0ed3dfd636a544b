/**
 * What each topic-partition weighs in dealing them out. Pure.
 *
 * Invariants:
 * - Weights are whole and above 0, so that their sums are exact and a partition without records
 *   counts as well: each costs something, and a thousand quiet ones must not lie with one member.
 * - Where nobody has observed anything all weigh the same: balance is by count then.
 *
 * Source: docs/adr/0023-observed-loads.md.
 */
import type { PartitionLoad } from '../../codec/kafka/group-protocol.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { partitionKey } from './cluster-facts.ts'

/** A partition without any bytes weighs this part of an average one. */
const quietShare = 1 / 8

export interface Weights {
  readonly of: (at: TopicPartition) => number
  /** Somebody told a load. */
  readonly isObserved: boolean
}

interface Told {
  readonly loads?: readonly PartitionLoad[]
}

/**
 * @param all every partition that there is.
 * @param ownerOf who reads it now: its word counts more than that of one who read it before.
 */
export function weighPartitions<Member extends Told>(
  all: readonly TopicPartition[],
  members: readonly Member[],
  ownerOf: (at: TopicPartition) => Member | undefined,
): Weights {
  const loads = new Map<string, { readonly bytesPerSecond: number; readonly byOwner: boolean }>()
  for (const member of members) {
    for (const { bytesPerSecond, ...at } of member.loads ?? []) {
      const before = loads.get(partitionKey(at))
      const byOwner = ownerOf(at) === member
      const isBetter = before === undefined || byOwner || bytesPerSecond > before.bytesPerSecond
      if (isBetter && before?.byOwner !== true) {
        loads.set(partitionKey(at), { bytesPerSecond, byOwner })
      }
    }
  }
  const known = all.flatMap((at) => loads.get(partitionKey(at))?.bytesPerSecond ?? [])
  const sum = known.reduce((total, load) => total + load, 0)
  const average = Math.round(sum / Math.max(1, known.length))
  const quiet = Math.max(1, Math.round(average * quietShare))
  return {
    of: (at) => (loads.get(partitionKey(at))?.bytesPerSecond ?? average) + quiet,
    isObserved: known.length > 0,
  }
}
