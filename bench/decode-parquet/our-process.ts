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
 * events from disk is not counted.
 */
import { closeSync, openSync, readFileSync, statSync, writevSync } from 'node:fs'
import { assert } from '../../src/base/assert.ts'
import { ParquetFileWriter } from '../../src/codec/parquet/file-writer.ts'
import { messageJson } from '../../src/codec/protobuf/message-json.ts'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { planTable } from '../../src/kernel/table-plan.ts'
import type { RowRefusal } from '../../src/model/row-batch.ts'
import { walkEvents } from '../datasets/delimited.ts'
import { readSchemaSource } from './schema-sources.ts'

const sampleCpuSeconds = 2
const memoryMaxBytes = 1 << 30
/** A load as large as a fetch answer brings it. */
const loadLimits = { events: 4_000, bytes: 1 << 20 }
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

interface Pass {
  readonly rows: number
  readonly refused: readonly RowRefusal[]
}

function pass(): Pass {
  const writer = new ParquetFileWriter(table, fileOptions)
  const refused: RowRefusal[] = []
  let row = 0
  for (let at = 0; at < bytes.length; ) {
    const { places, next } = walkEvents(bytes, at, loadLimits)
    for (const refusal of append(writer, places)) {
      refused.push({ ...refusal, row: row + refusal.row })
    }
    row += places.length / 2
    at = next
  }
  const { chunks, rowCount, sizeBytes, release } = writer.seal()
  const output = openSync(target, 'w')
  assert(writevSync(output, chunks) === sizeBytes, 'the whole file is written')
  closeSync(output)
  release()
  return { rows: rowCount, refused }
}

function append(writer: ParquetFileWriter, places: Uint32Array): readonly RowRefusal[] {
  const first = places[0] ?? 0
  const base = kernel.input.load(bytes.subarray(first, places.at(-1) ?? first)) - first
  const count = places.length / 2
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  for (let row = 0; row < count; row++) {
    starts[row] = base + (places[row * 2] ?? 0)
    ends[row] = base + (places[row * 2 + 1] ?? 0)
  }
  const refused = writer.append({
    count,
    starts,
    ends,
    topic: '',
    partitions: new Int32Array(0),
    offsets: new BigInt64Array(0),
    indexes: new Int32Array(0),
    ingestMs: 0,
  })
  kernel.input.clear()
  return refused
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
