/**
 * One partition: its segments, and what is known of them without reading a record.
 *
 * Invariants:
 * - offsets are unbroken: a batch begins where the one before it ends, across segments too;
 * - everything kept in memory (index, producers, transactions, epochs) follows from the batches'
 *   headers, so that opening the files again gives the same state;
 * - only the newest segment may end torn; it is cut at its last whole batch.
 *
 * Sample: `orders-<id>/0/00000000000000000000.log`, `…/00000000000000120000.log`.
 * Source: Kafka documentation, "Log".
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { present } from '../../../base/assert.ts'
import { Fault } from '../../../base/fault.ts'
import type { ErrorCode } from '../error-code.ts'
import { syncFolder } from '../store/json-file.ts'
import { type BatchHeader, headerBytes, placeBatch, readBatchHeader } from './batch-header.ts'
import { type EpochEnd, LeaderEpochs } from './leader-epochs.ts'
import { ProducerState } from './producer-state.ts'
import { scanSegment } from './scan-segment.ts'
import { type BatchRun, Segment, type SegmentRead } from './segment.ts'
import { type AbortedTransaction, TransactionIndex } from './transaction-index.ts'

export interface LogSettings {
  /** A new segment is begun before the newest grows beyond this. */
  readonly segmentBytes: number
  /** Oldest segments are dropped while the rest is at least this large; -1 keeps everything. */
  readonly retentionBytes: number
  readonly leaderEpoch: number
}

/** What was cut off the newest segment when it was opened after a kill. */
export interface TornTail {
  readonly file: string
  readonly cutBytes: number
  readonly reason: string
}

export type AppendOutcome =
  | { readonly kind: 'appended'; readonly firstOffset: bigint; readonly sizeBytes: number }
  | { readonly kind: 'duplicate'; readonly firstOffset: bigint }
  | { readonly kind: 'refused'; readonly errorCode: ErrorCode; readonly reason: string }

const segmentShape = /^(\d{20})\.log$/

export class PartitionLog {
  readonly folder: string
  readonly #producers = new ProducerState()
  readonly #transactions = new TransactionIndex()
  readonly #epochs = new LeaderEpochs()
  #settings: LogSettings
  #segments: Segment[] = []
  #nextOffset = 0n
  #heldNextOffset: bigint | undefined
  tornTail: TornTail | undefined

