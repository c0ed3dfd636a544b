/**
 * One file of a partition's log: record batches as they came, one after another, nothing else.
 *
 * Invariants:
 * - the file holds whole batches in [0, sizeBytes); a write that fails is cut off again;
 * - `append` has handed the bytes to the operating system when it returns: killing the process
 *   loses nothing; losing the machine loses what `sync` has not covered.
 *
 * Sample: `00000000000000012345.log`, named by the offset of its first record.
 */
import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Fault } from '../../../base/fault.ts'
import { ioBuffers } from '../buffer-pool.ts'
import { reasonOf } from '../storage-error.ts'
import { type BatchHeader, batchBytes, batchNextOffset, headerBytes } from './batch-header.ts'
import { SparseIndex } from './sparse-index.ts'

const syncData = promisify(fdatasync)

/** Offsets have 19 digits at most; Kafka pads to 20, so that names sort as offsets do. */
const segmentName = (firstOffset: bigint): string =>
  `${firstOffset.toString().padStart(20, '0')}.log`

/** A run of whole batches, and the exclusive end of their offsets. */
export interface BatchRun {
  readonly records: Buffer
  readonly nextOffset: bigint
}

export interface SegmentRead {
  /** The first offset wanted; its batch is returned whole. */
  readonly offset: bigint
  /** Exclusive: batches that begin here or later are left out. */
  readonly nextOffset: bigint
  readonly bytesMax: number
  /** Return the first batch even when it is larger than `bytesMax`. */
  readonly firstWhole: boolean
}

const noBytes: Buffer = Buffer.alloc(0)
/** Read beyond the limit, so that the way from an index entry to the batch rarely costs a read. */
const slackBytes = 8192

export class Segment {
  readonly path: string
  readonly firstOffset: bigint
  readonly index = new SparseIndex()
  readonly #descriptor: number
  #sizeBytes = 0
  #syncedBytes = 0
  #closed = false

  constructor(folder: string, firstOffset: bigint) {
    this.path = join(folder, segmentName(firstOffset))
    this.firstOffset = firstOffset
    this.#descriptor = openSync(this.path, 'a+')
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Bytes in the file, before recovery has said which of them are whole batches. */
  get fileBytes(): number {
    return fstatSync(this.#descriptor).size
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Takes note of a batch found in the file while opening it. */
  adopt(header: BatchHeader): void {
    this.#note(header)
    this.#syncedBytes = this.#sizeBytes
  }

  /** @throws {Fault} BROKER_STORAGE_REFUSED: nothing was appended. */
  append(batch: Buffer, header: BatchHeader): void {
    try {
      for (let written = 0; written < batch.length; ) {
        written += writeSync(this.#descriptor, batch, written, batch.length - written)
      }
    } catch (cause) {
      // Without this, half a batch would stand in the middle of the log after the next append.
      ftruncateSync(this.#descriptor, this.#sizeBytes)
      const facts = { operation: 'append to', path: this.path, reason: reasonOf(cause) }
      throw new Fault('BROKER_STORAGE_REFUSED', facts, { cause })
    }
    this.#note(header)
  }

  /** Cuts the file to its whole batches. */
  cutTail(): void {
    ftruncateSync(this.#descriptor, this.#sizeBytes)
  }

  /** Reads exactly `sizeBytes` from `positionBytes`; fewer only at the end of the file. */
  readAt(positionBytes: number, sizeBytes: number): Buffer {
    const target = ioBuffers.take(sizeBytes)
    return target.subarray(0, this.readInto(target, positionBytes))
  }

  readInto(target: Buffer, positionBytes: number): number {
    let filled = 0
    while (filled < target.length) {
      const count = readSync(
        this.#descriptor,
        target,
        filled,
        target.length - filled,
        positionBytes + filled,
      )
      if (count === 0) break
      filled += count
    }
    return filled
  }

  /** Whole batches from the one that contains `wanted.offset`; undefined when there are none. */
  read(wanted: SegmentRead): BatchRun | undefined {
    const from = this.positionOf(wanted.offset)
    if (from >= this.#sizeBytes) return undefined
    // No batch fits into a bare header, so that the window itself is the limit.
    const windowBytes = Math.min(Math.max(wanted.bytesMax, headerBytes), this.#sizeBytes - from)
    const window = this.readAt(from, windowBytes)
    const run = wholeBatches(window, wanted.nextOffset)
    if (run !== undefined) return run
    if (!wanted.firstWhole || window.readBigInt64BE(0) >= wanted.nextOffset) return undefined
    const first = this.readAt(from, batchBytes(window, 0))
    return { records: first, nextOffset: batchNextOffset(first, 0) }
  }

  /** Position of the batch that contains `offset`, or of the end. */
  positionOf(offset: bigint): number {
    let position = this.index.positionBefore(offset)
    for (let window = noBytes, windowFrom = 0; position < this.#sizeBytes; ) {
      if (position + headerBytes > windowFrom + window.length) {
        window = this.readAt(position, Math.min(slackBytes, this.#sizeBytes - position))
        windowFrom = position
      }
      const at = position - windowFrom
      if (batchNextOffset(window, at) > offset) return position
      position += batchBytes(window, at)
    }
    return position
  }

  /** Puts what was appended so far on the disk. */
  async sync(): Promise<void> {
    const sizeBytes = this.#sizeBytes
    if (this.#syncedBytes >= sizeBytes || this.#closed) return
    await syncData(this.#descriptor)
    this.#syncedBytes = Math.max(this.#syncedBytes, sizeBytes)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#descriptor)
  }

  #note(header: BatchHeader): void {
    const { firstOffset, maxTimestampMs } = header
    this.index.add({ firstOffset, positionBytes: this.#sizeBytes, maxTimestampMs })
    this.#sizeBytes += header.sizeBytes
  }
}

/** The whole batches at the start of `window` that begin below `nextOffset`. */
function wholeBatches(window: Buffer, nextOffset: bigint): BatchRun | undefined {
  let at = 0
  let newest = -1
  while (at + headerBytes <= window.length) {
    const end = at + batchBytes(window, at)
    if (end > window.length || window.readBigInt64BE(at) >= nextOffset) break
    newest = at
    at = end
  }
  if (newest < 0) return undefined
  return { records: window.subarray(0, at), nextOffset: batchNextOffset(window, newest) }
}
