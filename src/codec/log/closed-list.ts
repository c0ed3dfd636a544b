/**
 * All that the log knew of a closed partition ⇄ bytes: one JSON object, compressed with zstd.
 *
 *     {"format":1,"previous":"00…","stream":"app_events","partition":{"files":[…],…}}
 *
 * Invariant: the same partition after the same list gives the same bytes, so that the name, which
 * holds their checksum, is the same from everybody.
 */
import { hash } from 'node:crypto'
import { z } from 'zod'
import { Fault } from '../../base/fault.ts'
import type { FoldedPartition } from '../../model/fold-state.ts'
import { partitionLineShape } from './checkpoint-lines.ts'
import { encodeCanonicalJson, type ParseOutcome, parseJson, parseShape } from './json.ts'
import { packed, unpacked } from './packed.ts'

export interface ClosedList {
  /** SHA-256 of the list before it. */
  readonly previous: string
  readonly stream: string
  readonly partition: FoldedPartition
}

const listShape = z.strictObject({
  format: z.literal(1),
  previous: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  stream: z.string(),
  partition: partitionLineShape,
})

export function encodeClosedList(list: ClosedList): { bytes: Uint8Array; sha256: string } {
  const text = encodeCanonicalJson({ format: 1, ...list })
  const bytes = packed(Buffer.from(text))
  return { bytes, sha256: hash('sha256', bytes, 'hex') }
}

/**
 * @param path of the object, for the message of the fault.
 * @throws {Fault} `LOG_LIST_UNREADABLE`: torn, or not ours.
 */
export function parseClosedList(bytes: Uint8Array, path: string): ClosedList {
  const outcome = listIn(bytes)
  if (outcome.kind === 'refused') {
    throw new Fault('LOG_LIST_UNREADABLE', { path, reason: outcome.reason })
  }
  const { previous, stream, partition } = outcome.value
  return { previous, stream, partition }
}

function listIn(bytes: Uint8Array): ParseOutcome<z.output<typeof listShape>> {
  const inside = unpacked(bytes)
  const json = inside.kind === 'refused' ? inside : parseJson(inside.bytes)
  return json.kind === 'refused' ? json : parseShape(listShape, json.value)
}
