/** ListOffsets and OffsetForLeaderEpoch: where a reader may begin. */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { firstRecordAtTime, type TimeSearch } from '../log/record-times.ts'
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
  const { partition, timestampMs } = wanted
  const visibleNext = committed ? log.lastStableOffset : log.highWatermark
  const at = (offset: bigint): OffsetAnswer => {
    const leaderEpoch = log.epochOf(offset)
    return { partition, errorCode: errorCode.none, timestampMs: -1n, offset, leaderEpoch }
  }
  if (timestampMs === latest) return at(visibleNext)
  if (timestampMs === earliest) return at(log.logStartOffset)
  const search = searchTime(
    log,
    timestampMs === largestTimestamp ? log.maxTimestampMs : timestampMs,
  )
  switch (search.kind) {
    case 'unreadable':
      return failed(wanted, errorCode.corruptMessage)
    case 'none':
      // A time behind the last record is answered -1, not the end of the log.
      return failed(wanted, errorCode.none)
    case 'found':
      if (search.record.offset >= visibleNext) return failed(wanted, errorCode.none)
      return { ...at(search.record.offset), timestampMs: search.record.timestampMs }
  }
}

function searchTime(log: PartitionLog, timestampMs: bigint): TimeSearch {
  const batch = timestampMs < 0n ? undefined : log.batchAtTime(timestampMs)
  return batch === undefined ? { kind: 'none' } : firstRecordAtTime(batch, timestampMs)
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
