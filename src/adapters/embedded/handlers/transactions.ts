/** InitProducerId and the APIs of transactions. */
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { BrokerContext, Handlers } from './context.ts'
import { judgeCommit } from './offsets.ts'

type TransactionHandlers = Pick<
  Handlers,
  'initProducerId' | 'addPartitionsToTxn' | 'addOffsetsToTxn' | 'endTxn' | 'txnOffsetCommit'
>

/** Older versions know "fenced" as an invalid epoch only. */
const initFencedFrom = 4
const txnFencedFrom = 2

export function transactionHandlers(context: BrokerContext): TransactionHandlers {
  const { transactions } = context
  return {
    initProducerId: (request, call) => {
      const answer = initProducer(context, request)
      return { ...answer, errorCode: spoken(answer.errorCode, call.version >= initFencedFrom) }
    },
    addPartitionsToTxn: (request, call) => {
      const refusal = transactions.refusalOf(request)
      const fenced = call.version >= txnFencedFrom
      return { topics: addPartitions(context, request, spokenMaybe(refusal, fenced)) }
    },
    addOffsetsToTxn: (request, call) => {
      const refusal = transactions.refusalOf(request)
      if (refusal === undefined) {
        transactions.include(request.transactionalId, { groupIds: [request.groupId] })
      }
      return { errorCode: spoken(refusal ?? errorCode.none, call.version >= txnFencedFrom) }
    },
    endTxn: (request, call) => {
      const code = transactions.end(request, request.committed)
      return { errorCode: spoken(code, call.version >= txnFencedFrom) }
    },
    txnOffsetCommit: (request) => ({ topics: holdOffsets(context, request) }),
  }
}

function spoken(code: number, fencedKnown: boolean): number {
  return code === errorCode.producerFenced && !fencedKnown ? errorCode.invalidProducerEpoch : code
}

function spokenMaybe(code: ErrorCode | undefined, fencedKnown: boolean): number | undefined {
  return code === undefined ? undefined : spoken(code, fencedKnown)
}

function initProducer(
  context: BrokerContext,
  request: ApiRequest<'initProducerId'>,
): ApiResponse<'initProducerId'> {
  const { transactionalId } = request
  if (transactionalId === null) {
    const producerId = context.folder.takeProducerId()
    return { errorCode: errorCode.none, producerId, producerEpoch: 0 }
  }
  if (transactionalId === '') {
    return { errorCode: errorCode.invalidRequest, producerId: -1n, producerEpoch: -1 }
  }
  const claim = { ...request, transactionalId }
  const outcome = context.transactions.init(claim, request.transactionTimeoutMs)
  return outcome.kind === 'given'
    ? { ...outcome, errorCode: errorCode.none }
    : { errorCode: outcome.errorCode, producerId: -1n, producerEpoch: -1 }
}

function addPartitions(
  context: BrokerContext,
  request: ApiRequest<'addPartitionsToTxn'>,
  refusal: number | undefined,
): ApiResponse<'addPartitionsToTxn'>['topics'] {
  const places = request.topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  )
  const missing = places.some(
    ({ topic, partition }) => context.topics.partition(topic, partition) === undefined,
  )
  // All or nothing: one missing partition leaves the others unattempted.
  if (refusal === undefined && !missing) {
    context.transactions.include(request.transactionalId, { partitions: places })
  }
  return request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => {
      const there = context.topics.partition(name, partition) !== undefined
      const unattempted = missing ? errorCode.operationNotAttempted : errorCode.none
      const code = there ? unattempted : errorCode.unknownTopicOrPartition
      return { partition, errorCode: refusal ?? code }
    }),
  }))
}

function holdOffsets(
  context: BrokerContext,
  request: ApiRequest<'txnOffsetCommit'>,
): ApiResponse<'txnOffsetCommit'>['topics'] {
  const { transactionalId, groupId, memberId, generationId } = request
  const claimsNothing = generationId < 0 && memberId === ''
  const refusal =
    context.transactions.refusalOf(request) ??
    (claimsNothing ? undefined : context.groups.commitRefusal(groupId, request, true))
  const judged = judgeCommit(context, request.topics, refusal)
  if (judged.accepted.length === 0) return judged.answer
  const code = context.transactions.holdOffsets(transactionalId, groupId, judged.accepted)
  if (code === errorCode.none) return judged.answer
  return judgeCommit(context, request.topics, code).answer
}
