/**
 * Control batches: the markers that end a transaction in a partition.
 *
 * Sample of the one record: length, attributes 0, deltas 0, key `00 00` version + `00 01` (1
 * commit, 0 abort), value `00 00` version + coordinator epoch, no headers.
 * Source: Kafka documentation, "Control Batches"; KIP-98.
 */
import { crc32c } from '@node-rs/crc32'
import { checkedFrom, headerBytes } from './batch-header.ts'

export type ControlKind = 'commit' | 'abort'

interface Marker {
  readonly kind: ControlKind
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly timestampMs: number
}

const transactionalControl = 0x30
const magic = 2
/** Bytes of the record before its key: length, attributes, two deltas, key length. */
const bytesBeforeKey = 5

/** The marker batch with base offset 0; the log gives it its place. */
export function encodeMarker(marker: Marker): Buffer {
  const key = [0, 0, 0, marker.kind === 'commit' ? 1 : 0]
  const value = [0, 0, 0, 0, 0, 0]
  // Lengths are zigzag varints: twice the value while it is below 64.
  const body = [0, 0, 0, key.length * 2, ...key, value.length * 2, ...value, 0]
  const batch = Buffer.alloc(headerBytes + 1 + body.length)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt8(magic, 16)
  batch.writeInt16BE(transactionalControl, 21)
  batch.writeBigInt64BE(BigInt(marker.timestampMs), 27)
  batch.writeBigInt64BE(BigInt(marker.timestampMs), 35)
  batch.writeBigInt64BE(marker.producerId, 43)
  batch.writeInt16BE(marker.producerEpoch, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(1, 57)
  batch.set([body.length * 2, ...body], headerBytes)
  batch.writeUInt32BE(crc32c(batch.subarray(checkedFrom)), 17)
  return batch
}

/** What a control batch of the log says. */
export function controlKind(batch: Buffer): ControlKind {
  return batch.readInt16BE(headerBytes + bytesBeforeKey + 2) === 1 ? 'commit' : 'abort'
}
