/** Our way, from wire bytes to rows of a Parquet file that somebody else reads back. */
import { zstdDecompressSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { Fault } from '../../src/base/fault.ts'
import { ParquetFileWriter } from '../../src/codec/parquet/file-writer.ts'
import { messageJson } from '../../src/codec/protobuf/message-json.ts'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import { type CompiledTable, Kernel } from '../../src/kernel/kernel.ts'
import { planTable } from '../../src/kernel/table-plan.ts'
import type { RefusalReason } from '../../src/model/row-batch.ts'
import { formOfRow, plainOfRow, textOf } from './normal-form.ts'
import type { Protobufjs, SchemaText, Verdict } from './references.ts'

const memoryMaxBytes = 256 * 1_024 * 1_024

const fileOptions = {
  codec: 'zstd',
  encodings: 'auto',
  level: 1,
  rowGroupBytesMax: 1 << 26,
  pageIndex: true,
  bloom: undefined,
  keyValues: new Map<string, string>(),
} as const

export const openKernel = (): Kernel =>
  Kernel.open({ hashSeed: 20_261_121n, memoryMaxBytes, renderMessage: messageJson() })

export class OurPath {
  readonly #kernel: Kernel
  readonly #table: CompiledTable
  readonly #judge: Protobufjs
  readonly #byHand: boolean

  /** @throws {Fault} the schema has what this version has no columns for. */
  constructor(schema: SchemaText, judge: Protobufjs, kernel: Kernel = openKernel()) {
    const sources = new Map([['schema.proto', schema.text]])
    const message = parseMessageSchema(sources, 'schema.proto', schema.message)
    this.#kernel = kernel
    this.#table = kernel.compile(planTable(message, { identity: [], names: 'as-declared' }))
    this.#judge = judge
    this.#byHand = schema.byHand === true
  }

  /** Writes all payloads into one file and reads it. @returns a verdict for each. */
  async verdicts(payloads: readonly Uint8Array[]): Promise<readonly Verdict[]> {
    const { bytes, refusals } = this.file(payloads)
    const rows = (await rowsOf(bytes)).values()
    const verdicts = payloads.map((_, index): Verdict => {
      const reason = refusals.get(index)
      if (reason !== undefined) return { kind: 'refused', reason }
      const { value, done } = rows.next()
      if (done === true) return { kind: 'refused', reason: 'LOST: the file has fewer rows' }
      const form = this.#byHand ? plainOfRow(value) : formOfRow(value, this.#judge.type)
      return { kind: 'row', row: textOf(form) }
    })
    if (rows.next().done !== true) throw new Error('the file has more rows than were accepted')
    return verdicts
  }

  release(): void {
    this.#table.release()
  }

  /** One file of all payloads that are not refused, and why the others are, by their place. */
  file(payloads: readonly Uint8Array[]): {
    readonly bytes: Uint8Array
    readonly refusals: ReadonlyMap<number, RefusalReason>
  } {
    const writer = new ParquetFileWriter(this.#table, fileOptions)
    const starts = new Int32Array(payloads.length)
    const ends = new Int32Array(payloads.length)
    let at = this.#kernel.input.load(Buffer.concat(payloads))
    for (const [index, { length }] of payloads.entries()) {
      starts[index] = at
      at += length
      ends[index] = at
    }
    const refused = writer.append({
      count: payloads.length,
      starts,
      ends,
      topic: '',
      partitions: new Int32Array(0),
      offsets: new BigInt64Array(0),
      indexes: new Int32Array(0),
      ingestMs: 0,
    })
    this.#kernel.input.clear()
    const { chunks, release } = writer.seal()
    const bytes = Buffer.concat(chunks)
    release()
    return { bytes, refusals: new Map(refused.map(({ row, reason }) => [row, reason])) }
  }
}

/** Bounds of bytes columns go through it too, so it takes what is not text. */
const text = new TextDecoder('utf-8', { ignoreBOM: true })
const unchanged = (value: bigint): bigint => value

/**
 * Read by hyparquet, which shares no code with our writer. It would make an object of a map, in
 * which a key that comes twice does not show, so maps are read as the lists of pairs they are.
 */
function rowsOf(bytes: Uint8Array): Promise<readonly Record<string, unknown>[]> {
  const metadata = parquetMetadata(new Uint8Array(bytes).buffer)
  for (const element of metadata.schema) {
    if (element.converted_type !== 'MAP') continue
    delete element.converted_type
    delete element.logical_type
  }
  return parquetReadObjects({
    metadata,
    file: {
      byteLength: bytes.length,
      slice: (from, to = bytes.length) => new Uint8Array(bytes.subarray(from, to)).buffer,
    },
    compressors: { ZSTD: (page) => zstdDecompressSync(page) },
    parsers: {
      timestampFromMicroseconds: unchanged,
      stringFromBytes: (of) => of && text.decode(of),
    },
    utf8: false,
    geoparquet: false,
  })
}

/** What of a schema this version refuses, as the fault names it; undefined when it takes it. */
export function refusedFeature({ text, message }: SchemaText): string | undefined {
  try {
    const schema = parseMessageSchema(new Map([['schema.proto', text]]), 'schema.proto', message)
    planTable(schema, { identity: [], names: 'as-declared' })
    return undefined
  } catch (error) {
    if (error instanceof Fault && error.code.startsWith('SCHEMA_')) return error.message
    throw error
  }
}
