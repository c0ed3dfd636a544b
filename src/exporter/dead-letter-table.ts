import { assert, present } from '../base/assert.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import { ParquetFileWriter } from '../codec/parquet/file-writer.ts'
import { encodeDeadLetter } from '../codec/protobuf/dead-letter.ts'
import type { KernelInput } from '../kernel/kernel-input.ts'
import type { DeadLetter } from '../model/dead-letter.ts'
import type { CommitId } from '../model/ids.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { RowBatch } from '../model/row-batch.ts'
import type { SealedFile } from '../model/sealed-commit.ts'
import { commitKeyValues } from './commit-key-values.ts'
import type { ExportedTable } from './exported-stream.ts'

/** Letters that are loaded into the kernel's input at a time. */
const loadedBytesMax = 4 * 1_024 * 1_024

/**
 * The table of what could not be taken; goes into the same entry as the data.
 *
 * Of the letters of one record only the first holds the record: a batched record of a mebibyte with
 * nine thousand events that come too late would be nine gibibytes otherwise.
 */
export class DeadLetterTable {
  readonly #table: ExportedTable
  readonly #input: KernelInput
  #encoded: Uint8Array[] = []
  #encodedBytes = 0
  /** Of all letters of the commit that accumulates; a stream that had one before stays at 0. */
  readonly #letterBytes = new Map<string, number>()
  /** Records of which a letter was added since the last flush. */
  readonly #records = new Set<string>()
  #file: ParquetFileWriter | undefined
  #eventMs: { min: number; max: number } | undefined

  constructor(table: ExportedTable, input: KernelInput) {
    this.#table = table
    this.#input = input
  }

  get stream(): string {
    return this.#table.stream
  }

  /**
   * Bytes held, by the stream the letters are counted in: of pages, which hold the letters of all,
   * as large a part as its letters were before they were packed.
   */
  bufferedByStream(): ReadonlyMap<string, number> {
    const heldBytes = this.#encodedBytes + (this.#file?.bufferedBytes ?? 0)
    let letterBytes = 0
    for (const bytes of this.#letterBytes.values()) letterBytes += bytes
    const part = letterBytes === 0 ? 0 : heldBytes / letterBytes
    return new Map([...this.#letterBytes].map(([stream, bytes]) => [stream, bytes * part]))
  }

  add(letter: DeadLetter, commitId: CommitId): void {
    const bytes = encodeDeadLetter(this.#withoutRepetition(letter), commitId)
    this.#encoded.push(bytes)
    this.#encodedBytes += bytes.length
    const { stream } = letter
    this.#letterBytes.set(stream, (this.#letterBytes.get(stream) ?? 0) + bytes.length)
    const at = letter.kafkaTimestampMs
    const { min, max } = this.#eventMs ?? { min: at, max: at }
    this.#eventMs = { min: Math.min(min, at), max: Math.max(max, at) }
  }

  /** Moves the letters added since the last flush into pages. Uses the kernel's input. */
  flush(): void {
    if (this.#encoded.length === 0) return
    const file = (this.#file ??= new ParquetFileWriter(this.#table.compiled, this.#table.file))
    const letters = this.#encoded
    for (let first = 0; first < letters.length; ) {
      const next = portionNext(letters, first)
      const mark = this.#input.mark()
      const refusals = file.append(letterBatch(letters.slice(first, next), this.#input))
      assert(refusals.length === 0, `the kernel takes a dead letter: ${refusals[0]?.reason}`)
      this.#input.rewind(mark)
      first = next
    }
    this.#forgetEncoded()
  }

  /** @param partition the day of the commit, by the lake's clock. */
  seal(partition: LakePartition, commitId: CommitId): SealedFile | undefined {
    this.flush()
    const file = this.#file
    if (file === undefined) return undefined
    const { min, max } = present(this.#eventMs, 'letters have times')
    this.#file = undefined
    this.#eventMs = undefined
    this.#forgetSizes()
    const eventTimeMs: { min: UnixMs; max: UnixMs } = { min: unixMs(min), max: unixMs(max) }
    const { stream, table, schemaVersion } = this.#table
    const at = { stream, table, schemaVersion, partitionPath: partition.path, eventTimeMs }
    return { ...file.seal(commitKeyValues(commitId)), ...at }
  }

  discard(): void {
    this.#file?.discard()
    this.#file = undefined
    this.#forgetEncoded()
    this.#forgetSizes()
    this.#eventMs = undefined
  }

  /** All letters of a record come between two flushes, but of modules and of events that waited. */
  #withoutRepetition(letter: DeadLetter): DeadLetter {
    const { source, offset } = letter
    const record = `${source.partition}/${offset}/${source.topic}`
    if (this.#records.has(record)) {
      return { ...letter, key: undefined, headers: undefined, value: undefined }
    }
    this.#records.add(record)
    return letter
  }

  #forgetSizes(): void {
    for (const stream of this.#letterBytes.keys()) this.#letterBytes.set(stream, 0)
  }

  #forgetEncoded(): void {
    this.#encoded = []
    this.#encodedBytes = 0
    this.#records.clear()
  }
}

/** Where a portion of letters that begins at `first` ends; at least one letter is in it. */
function portionNext(letters: readonly Uint8Array[], first: number): number {
  let sizeBytes = letters[first]?.length ?? 0
  let next = first + 1
  for (; next < letters.length; next++) {
    sizeBytes += letters[next]?.length ?? 0
    if (sizeBytes > loadedBytesMax) break
  }
  return next
}

/** Loads encoded letters as rows. The table has no identity columns: letters carry their own. */
function letterBatch(letters: readonly Uint8Array[], input: KernelInput): RowBatch {
  const count = letters.length
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  for (const [row, letter] of letters.entries()) {
    const start = input.load(letter)
    starts[row] = start
    ends[row] = start + letter.length
  }
  const none = { partitions: new Int32Array(count), offsets: new BigInt64Array(count) }
  return { count, starts, ends, topic: '', ...none, indexes: new Int32Array(count), ingestMs: 0 }
}
