/**
 * Our way in a process of its own: delimited events → kernel → finished zstd file on disk.
 *
 *     node our-process.ts PROTO MESSAGE DATA TARGET REPEATS
 *
 * prints: {"rows", "cpuSeconds", "peakRssBytes", "outputBytes", "refused", "reason"}
 *
 * The first pass over the events warms the process up and is not counted; passes follow until two
 * CPU seconds are full, user and system of all threads, each with everything from the walk over the
 * lengths to the written file, in which the events stand as often as REPEATS says. Reading the
 * events from disk is not counted. Bytes are copied into the kernel's input a load at a time and
 * walked over there, as a batch of Kafka is inflated into it.
 */
import { closeSync, openSync, readFileSync, statSync, writevSync } from 'node:fs'
import { assert } from '../../src/base/assert.ts'
import { ParquetFileWriter } from '../../src/codec/parquet/file-writer.ts'
import { messageJson } from '../../src/codec/protobuf/message-json.ts'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { planTable } from '../../src/kernel/table-plan.ts'
import type { RowBatch, RowRefusal } from '../../src/model/row-batch.ts'
import { walkEvents } from '../datasets/delimited.ts'
import { readSchemaSource } from './schema-sources.ts'

const sampleCpuSeconds = 2
const memoryMaxBytes = 1 << 30
/** A load as large as a batch or two of Kafka, which the second cache holds. */
const loadBytes = 1 << 18
/** As many as the daemon takes at once. */
const loadEventsMax = 16_384
const into = new Uint32Array(2 * loadEventsMax)
const starts = new Int32Array(loadEventsMax)
const ends = new Int32Array(loadEventsMax)
/** As the daemon has it when nothing is configured. */
const fileOptions = {
  codec: 'zstd',
  encodings: 'auto',
  level: 1,
  rowGroupBytesMax: 128 * 1_024 * 1_024,
  pageIndex: true,
  bloom: undefined,
  keyValues: new Map<string, string>(),
} as const

const [proto = '', message = '', data = '', target = '', repeats = '1'] = process.argv.slice(2)
const { sources, file } = readSchemaSource(proto)
const schema = parseMessageSchema(sources, file, message)
const kernel = Kernel.open({
  hashSeed: 0x243f_6a88_85a3_08d3n,
  memoryMaxBytes,
  renderMessage: messageJson(),
})
const table = kernel.compile(planTable(schema, { identity: [], names: 'as-declared' }))
const once = readFileSync(data)
const bytes = Buffer.concat(Array.from({ length: Number(repeats) }, () => once))

/** Tables of the benchmark have no columns of it. */
const noIdentity = {
  topic: '',
  partitions: new Int32Array(0),
  offsets: new BigInt64Array(0),
  indexes: new Int32Array(0),
  ingestMs: 0,
}

interface Pass {
  readonly rows: number
  readonly refused: readonly RowRefusal[]
}

function pass(): Pass {
  const writer = new ParquetFileWriter(table, fileOptions)
  const refused: RowRefusal[] = []
  let row = 0
  for (let at = 0; at < bytes.length; ) {
    const load = loadAt(at, loadBytes)
    for (const refusal of writer.append(load)) refused.push({ ...refusal, row: row + refusal.row })
    kernel.input.clear()
    row += load.count
    at = load.next
  }
  const { chunks, rowCount, sizeBytes, release } = writer.seal()
  const output = openSync(target, 'w')
  assert(writevSync(output, chunks) === sizeBytes, 'the whole file is written')
  closeSync(output)
  release()
  return { rows: rowCount, refused }
}

/** Loads the events that are whole in so many bytes, or in as many as the first one needs. */
function loadAt(at: number, sizeBytes: number): RowBatch & { readonly next: number } {
  const end = Math.min(at + sizeBytes, bytes.length)
  const base = kernel.input.load(bytes.subarray(at, end))
  const loaded = kernel.input.u8.subarray(base, base + end - at)
  const isCut = end < bytes.length
  const limits = { events: loadEventsMax, bytes: loaded.length, into, isCut }
  const { places, next } = walkEvents(loaded, 0, limits)
  if (places.length === 0) {
    kernel.input.clear()
    return loadAt(at, 2 * sizeBytes)
  }
  const count = places.length / 2
  for (let row = 0; row < count; row++) {
    starts[row] = base + (places[row * 2] ?? 0)
    ends[row] = base + (places[row * 2 + 1] ?? 0)
  }
  return { ...noIdentity, count, starts, ends, next: at + next }
}

const { refused } = pass()
let rows = 0
let cpuSeconds = 0
while (cpuSeconds < sampleCpuSeconds) {
  const begun = process.cpuUsage()
  rows += pass().rows
  const { user, system } = process.cpuUsage(begun)
  cpuSeconds += (user + system) / 1e6
}
const [firstRefused] = refused
console.log(
  JSON.stringify({
    rows,
    cpuSeconds,
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
    outputBytes: statSync(target).size,
    refused: refused.length / Number(repeats),
    reason: firstRefused && `${firstRefused.reason}, event ${firstRefused.row}`,
  }),
)
