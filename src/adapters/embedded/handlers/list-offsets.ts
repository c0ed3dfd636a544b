/** ListOffsets and OffsetForLeaderEpoch: where a reader may begin. */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { firstRecordAtTime } from '../log/record-times.ts'
import type { BrokerContext, Handler } from './context.ts'
import { epochRefusal } from './leader-epoch.ts'

type OffsetAnswer = ApiResponse<'listOffsets'>['topics'][number]['partitions'][number]
type Wanted = ApiRequest<'listOffsets'>['topics'][number]['partitions'][number]

/** Timestamps below zero are questions of their own. */
const latest = -1n
const earliest = -2n
const largestTimestamp = -3n

export function listOffsetsHandler(context: BrokerContext): Handler<'listOffsets'> {
  return (request) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((wanted) => {
        const log = context.topics.partition(name, wanted.partition)
        if (log === undefined) return failed(wanted, errorCode.unknownTopicOrPartition)
        const refusal = epochRefusal(log, wanted.currentLeaderEpoch)
        if (refusal !== undefined) return failed(wanted, refusal)
        return answerOffset(log, wanted, request.isolationLevel === 1)
      }),
    })),
  })
}

function failed(wanted: Wanted, code: ErrorCode): OffsetAnswer {
  const { partition } = wanted
  return { partition, errorCode: code, timestampMs: -1n, offset: -1n, leaderEpoch: -1 }
}

function answerOffset(log: PartitionLog, wanted: Wanted, committed: boolean): OffsetAnswer {
  const visibleNext = committed ? log.lastStableOffset : log.highWatermark
  const found = ((): { offset: bigint; timestampMs: bigint } | undefined => {
    switch (wanted.timestampMs) {
      case latest:
        return { offset: visibleNext, timestampMs: -1n }
      case earliest:
        return { offset: log.logStartOffset, timestampMs: -1n }
      case largestTimestamp:
        return recordAtTime(log, log.maxTimestampMs)
      default:
        return recordAtTime(log, wanted.timestampMs)
    }
  })()
  const asked = wanted.timestampMs < 0n && wanted.timestampMs !== largestTimestamp
  const visible = found !== undefined && (asked || found.offset < visibleNext)
  // A time behind the last record is answered -1, not the end of the log.
  if (!visible) return failed(wanted, errorCode.none)
  const leaderEpoch = log.epochOf(found.offset)
  return { partition: wanted.partition, errorCode: errorCode.none, ...found, leaderEpoch }
}

function recordAtTime(
  log: PartitionLog,
  timestampMs: bigint,
): { offset: bigint; timestampMs: bigint } | undefined {
  const batch = timestampMs < 0n ? undefined : log.batchAtTime(timestampMs)
  return batch === undefined ? undefined : firstRecordAtTime(batch, timestampMs)
}

export function offsetForLeaderEpochHandler(
  context: BrokerContext,
): Handler<'offsetForLeaderEpoch'> {
  return (request) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        const log = context.topics.partition(name, partition)
        const refusal =
          log === undefined
            ? errorCode.unknownTopicOrPartition
            : epochRefusal(log, currentLeaderEpoch)
        if (log === undefined || refusal !== undefined) {
          const code = refusal ?? errorCode.unknownTopicOrPartition
          return { partition, errorCode: code, leaderEpoch: -1, nextOffset: -1n }
        }
        return { partition, errorCode: errorCode.none, ...log.endOfEpoch(leaderEpoch) }
      }),
    })),
  })
}
