/**
 * Runs a module's `map` over a batch: wire bytes → row object → `map` → rows → wire bytes.
 *
 * - An event's rows are taken all together or not at all.
 * - Whatever goes wrong with one event is that event's failure; the others go on.
 */
import { isFault } from '../../base/fault.ts'
import { readKafkaHeaders } from '../../codec/protobuf/kafka-headers.ts'
import { ObjectDecoder } from '../../codec/protobuf/object-decoder.ts'
import { ObjectEncoder } from '../../codec/protobuf/object-encoder.ts'
import { WireError } from '../../codec/protobuf/wire.ts'
import type { EtlContext } from '../../model/etl-context.ts'
import type { MessageSchema } from '../../model/event-schema.ts'
import type { EtlBatch, EtlFailure, EtlRows } from '../../ports/etl-module.ts'
import { RowOutput } from './row-output.ts'

export type MapFunction = (row: Record<string, unknown>, context: EtlContext) => unknown

const errorCharactersMax = 300

/** Something about what `map` returned that no encoder can say. */
class ResultError extends Error {
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

export class MapRunner {
  readonly #map: MapFunction
  readonly #stream: string
  readonly #message: MessageSchema
  readonly #decoder: ObjectDecoder
  readonly #encoder: ObjectEncoder

  constructor(map: MapFunction, stream: string, message: MessageSchema) {
    this.#map = map
    this.#stream = stream
    this.#message = message
    this.#decoder = new ObjectDecoder(message)
    this.#encoder = new ObjectEncoder(message)
  }

  run(batch: EtlBatch): EtlRows {
    const output = new RowOutput(batch.count)
    const failures: EtlFailure[] = []
    let start = 0
    for (let event = 0; event < batch.count; event++) {
      const next = batch.payloadNext[event] ?? start
      const failure = this.#runOne(batch, event, batch.payloads.subarray(start, next), output)
      if (failure === undefined) output.keepEvent()
      else {
        output.dropEvent()
        failures.push({ event, ...failure })
      }
      start = next
    }
    return { ...output.take(), failures }
  }

  #runOne(
    batch: EtlBatch,
    event: number,
    payload: Uint8Array,
    output: RowOutput,
  ): Omit<EtlFailure, 'event'> | undefined {
    try {
      const row = this.#decoder.decode(payload)
      const result = this.#map(row, contextOf(batch, event, this.#stream))
      for (const each of this.#rowsOf(result)) output.add(this.#encoder.encode(each))
      return undefined
    } catch (error) {
      return failureOf(error)
    }
  }

  #rowsOf(result: unknown): readonly unknown[] {
    if (result === null || result === undefined) return []
    const rows: readonly unknown[] = Array.isArray(result) ? result : [result]
    for (const row of rows) {
      if (isThenable(row)) {
        throw new ResultError('etl-result-refused', 'map returned a promise, it must return a row')
      }
      if (this.#isRoute(row)) {
        const message = 'map routed a row to another stream, which this version does not support'
        throw new ResultError('etl-route-undeclared', message)
      }
    }
    return rows
  }

  /** `{ stream, row }`, unless the message itself has fields of these names. */
  #isRoute(row: unknown): boolean {
    if (typeof row !== 'object' || row === null) return false
    const keys = Object.keys(row)
    if (keys.length !== 2 || !keys.includes('stream') || !keys.includes('row')) return false
    const names = new Set(this.#message.fields.map(({ name }) => name))
    return !(names.has('stream') && names.has('row'))
  }
}

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

/** The headers are read when somebody asks for them. */
function contextOf(batch: EtlBatch, event: number, stream: string): EtlContext {
  const source = batch.sources[batch.source[event] ?? -1]
  return {
    stream,
    eventTimeMs: batch.eventTimeMs[event] ?? 0,
    topic: source?.topic ?? '',
    partition: source?.partition ?? 0,
    offset: batch.offset[event] ?? 0n,
    index: batch.index[event] ?? 0,
    get headers(): ReadonlyMap<string, Uint8Array> {
      const start = event === 0 ? 0 : (batch.headersNext[event - 1] ?? 0)
      const encoded = batch.headers.subarray(start, batch.headersNext[event])
      return new Map(readKafkaHeaders(encoded).map(({ key, value }) => [key, value]))
    },
  }
}

function failureOf(error: unknown): Omit<EtlFailure, 'event'> {
  if (error instanceof WireError) {
    const reason = `decode-${error.reason}`
    return { step: 'decode', reason, error: error.message, detail: '' }
  }
  if (isFault(error, 'ETL_RESULT_REFUSED')) {
    const detail = `${error.facts.field} ${error.facts.expected}`
    return { step: 'etl', reason: 'etl-result-refused', error: firstLine(error.message), detail }
  }
  if (error instanceof ResultError) {
    return { step: 'etl', reason: error.reason, error: error.message, detail: '' }
  }
  const { name, message, place } = described(error)
  const said = firstLine(message === '' ? name : `${name}: ${message}`)
  return { step: 'etl', reason: 'etl-failed', error: said, detail: `${name} ${place}` }
}

/** User code throws what it likes, objects that throw when they are looked at included. */
function described(error: unknown): { name: string; message: string; place: string } {
  try {
    if (!(error instanceof Error)) {
      return { name: typeof error, message: String(error), place: '' }
    }
    const frame = /^\s+at .*$/m.exec(String(error.stack))?.[0]?.trim() ?? ''
    // The folder differs from machine to machine, the failure does not.
    const place = frame.replace(/(?:file:\/\/)?\/\S*\//, '')
    return { name: String(error.name), message: String(error.message), place }
  } catch {
    return { name: 'unknown', message: 'what was thrown cannot be read', place: '' }
  }
}

const firstLine = (text: string): string =>
  (text.split('\n', 1)[0] ?? '').slice(0, errorCharactersMax)