  /** Opens the partition's folder, or makes it. */
  constructor(folder: string, settings: LogSettings) {
    this.folder = folder
    this.#settings = settings
    mkdirSync(folder, { recursive: true })
    const firstOffsets = readdirSync(folder)
      .flatMap((name) => segmentShape.exec(name)?.[1] ?? [])
      .sort()
      .map(BigInt)
    for (const [index, firstOffset] of firstOffsets.entries()) {
      this.#open(firstOffset, index === firstOffsets.length - 1)
    }
    if (this.#segments.length === 0) this.#begin()
    this.#epochs.begin(settings.leaderEpoch, this.#nextOffset)
  }

  get leaderEpoch(): number {
    return this.#settings.leaderEpoch
  }

  get logStartOffset(): bigint {
    return present(this.#segments[0], 'a log has a segment').firstOffset
  }

  /** The end of the log, exclusive, held back or not. */
  get logNextOffset(): bigint {
    return this.#nextOffset
  }

  /** The end of what readers may see, exclusive. */
  get highWatermark(): bigint {
    const held = this.#heldNextOffset
    return held !== undefined && held < this.#nextOffset ? held : this.#nextOffset
  }

  get lastStableOffset(): bigint {
    return this.#transactions.lastStableOffset(this.highWatermark)
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  /** Keeps records from `nextOffset` on from readers; undefined shows everything again. */
  hold(nextOffset: bigint | undefined): void {
    this.#heldNextOffset = nextOffset
  }

  /** Makes the next batches those of a newer leader; readers with the old epoch are fenced. */
  raiseLeaderEpoch(leaderEpoch: number): void {
    this.#settings = { ...this.#settings, leaderEpoch }
    this.#epochs.begin(leaderEpoch, this.#nextOffset)
  }

  /**
   * Appends a batch that `validateBatch` found sound, or a marker. Rewrites its base offset and
   * leader epoch in place.
   *
   * @throws {Fault} BROKER_STORAGE_REFUSED: nothing was appended.
   */
  append(batch: Buffer, sent: BatchHeader): AppendOutcome {
    const verdict = sent.control ? { kind: 'next' as const } : this.#producers.judge(sent)
    if (verdict.kind !== 'next') return verdict
    placeBatch(batch, this.#nextOffset, this.#settings.leaderEpoch)
    const header = readBatchHeader(batch, 0)
    this.#segmentFor(header.sizeBytes).append(batch, header)
    this.#observe(header, batch)
    return { kind: 'appended', firstOffset: header.firstOffset, sizeBytes: header.sizeBytes }
  }

  /** Whole batches of one segment from the one that contains `wanted.offset`. */
  read(wanted: SegmentRead): BatchRun | undefined {
    return this.#segmentOf(wanted.offset).read(wanted)
  }

  abortedIn(range: {
    readonly first: bigint
    readonly next: bigint
  }): readonly AbortedTransaction[] {
    return this.#transactions.abortedIn(range)
  }

  epochOf(offset: bigint): number {
    return this.#epochs.epochOf(offset)
  }

  endOfEpoch(epoch: number): EpochEnd {
    return this.#epochs.endOf(epoch, this.#nextOffset)
  }

  /** The first batch whose largest timestamp is at or after `timestampMs`, whole. */
  batchAtTime(timestampMs: bigint): Buffer | undefined {
    const segment = this.#segments.find((each) => each.index.maxTimestampMs >= timestampMs)
    const position = segment?.index.positionAtTime(timestampMs)
    if (segment === undefined || position === undefined) return undefined
    return firstBatchAtTime(segment, position, timestampMs)
  }

  /** The largest timestamp of the log, -1 when it is empty. */
  get maxTimestampMs(): bigint {
    return this.#segments.reduce(
      (max, { index }) => (index.maxTimestampMs > max ? index.maxTimestampMs : max),
      -1n,
    )
  }

  async sync(): Promise<void> {
    for (const segment of this.#segments) await segment.sync()
  }

  close(): void {
    for (const segment of this.#segments) segment.close()
  }

  #observe(header: BatchHeader, batch: Buffer): void {
    this.#producers.observe(header)
    this.#transactions.observe(header, batch)
    this.#epochs.begin(header.leaderEpoch, header.firstOffset)
    this.#nextOffset = header.nextOffset
  }

  #open(firstOffset: bigint, newest: boolean): void {
    const segment = new Segment(this.folder, firstOffset)
    if (this.#segments.length > 0 && firstOffset !== this.#nextOffset) {
      const reason = `it begins at offset ${firstOffset} where ${this.#nextOffset} is next`
      const facts = { file: segment.path, positionBytes: 0, sizeBytes: segment.fileBytes, reason }
      throw new Fault('BROKER_LOG_CORRUPT', facts)
    }
    const tail = scanSegment(segment, (header, batch) => {
      segment.adopt(header)
      this.#observe(header, batch)
    })
    this.#segments.push(segment)
    if (segment.sizeBytes === 0) this.#nextOffset = firstOffset
    if (tail.kind === 'whole') return
    const { path: file, fileBytes: sizeBytes, sizeBytes: positionBytes } = segment
    if (!newest) {
      throw new Fault('BROKER_LOG_CORRUPT', { file, positionBytes, sizeBytes, reason: tail.reason })
    }
    segment.cutTail()
    this.tornTail = { file, cutBytes: sizeBytes - positionBytes, reason: tail.reason }
  }

  #begin(): Segment {
    const segment = new Segment(this.folder, this.#nextOffset)
    this.#segments.push(segment)
    syncFolder(this.folder)
    return segment
  }

  #segmentFor(sizeBytes: number): Segment {
    const newest = present(this.#segments.at(-1), 'a log has a segment')
    const full = newest.sizeBytes + sizeBytes > this.#settings.segmentBytes
    if (!full || newest.sizeBytes === 0) return newest
    const begun = this.#begin()
    this.#dropOldest()
    return begun
  }

  #segmentOf(offset: bigint): Segment {
    const segment = this.#segments.findLast((each) => each.firstOffset <= offset)
    return present(segment ?? this.#segments[0], 'a log has a segment')
  }

  #dropOldest(): void {
    const { retentionBytes } = this.#settings
    if (retentionBytes < 0) return
    let keptBytes = this.sizeBytes
    for (const oldest of this.#segments.slice(0, -1)) {
      if (keptBytes - oldest.sizeBytes < retentionBytes) break
      keptBytes -= oldest.sizeBytes
      this.#segments = this.#segments.slice(1)
      oldest.close()
      rmSync(oldest.path)
    }
    this.#transactions.trim(this.logStartOffset)
  }
}

function firstBatchAtTime(
  segment: Segment,
  fromBytes: number,
  timestampMs: bigint,
): Buffer | undefined {
  for (let position = fromBytes; position < segment.sizeBytes; ) {
    const header = readBatchHeader(segment.readAt(position, headerBytes), 0)
    if (header.maxTimestampMs >= timestampMs) return segment.readAt(position, header.sizeBytes)
    position += header.sizeBytes
  }
  return undefined
}
