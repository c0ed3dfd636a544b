/**
 * Kafka, or what speaks its protocol. Group membership says who reads what; the commit log says
 * from where. The source never commits on its own and never waits for the lake.
 */
import type { Fault } from '../base/fault.ts'
import type { UnixMs } from '../base/time.ts'
import type { NextOffset, Offset } from '../model/offset.ts'
import type { ClusterId, SourceKey, SourcePartition } from '../model/topic-partition.ts'

/**
 * One topic-partition's part of a fetch answer: whole record batches (format v2), CRC32C checked,
 * in `[start, end)` of `bytes`. The bytes are valid only during the call that hands them over.
 */
export interface FetchedBatches {
  readonly source: SourcePartition
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** The offset that was asked for; records below it are to be skipped. */
  readonly fetchOffset: Offset
  /** The next offset to ask for, from the last batch's header. */
  readonly nextOffset: NextOffset
  readonly highWatermark: NextOffset
  /** Leader epoch of the last batch. */
  readonly leaderEpoch: number
  /**
   * Byte position of each batch that must not be delivered: control batches, and batches of
   * aborted transactions. Sorted; nearly always empty.
   */
  readonly skippedBatches: readonly number[]
}

/** What the source tells its reader. Handlers are called one at a time for each broker. */
export interface SourceReader {
  /**
   * These are ours now. @returns where to read each from; a missing one is not read until `seek`.
   * They may be revoked or lost while the promise is open: it then says nothing any more.
   */
  onAssigned(sources: readonly SourcePartition[]): Promise<ReadonlyMap<SourceKey, Offset>>
  /** These are about to be given up; the promise is waited for, within the rebalance timeout. */
  onRevoked(sources: readonly SourcePartition[]): Promise<void>
  /** These are gone already (session expired): nothing can be finished. */
  onLost(sources: readonly SourcePartition[]): void
  /** All topic-partitions' parts of one fetch answer. A promise holds this broker's next fetch. */
  onFetched(batches: readonly FetchedBatches[]): Promise<void> | void
  /** This topic-partition stops until an operator says how to go on; others go on. */
  onRefused(source: SourcePartition, fault: Fault): void
  /** Something is wrong and is tried again; `undefined` when it is right again. */
  onTrouble(fault: Fault | undefined): void
  /** The topics that there are of those asked for, at each look; what is hidden is among them. */
  onTopics?(topics: ReadonlySet<string>): void
}

export interface MetadataAnswer {
  readonly clusterId: ClusterId
  readonly sources: readonly SourcePartition[]
  /** Topics that are named and do not exist (now). */
  readonly missingTopics: readonly string[]
}

/** The newest leader epoch not after the one asked for, and where the log of that epoch ends. */
export interface EpochEnd {
  readonly leaderEpoch: number
  readonly next: NextOffset
}

export interface EpochQuestion {
  readonly source: SourcePartition
  /** Of the last record that was read. */
  readonly leaderEpoch: number
}

export type OffsetPosition = 'earliest' | 'latest' | UnixMs

/** Where to read from what the log does not know: a position, or where another group stands. */
export type StartAt = OffsetPosition | { readonly group: string }

export interface Source {
  /** Joins the group (or takes its static share) and reads until `close`. */
  open(reader: SourceReader): Promise<void>
  /** Stops fetching; leaves the group only in `close`. */
  stopFetching(): Promise<void>
  close(): Promise<void>
  /** Stops asking for records of these, also drops what is on its way; heartbeats go on. */
  pause(sources: readonly SourcePartition[]): void
  resume(sources: readonly SourcePartition[]): void
  /**
   * Reads on from `offset`; answers on their way are thrown away. Also the way on after a refusal,
   * with the new ids when the topic was made anew.
   *
   * @param leaderEpoch of the record before `offset`: the leader then checks that its log has it.
   *   Absent: not known, not checked.
   */
  seek(source: SourcePartition, offset: Offset, leaderEpoch?: number): void
  /**
   * The whole set of topic-partitions of the configured topics, asked now.
   * @throws {Fault} KAFKA_UNREACHABLE, as do the offsets below.
   */
  metadata(): Promise<MetadataAnswer>
  /**
   * High watermarks (not last stable offsets), asked now of each leader. What no leader answers for
   * is left out.
   */
  highWatermarks(sources: readonly SourcePartition[]): Promise<ReadonlyMap<SourceKey, NextOffset>>
  /**
   * First offset at or after the position; a time past the last record gives the end. What no
   * leader answers for is left out.
   */
  offsetsAt(
    sources: readonly SourcePartition[],
    position: OffsetPosition,
  ): Promise<ReadonlyMap<SourceKey, Offset>>
  /**
   * Offsets that another consumer group has committed for the configured topics; what it never
   * committed is left out.
   * @throws {Fault} KAFKA_START_GROUP_BUSY: it still has members; KAFKA_START_GROUP_EMPTY.
   */
  groupOffsets(group: string): Promise<ReadonlyMap<SourceKey, Offset>>
  /**
   * Up to where each leader has the log that was read under an epoch. What no leader answers for,
   * and an epoch that no leader knows of or comes after all it knows, is left out.
   */
  epochEnds(asked: readonly EpochQuestion[]): Promise<ReadonlyMap<SourceKey, EpochEnd>>
  /** Kafka's own offset commit: a lag hint for tools, always after ours. Never throws. */
  commitOffsets(next: ReadonlyMap<SourceKey, NextOffset>): Promise<void>
  /** What we read now, for status and lag. */
  assigned(): readonly SourcePartition[]
}
