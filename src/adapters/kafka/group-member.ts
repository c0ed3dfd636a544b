/** What a source needs of its membership in a group, whichever protocol it speaks. */
import type { SourcePartition } from '../../model/topic-partition.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import type { OffsetToCommit } from './group-session.ts'

export interface GroupMember {
  /** Stays a member until `close`. */
  run(): Promise<void>
  /** Topics or partitions may have changed. */
  onCluster(cluster: ClusterFacts): void
  /** @returns the first error code of the answer, or none. */
  commit(offsets: readonly OffsetToCommit[]): Promise<number>
  /** Leaves the group; brokers that do not answer find out by themselves. */
  close(): Promise<void>
}

export interface MembershipEvents {
  readonly onAssigned: (sources: readonly SourcePartition[]) => void
  readonly onRevoked: (sources: readonly SourcePartition[]) => Promise<void>
  readonly onLost: (sources: readonly SourcePartition[]) => void
}
