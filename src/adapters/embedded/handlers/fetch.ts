/**
 * Fetch: whole batches from disk, with a wait when there is too little.
 *
 * Invariants: nothing at or beyond the high watermark is answered, nor at or beyond the last stable
 * offset to a `read_committed` reader; only the first non-empty partition of a request may exceed
 * the limits, and by its first batch alone.
 *
 * Source: Kafka protocol guide; KIP-74 (limits), KIP-320 (epochs), KIP-516 (topic ids).
 */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { nodeId } from '../settings.ts'
import type { Topic } from '../store/topic-store.ts'
import type { BrokerContext, Call, Handler } from './context.ts'
import { epochRefusal } from './leader-epoch.ts'

type FetchRequest = ApiRequest<'fetch'>
type WantedTopic = FetchRequest['topics'][number]
type Wanted = WantedTopic['partitions'][number]
type PartitionAnswer = ApiResponse<'fetch'>['topics'][number]['partitions'][number]

const idsFromVersion = 13
const endpointsFromVersion = 16

/** What is there for a request at one moment. */
interface Gathered {
  readonly topics: ApiResponse<'fetch'>['topics']
  readonly sizeBytes: number
  /** An error or a divergence is answered at once, whatever `bytesMin` says. */
  readonly urgent: boolean
}

/** Room left in the answer. Counts down as partitions take from it. */
interface Budget {
  leftBytes: number
  /** Nothing was taken yet: the next first batch may exceed the limits. */
  untouched: boolean
}

export function fetchHandler(context: BrokerContext): Handler<'fetch'> {
  return (request, call) => {
    // Sessions (KIP-227) are declined by answering session 0; nobody can continue one.
    if (request.sessionId !== 0) {
      return { errorCode: errorCode.fetchSessionIdNotFound, sessionId: 0, topics: [] }
    }
    const gathered = gather(context, request, call)
    const enough = gathered.urgent || gathered.sizeBytes >= request.bytesMin
    if (enough || request.waitMsMax <= 0) return answerOf(context, gathered, call)
    return waitForMore(context, request, {
      call,
      missingBytes: request.bytesMin - gathered.sizeBytes,
    })
  }
}

async function waitForMore(
  context: BrokerContext,
  request: FetchRequest,
  now: { readonly call: Call; readonly missingBytes: number },
): Promise<ApiResponse<'fetch'> | undefined> {
  const { call } = now
  const logs = request.topics.flatMap((wanted) => {
    const topic = topicOf(context, wanted, call)
    return wanted.partitions.flatMap(({ partition }) => topic?.partitions[partition] ?? [])
  })
  const gathered = await new Promise<Gathered | undefined>((resolve) => {
    let { missingBytes } = now
    const finish = (found: Gathered | undefined): void => {
      clearTimeout(timer)
      for (const stop of stops) stop()
      call.closed.removeEventListener('abort', giveUp)
      resolve(found)
    }
    const giveUp = (): void => finish(undefined)
    const onWake = (newBytes: number): void => {
      missingBytes -= newBytes
      if (missingBytes > 0) return
      const found = gather(context, request, call)
      missingBytes = request.bytesMin - found.sizeBytes
      if (found.urgent || missingBytes <= 0) finish(found)
    }
    const timer = setTimeout(() => finish(gather(context, request, call)), request.waitMsMax)
    const stops = logs.map((log) => context.wakers.wait(log, onWake))
    call.closed.addEventListener('abort', giveUp)
    if (call.closed.aborted) giveUp()
  })
  return gathered === undefined ? undefined : answerOf(context, gathered, call)
}

function answerOf(context: BrokerContext, gathered: Gathered, call: Call): ApiResponse<'fetch'> {
  const { topics } = gathered
  const fenced = topics.some(({ partitions }) => partitions.some((each) => each.currentLeader))
  const answer = { errorCode: errorCode.none, sessionId: 0, topics }
  if (!fenced || call.version < endpointsFromVersion) return answer
  return { ...answer, nodeEndpoints: [{ nodeId, ...context.address, rack: null }] }
}

