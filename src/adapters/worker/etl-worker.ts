/**
 * Entry of the thread that runs one module: loads the file, then answers batches one by one.
 *
 *     ← workerData { file, stream, message }     → { kind: 'ready' } or { kind: 'refused', reason }
 *     ← EtlBatch                                 → { kind: 'done', result }
 */
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { present } from '../../base/assert.ts'
import type { MessageSchema } from '../../model/event-schema.ts'
import type { EtlBatch, EtlRows } from '../../ports/etl-module.ts'
import { type MapFunction, MapRunner } from './map-runner.ts'

/** What the thread is started with. */
export interface EtlWorkerStart {
  /** Absolute path. */
  readonly file: string
  readonly stream: string
  readonly message: MessageSchema
}

export type EtlWorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'done'; readonly result: EtlRows }

const port = present(parentPort, 'this file is the entry of a thread')
const reply = (message: EtlWorkerReply, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer)

async function loadMap(file: string): Promise<MapFunction> {
  const loaded: unknown = await import(pathToFileURL(file).href)
  const exports = new Map(Object.entries(Object(loaded)))
  for (const found of [exports.get('map'), exports.get('default')]) {
    if (typeof found === 'function') return (row, context) => found(row, context)
  }
  throw new Error('it exports no function "map", nor one as default')
}

async function main({ file, stream, message }: EtlWorkerStart): Promise<void> {
  let map: MapFunction
  try {
    map = await loadMap(file)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return reply({ kind: 'refused', reason: reason.split('\n', 1)[0] ?? '' })
  }
  const runner = new MapRunner(map, stream, message)
  port.on('message', (batch: EtlBatch) => {
    const result = runner.run(batch)
    const { rows } = result
    reply({ kind: 'done', result }, rows.buffer instanceof ArrayBuffer ? [rows.buffer] : [])
  })
  reply({ kind: 'ready' })
}

await main(workerData as EtlWorkerStart)
