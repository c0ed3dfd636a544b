import type { Offset } from '../../model/offset.ts'
import type { SourcePartition } from '../../model/topic-partition.ts'
import { type ClusterFacts, leaderOf } from './cluster-facts.ts'

/** One topic-partition that is ours: where we are in it and whom we ask. */
export interface Reading {
  source: SourcePartition
  /** Next offset to ask for; undefined until the reader names it. */
  position: Offset | undefined
  /** Epoch of the last batch read, for the broker to compare its log with; -1 is unknown. */
  lastEpoch: number
  leaderId: number
  leaderEpoch: number
  /** Whom we ask: the leader, or the replica that it prefers for us. -1 is nobody (now). */
  nodeId: number
  paused: boolean
  /** Stopped until the reader seeks: its log is not what we read before. */
  refused: boolean
  /** Its log's ends are being asked for, after OFFSET_OUT_OF_RANGE. */
  judging: boolean
  /** Rises with each seek: answers to older questions are thrown away. */
  version: number
  /** Failed asks in a row. */
  failures: number
  /** Answers in a row in which it was first and came without a whole batch. */
  cuts: number
  /** Monotonic time before which it is not asked. */
  retryAtMs: number
}

export function readingOf(source: SourcePartition): Reading {
  return {
    source,
    position: undefined,
    lastEpoch: -1,
    leaderId: -1,
    leaderEpoch: -1,
    nodeId: -1,
    paused: false,
    refused: false,
    judging: false,
    version: 0,
    failures: 0,
    cuts: 0,
    retryAtMs: 0,
  }
}

/** True when it is to be asked, apart from its pause after a failure. */
export const isReadable = (reading: Reading): boolean =>
  reading.position !== undefined && !reading.paused && !reading.refused && !reading.judging

/** Takes over a leader from metadata, unless the metadata is older than what we know. */
export function follow(reading: Reading, cluster: ClusterFacts): void {
  const leader = leaderOf(cluster, reading.source)
  if (leader === undefined || leader.leaderEpoch < reading.leaderEpoch) return
  const same = leader.leaderEpoch === reading.leaderEpoch && leader.leaderId === reading.leaderId
  if (same && reading.nodeId !== -1) return
  reading.leaderId = leader.leaderId
  reading.leaderEpoch = leader.leaderEpoch
  reading.nodeId = leader.leaderId
}