function topicOf(context: BrokerContext, wanted: WantedTopic, call: Call): Topic | undefined {
  return call.version >= idsFromVersion
    ? context.topics.byId(wanted.topicId)
    : context.topics.byName(wanted.name)
}

function gather(context: BrokerContext, request: FetchRequest, call: Call): Gathered {
  const budget: Budget = { leftBytes: request.bytesMax, untouched: true }
  let urgent = request.topics.length === 0
  const topics = request.topics.map((wanted) => {
    const topic = topicOf(context, wanted, call)
    const partitions = wanted.partitions.map((each) => {
      const log = topic?.partitions[each.partition]
      const answer =
        log === undefined
          ? failed(each, missingCode(topic, call))
          : readPartition(log, each, { budget, committed: request.isolationLevel === 1 })
      urgent ||= answer.errorCode !== errorCode.none || answer.divergingEpoch !== undefined
      return answer
    })
    return { name: wanted.name, topicId: wanted.topicId, partitions }
  })
  return { topics, sizeBytes: request.bytesMax - budget.leftBytes, urgent }
}

function missingCode(topic: Topic | undefined, call: Call): ErrorCode {
  return topic === undefined && call.version >= idsFromVersion
    ? errorCode.unknownTopicId
    : errorCode.unknownTopicOrPartition
}

/** An error says nothing else about the partition: all offsets are -1, as real brokers answer. */
function failed(wanted: Wanted, code: ErrorCode): PartitionAnswer {
  return {
    partition: wanted.partition,
    errorCode: code,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    aborted: null,
    records: [],
  }
}

interface ReadRules {
  readonly budget: Budget
  /** The reader wants committed records only. */
  readonly committed: boolean
}

function readPartition(log: PartitionLog, wanted: Wanted, rules: ReadRules): PartitionAnswer {
  const refusal = epochRefusal(log, wanted.currentLeaderEpoch)
  if (refusal !== undefined) {
    const currentLeader = { leaderId: nodeId, leaderEpoch: log.leaderEpoch }
    return { ...failed(wanted, refusal), currentLeader }
  }
  const offset = wanted.fetchOffset
  const { logStartOffset, highWatermark, lastStableOffset } = log
  const known = {
    partition: wanted.partition,
    errorCode: errorCode.none,
    highWatermark,
    lastStableOffset,
    logStartOffset,
  }
  const divergingEpoch = divergenceOf(log, wanted)
  if (divergingEpoch !== undefined) return { ...known, divergingEpoch, aborted: null, records: [] }
  if (offset < logStartOffset || offset > log.logNextOffset) {
    return failed(wanted, errorCode.offsetOutOfRange)
  }
  const run = log.read({
    offset,
    nextOffset: rules.committed ? lastStableOffset : highWatermark,
    bytesMax: Math.min(wanted.bytesMax, rules.budget.leftBytes),
    firstWhole: rules.budget.untouched,
  })
  if (run !== undefined) {
    rules.budget.leftBytes -= run.records.length
    rules.budget.untouched = false
  }
  const range = { first: offset, next: run?.nextOffset ?? offset }
  const aborted = rules.committed ? log.abortedIn(range) : null
  return { ...known, aborted, records: run === undefined ? [] : [run.records] }
}

/** Where the reader's history parts from ours; undefined when it does not or is not told. */
function divergenceOf(log: PartitionLog, wanted: Wanted): PartitionAnswer['divergingEpoch'] {
  if (wanted.lastFetchedEpoch < 0) return undefined
  const ours = log.endOfEpoch(wanted.lastFetchedEpoch)
  const same = ours.leaderEpoch === wanted.lastFetchedEpoch && ours.nextOffset >= wanted.fetchOffset
  return same ? undefined : ours
}
