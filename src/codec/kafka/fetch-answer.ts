/**
 * Fetch answers, versions 4 to 17, read from one contiguous buffer: positions, no copies.
 *
 * Invariants: record bytes stay where they are; every partition of the answer is returned, with its
 * error or its span; a short answer is a fault.
 *
 *     v4   throttle · [topic name · [partition · error · high watermark · last stable · [aborted]
 *          · records]]
 *     v5   + log start   v7  + error, session   v11  + preferred replica   v12  compact, tags
 *     v13  topic id instead of its name
 *
 * Source: Kafka's FetchResponse.json; KIP-392 (preferred replica), KIP-595 (tags), KIP-516 (ids).
 */
import { type NextOffset, nextOffset, type Offset, offset } from '../../model/offset.ts'
import { WireReader } from './wire-reader.ts'

export const fetchVersionMin = 4
export const fetchVersionMax = 17

/** A transaction that was taken back: the producer's batches from `first` to its abort marker. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly first: Offset
}

/** One topic-partition's part of the answer. */
export interface FetchedPartition {
  /** The topic's name up to version 12, its id from 13. */
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: NextOffset
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Node to read from instead; -1 is none. */
  readonly preferredReplica: number
  /** The leader's last offset of our epoch, when our log and the leader's went apart. */
  readonly diverged: { readonly leaderEpoch: number; readonly next: NextOffset } | undefined
  /** The leader that the broker knows, when it is another. */
  readonly leader: { readonly nodeId: number; readonly leaderEpoch: number } | undefined
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export interface FetchAnswer {
  readonly throttleMs: number
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

/**
 * @param bytes the answer's frame; `start` is where its body begins, after the header.
 * @throws {Fault} KAFKA_ANSWER_MALFORMED.
 */
export function parseFetchAnswer(version: number, bytes: Uint8Array, start: number): FetchAnswer {
  const reader = new WireReader(bytes, start)
  const throttleMs = reader.int32()
  const errorCode = version >= 7 ? reader.int16() : 0
  if (version >= 7) reader.int32()
  const flexible = version >= 12
  const partitions: FetchedPartition[] = []
  for (let topics = reader.arrayCount(flexible); topics > 0; topics--) {
    const topic = version >= 13 ? reader.uuid() : reader.string(flexible)
    for (let count = reader.arrayCount(flexible); count > 0; count--) {
      partitions.push(partitionOf(reader, version, topic))
    }
    if (flexible) reader.tags()
  }
  if (flexible) reader.tags()
  return { throttleMs, errorCode, partitions }
}

function partitionOf(reader: WireReader, version: number, topic: string): FetchedPartition {
  const flexible = version >= 12
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = nextOffset(reader.int64())
  reader.int64()
  if (version >= 5) reader.int64()
  const abortedTransactions = abortedOf(reader, flexible)
  const preferredReplica = version >= 11 ? reader.int32() : -1
  const { start, end } = reader.span(flexible)
  const { diverged, leader } = flexible ? tagsOf(reader) : noTags
  return {
    topic,
    partition,
    errorCode,
    highWatermark,
    abortedTransactions,
    preferredReplica,
    diverged,
    leader,
    start,
    end,
  }
}

function abortedOf(reader: WireReader, flexible: boolean): readonly AbortedTransaction[] {
  const aborted: AbortedTransaction[] = []
  for (let count = reader.arrayCount(flexible); count > 0; count--) {
    aborted.push({ producerId: reader.int64(), first: offset(reader.int64()) })
    if (flexible) reader.tags()
  }
  return aborted
}

type Tags = Pick<FetchedPartition, 'diverged' | 'leader'>

const noTags: Tags = { diverged: undefined, leader: undefined }

function tagsOf(reader: WireReader): Tags {
  let { diverged, leader } = noTags
  reader.tags((tag) => {
    if (tag === 0) diverged = { leaderEpoch: reader.int32(), next: nextOffset(reader.int64()) }
    if (tag === 1) leader = { nodeId: reader.int32(), leaderEpoch: reader.int32() }
  })
  return { diverged, leader }
}
