import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openWorkerModule } from '../../../../src/adapters/worker/worker-module.ts'
import { isFault } from '../../../../src/base/fault.ts'
import { durationMs } from '../../../../src/base/time.ts'
import { ObjectDecoder } from '../../../../src/codec/protobuf/object-decoder.ts'
import { ObjectEncoder } from '../../../../src/codec/protobuf/object-encoder.ts'
import type { EtlBatch, EtlModule, EtlOutcome, EtlRows } from '../../../../src/ports/etl-module.ts'
import { messageOf, scalarField } from '../../../support/message-schemas.ts'

const message = messageOf('test.Event', [
  scalarField(['name', 1], 'string'),
  scalarField(['views', 2], 'int64'),
])
const opened: EtlModule[] = []

afterEach(async () => {
  for (const module of opened.splice(0)) await module.close()
})

const pathOf = (file: string): string => fileURLToPath(new URL(`modules/${file}`, import.meta.url))

const optionsOf = (file: string, batchTimeMs = 10_000) => ({
  file: pathOf(file),
  stream: 'views',
  message,
  batchTimeMs: durationMs(batchTimeMs),
  heapBytes: 32 * 1_048_576,
})

async function open(file: string, batchTimeMs?: number): Promise<EtlModule> {
  const module = await openWorkerModule(optionsOf(file, batchTimeMs))
  opened.push(module)
  return module
}

function batchOf(payloads: readonly Uint8Array[]): EtlBatch {
  let size = 0
  const headers = Uint8Array.from([2, 10, ...Buffer.from('trace'), 6, ...Buffer.from('abc')])
  return {
    count: payloads.length,
    payloads: new Uint8Array(Buffer.concat(payloads)),
    payloadNext: Int32Array.from(payloads.map((each) => (size += each.length))),
    headers,
    headersNext: Int32Array.from(payloads.map(() => headers.length)),
    sources: [{ topic: 'events', partition: 4 }],
    source: new Int32Array(payloads.length),
    offset: BigInt64Array.from(payloads.map((_, at) => BigInt(at))),
    index: Int32Array.from(payloads.map((_, at) => at)),
    eventTimeMs: new Float64Array(payloads.length).fill(5),
  }
}

const encoder = new ObjectEncoder(message)
const named = (...names: readonly string[]): EtlBatch =>
  batchOf(names.map((name, at) => encoder.encode({ name, views: BigInt(at + 1) })))

/** Names and views of each event's rows. */
function rowsOf({ rows, rowNext, eventRowNext }: EtlRows): string[][] {
  const decoder = new ObjectDecoder(message)
  const texts = Array.from(rowNext, (next, row) => {
    const { name, views } = decoder.decode(rows.subarray(row === 0 ? 0 : rowNext[row - 1], next))
    return `${String(name)} ${String(views)}`
  })
  return Array.from(eventRowNext, (next, event) =>
    texts.slice(event === 0 ? 0 : eventRowNext[event - 1], next),
  )
}

function resultOf(outcome: EtlOutcome): EtlRows {
  if (outcome.kind === 'done') return outcome.result
  throw new Error(`the batch ${outcome.kind}`)
}

describe('a module', () => {
  let module: EtlModule

  beforeAll(async () => {
    module = await openWorkerModule(optionsOf('double.ts'))
  })

  afterAll(async () => {
    await module.close()
  })

  it('makes none, one or several rows of an event, in order', async () => {
    const result = resultOf(
      await module.run(named('a', 'drop', 'twice', 'nothing', 'none', '', 'b')),
    )
    expect(result.failures).toEqual([])
    expect(rowsOf(result)).toEqual([['a 2'], [], ['twice 3', 'twice 4'], [], [], [' 12'], ['b 14']])
  })

  it('is told where the event comes from', async () => {
    const result = resultOf(await module.run(named('where', 'where')))
    expect(rowsOf(result)).toEqual([['views events/4 0 5 abc 0'], ['views events/4 1 5  1']])
  })

  it('that throws, or returns what is no row, loses that event only, with all its rows', async () => {
    const names = ['throw', 'a', 'wrong', 'half-wrong', 'later', 'route', 'odd', 'b']
    const result = resultOf(await module.run(named(...names)))
    expect(rowsOf(result)).toEqual([[], ['a 4'], [], [], [], [], [], ['b 16']])
    expect(result.failures.map(({ event, step, reason }) => [event, step, reason])).toEqual([
      [0, 'etl', 'etl-failed'],
      [2, 'etl', 'etl-result-refused'],
      [3, 'etl', 'etl-result-refused'],
      [4, 'etl', 'etl-result-refused'],
      [5, 'etl', 'etl-route-undeclared'],
      [6, 'etl', 'etl-failed'],
    ])
    const [thrown] = result.failures
    expect(thrown?.error).toBe('TypeError: first line')
    expect(thrown?.detail).toMatch(/^TypeError at .*double\.ts:\d+:\d+\)?$/)
    expect(thrown?.detail).not.toContain('/')
  })

  it('is not asked about a payload that does not decode', async () => {
    const result = resultOf(await module.run(batchOf([Uint8Array.from([10, 9, 97])])))
    expect(result.failures).toMatchObject([
      { event: 0, step: 'decode', reason: 'decode-truncated' },
    ])
  })

  it('may be the default export', async () => {
    const plain = await open('default-export.js')
    expect(rowsOf(resultOf(await plain.run(named('a'))))).toEqual([['a 1']])
  })
})

describe('a thread', () => {
  it('that takes too long is ended, and the next batch has another', async () => {
    const module = await open('double.ts', 2_000)
    expect(await module.run(named('a', 'hang'))).toEqual({ kind: 'timed-out', limitMs: 2_000 })
    expect(rowsOf(resultOf(await module.run(named('a'))))).toEqual([['a 2']])
  })

  it('that its code ends is replaced', async () => {
    const module = await open('double.ts')
    expect(await module.run(named('exit'))).toEqual({
      kind: 'crashed',
      error: 'the code ended its thread with code 3',
    })
    expect(rowsOf(resultOf(await module.run(named('a'))))).toEqual([['a 2']])
  })

  it('whose memory is used up ends alone', async () => {
    const module = await open('double.ts', 60_000)
    const outcome = await module.run(named('fill'))
    expect(outcome).toEqual({
      kind: 'crashed',
      error: 'the code used up the memory of its thread',
    })
    expect(rowsOf(resultOf(await module.run(named('a'))))).toEqual([['a 2']])
  }, 60_000)
})

describe('opening', () => {
  it.each([
    ['no-map.js', 'no function "map"'],
    ['throws-at-load.js', 'no configuration'],
    ['not-there.js', 'Cannot find module'],
  ])('%s is refused', async (file, reason) => {
    const refusal: unknown = await open(file).catch((error: unknown) => error)
    if (!isFault(refusal, 'ETL_MODULE_REFUSED')) throw new Error('it was not refused')
    expect(refusal.message).toContain(`module "${pathOf(file)}" of stream "views"`)
    expect(refusal.message).toContain(reason)
  })
})
