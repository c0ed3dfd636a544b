/**
 * Produce: checks each batch, appends it, wakes who waits for it.
 *
 * Invariants: a batch that is answered without error is with the operating system (with `fsync:
 * each` on the disk); a batch refused leaves no trace.
 */
import { Fault, isFault } from '../../../base/fault.ts'
import type { ApiRequest, ApiResponse } from '../apis/table.ts'
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { AppendOutcome, PartitionLog } from '../log/partition-log.ts'
import { validateBatch } from '../log/validate-batch.ts'
import type { Topic } from '../store/topic-store.ts'
import type { BrokerContext, Call, Handler } from './context.ts'

type PartitionData = ApiRequest<'produce'>['topics'][number]['partitions'][number]
type PartitionAnswer = ApiResponse<'produce'>['topics'][number]['partitions'][number]

const zstdFromVersion = 7

export function produceHandler(context: BrokerContext): Handler<'produce'> {
  return (request, call) => {
    const grown = new Map<PartitionLog, number>()
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((sent) =>
        new Append(context, request, call).answer(context.topics.byName(name), sent, grown),
      ),
    }))
    const answer = (): ApiResponse<'produce'> | undefined => {
      for (const [log, newBytes] of grown) context.wakers.wake(log, newBytes)
      return request.acks === 0 ? closeOnError(topics) : { topics }
    }
    if (context.settings.fsync === 'interval' || grown.size === 0) return answer()
    return syncAll([...grown.keys()]).then(answer)
  }
}

async function syncAll(logs: readonly PartitionLog[]): Promise<void> {
  for (const log of logs) await log.sync()
}

/** Nobody reads an error of a produce without answer, so the connection tells it by closing. */
function closeOnError(topics: ApiResponse<'produce'>['topics']): undefined {
  const refused = topics
    .flatMap(({ partitions }) => partitions)
    .find((each) => each.errorCode !== 0)
  if (refused === undefined) return undefined
  const reason = `acks 0 and error ${refused.errorCode}: ${refused.errorMessage ?? ''}`
  throw new Fault('BROKER_REQUEST_MALFORMED', { reason })
}

class Append {
  readonly #context: BrokerContext
  readonly #request: ApiRequest<'produce'>
  readonly #call: Call

  constructor(context: BrokerContext, request: ApiRequest<'produce'>, call: Call) {
    this.#context = context
    this.#request = request
    this.#call = call
  }

  /** Appends the records of one partition and notes in `grown` by how much its log grew. */
  answer(
    topic: Topic | undefined,
    sent: PartitionData,
    grown: Map<PartitionLog, number>,
  ): PartitionAnswer {
    const log = topic?.partitions[sent.partition]
    if (topic === undefined || log === undefined) {
      return this.#refused(sent, errorCode.unknownTopicOrPartition, 'there is no such partition')
    }
    if (![0, 1, -1].includes(this.#request.acks)) {
      return this.#refused(sent, errorCode.invalidRequiredAcks, `acks is ${this.#request.acks}`)
    }
    const outcome = this.#append(topic, log, sent)
    if (outcome.kind === 'refused') return this.#refused(sent, outcome.errorCode, outcome.reason)
    if (outcome.kind === 'appended') grown.set(log, (grown.get(log) ?? 0) + outcome.sizeBytes)
    return {
      partition: sent.partition,
      errorCode: errorCode.none,
      firstOffset: outcome.firstOffset,
      logStartOffset: log.logStartOffset,
      errorMessage: null,
    }
  }

  #append(topic: Topic, log: PartitionLog, sent: PartitionData): AppendOutcome {
    const configured = topic.configs['max.message.bytes']
    const verdict = validateBatch(sent.records, {
      batchBytesMax: Number(configured ?? this.#context.settings.batchBytesMax),
      zstdAllowed: this.#call.version >= zstdFromVersion,
    })
    if (verdict.kind === 'refused' || sent.records === null) {
      return verdict.kind === 'refused'
        ? verdict
        : { kind: 'refused', errorCode: errorCode.invalidRecord, reason: 'no records' }
    }
    const at = { topic: topic.name, partition: sent.partition }
    const objection = this.#context.transactions.objectionTo(verdict.header, at)
    if (objection !== undefined) return objection
    try {
      return log.append(sent.records, verdict.header)
    } catch (cause) {
      if (!isFault(cause, 'BROKER_STORAGE_REFUSED')) throw cause
      return { kind: 'refused', errorCode: errorCode.kafkaStorageError, reason: cause.message }
    }
  }

  #refused(sent: PartitionData, code: ErrorCode, errorMessage: string): PartitionAnswer {
    const { partition } = sent
    return { partition, errorCode: code, firstOffset: -1n, logStartOffset: -1n, errorMessage }
  }
}
