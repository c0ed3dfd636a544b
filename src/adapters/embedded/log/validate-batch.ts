/** What a broker checks before it appends what a producer sent. No record is looked at. */
import { crc32c } from '@node-rs/crc32'
import { type ErrorCode, errorCode } from '../error-code.ts'
import {
  type BatchHeader,
  batchBytes,
  checkedFrom,
  headerBytes,
  readBatchHeader,
} from './batch-header.ts'

export type BatchVerdict =
  | { readonly kind: 'sound'; readonly header: BatchHeader }
  | { readonly kind: 'refused'; readonly errorCode: ErrorCode; readonly reason: string }

interface BatchLimits {
  readonly batchBytesMax: number
  /** zstd is refused below Produce 7, as Kafka does (KIP-110). */
  readonly zstdAllowed: boolean
}

const codecNewest = 4
const codecZstd = 4

const refused = (code: ErrorCode, reason: string): BatchVerdict => ({
  kind: 'refused',
  errorCode: code,
  reason,
})

/** Judges the records of one partition of a produce request: exactly one sound batch. */
export function validateBatch(records: Buffer | null, limits: BatchLimits): BatchVerdict {
  if (records === null || records.length < headerBytes) {
    return refused(errorCode.invalidRecord, 'the request holds no record batch')
  }
  if (records.readInt8(16) !== 2) {
    return refused(errorCode.invalidRecord, `magic is ${records.readInt8(16)}, only 2 is taken`)
  }
  const sizeBytes = batchBytes(records, 0)
  if (sizeBytes > records.length || sizeBytes < headerBytes) {
    return refused(errorCode.corruptMessage, `batch of ${sizeBytes} in ${records.length} bytes`)
  }
  if (sizeBytes < records.length) {
    return refused(errorCode.invalidRecord, 'the request holds more than one record batch')
  }
  if (sizeBytes > limits.batchBytesMax) {
    return refused(
      errorCode.messageTooLarge,
      `batch of ${sizeBytes} bytes, at most ${limits.batchBytesMax} are taken`,
    )
  }
  const header = readBatchHeader(records, 0)
  if (crc32c(records.subarray(checkedFrom)) !== header.crc) {
    return refused(errorCode.corruptMessage, 'the CRC32C does not match')
  }
  return judgeHeader(header, limits)
}

function judgeHeader(header: BatchHeader, limits: BatchLimits): BatchVerdict {
  if (header.recordCount < 1 || header.recordCount !== header.offsetCount) {
    return refused(
      errorCode.invalidRecord,
      `${header.recordCount} records take ${header.offsetCount} offsets`,
    )
  }
  if (header.control) return refused(errorCode.invalidRecord, 'producers send no control batches')
  if (header.logAppendTime) {
    return refused(errorCode.invalidTimestamp, 'producers do not set the log append time')
  }
  if (header.codec > codecNewest || (header.codec === codecZstd && !limits.zstdAllowed)) {
    return refused(errorCode.unsupportedCompression, `codec ${header.codec} is not taken`)
  }
  return { kind: 'sound', header }
}
