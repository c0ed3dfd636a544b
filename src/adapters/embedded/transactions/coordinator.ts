/**
 * The coordinator of transactions: who may write under which producer epoch, and how each ends.
 *
 * Invariants:
 * - the outcome is in the journal before the first marker is written;
 * - offsets sent with a transaction are the group's only when it commits;
 * - a producer that begins again under the same id fences the former one and ends what that left
 *   open.
 *
 * Source: KIP-98, KIP-360, KIP-447.
 */
import { join } from 'node:path'
import type { ErrorCode } from '../error-code.ts'
import { errorCode } from '../error-code.ts'
import type { OffsetChange, OffsetStore } from '../groups/offset-store.ts'
import { type BatchHeader, readBatchHeader } from '../log/batch-header.ts'
import { encodeMarker } from '../log/control-batch.ts'
import type { AppendOutcome } from '../log/partition-log.ts'
import type { BrokerFolder } from '../store/broker-folder.ts'
import { Journal } from '../store/journal.ts'
import type { TopicStore } from '../store/topic-store.ts'
import type { Wakers } from '../wakers.ts'
import { isDecided, type Transaction, transactionShape } from './transaction.ts'

export interface Place {
  readonly topic: string
  readonly partition: number
}

/** A producer as its requests name it. */
export interface ProducerClaim {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

export type InitOutcome =
  | { readonly kind: 'given'; readonly producerId: bigint; readonly producerEpoch: number }
  | { readonly kind: 'refused'; readonly errorCode: ErrorCode }

interface Surroundings {
  readonly folder: BrokerFolder
  readonly topics: TopicStore
  readonly offsets: OffsetStore
  readonly wakers: Wakers
}

const timeoutMsMax = 900_000
const epochMax = 32_766

export class TransactionCoordinator {
  readonly #around: Surroundings
  readonly #journal: Journal<Transaction>
  readonly #idOfProducer = new Map<bigint, string>()
  readonly #timers = new Map<string, NodeJS.Timeout>()

  /** Completes what a kill left decided; what is open waits for its producer or its timeout. */
  constructor(around: Surroundings) {
    this.#around = around
    this.#journal = new Journal(
      join(around.folder.directory, 'transactions.jsonl'),
      transactionShape,
    )
    for (const [id, transaction] of this.#journal.entries) {
      this.#idOfProducer.set(BigInt(transaction.producerId), id)
      if (isDecided(transaction)) this.#complete(id, transaction)
      if (transaction.status === 'ongoing') this.#startTimer(id, transaction.timeoutMs)
    }
  }

  /** Gives a producer its id and epoch; under a transactional id it fences the former holder. */
  init(claim: ProducerClaim, timeoutMs: number): InitOutcome {
    const { transactionalId: id } = claim
    if (timeoutMs < 1 || timeoutMs > timeoutMsMax) {
      return { kind: 'refused', errorCode: errorCode.invalidTransactionTimeout }
    }
    const known = this.#journal.entries.get(id)
    if (known === undefined) return this.#begin(id, timeoutMs)
    if (claim.producerId >= 0n && !isHolder(known, claim)) {
      return { kind: 'refused', errorCode: errorCode.producerFenced }
    }
    const ended = this.#endLeftOpen(id, known)
    if (ended.producerEpoch >= epochMax) return this.#begin(id, timeoutMs)
    const producerEpoch = ended.producerEpoch + 1
    this.#keep(id, { ...emptied(ended), status: 'empty', producerEpoch, timeoutMs })
    return { kind: 'given', producerId: BigInt(ended.producerId), producerEpoch }
  }

  /** Why a request of a transactional producer is refused, or undefined. */
  refusalOf(claim: ProducerClaim): ErrorCode | undefined {
    const known = this.#journal.entries.get(claim.transactionalId)
    if (known === undefined || BigInt(known.producerId) !== claim.producerId) {
      return errorCode.invalidProducerIdMapping
    }
    if (known.producerEpoch !== claim.producerEpoch) return errorCode.producerFenced
    return isDecided(known) ? errorCode.concurrentTransactions : undefined
  }

  /** Adds partitions or groups to the producer's transaction, which begins with the first. */
  include(
    id: string,
    added: { partitions?: readonly Place[]; groupIds?: readonly string[] },
  ): void {
    const known = this.#journal.entries.get(id)
    if (known === undefined) return
    const base = known.status === 'ongoing' ? known : emptied(known)
    const news = (added.partitions ?? []).filter(
      ({ topic, partition }) =>
        !base.partitions.some((each) => each.topic === topic && each.partition === partition),
    )
    const groupIds = [...new Set([...base.groupIds, ...(added.groupIds ?? [])])]
    const partitions = [...base.partitions, ...news]
    this.#keep(id, { ...base, status: 'ongoing', partitions, groupIds })
    if (known.status !== 'ongoing') this.#startTimer(id, known.timeoutMs)
  }

  /** Keeps offsets that the group gets when the transaction commits. */
  holdOffsets(id: string, groupId: string, changes: readonly OffsetChange[]): ErrorCode {
    const known = this.#journal.entries.get(id)
    if (known?.status !== 'ongoing' || !known.groupIds.includes(groupId)) {
      return errorCode.invalidTxnState
    }
    const added = changes.map(({ nextOffset, topic, partition, leaderEpoch, metadata }) => {
      return { groupId, topic, partition, nextOffset: nextOffset.toString(), leaderEpoch, metadata }
    })
    this.#keep(id, { ...known, offsets: [...known.offsets, ...added] })
    return errorCode.none
  }

  end(claim: ProducerClaim, committed: boolean): ErrorCode {
    const id = claim.transactionalId
    const refusal = this.refusalOf(claim)
    const known = this.#journal.entries.get(id)
    if (known === undefined) return refusal ?? errorCode.invalidProducerIdMapping
    const wanted = committed ? 'commit' : 'abort'
    // Asked again, because our answer was lost or a marker could not be written: finish it.
    const repeated =
      refusal === errorCode.concurrentTransactions && known.status === `prepare-${wanted}`
    if (refusal !== undefined && !repeated) return refusal
    if (known.status === (committed ? 'committed' : 'aborted')) return errorCode.none
    if (known.status !== 'ongoing' && !repeated) return errorCode.invalidTxnState
    this.#decide(id, known, wanted)
    return errorCode.none
  }

  /** Why a transactional batch must not be appended, or undefined. */
  objectionTo(header: BatchHeader, at: Place): (AppendOutcome & { kind: 'refused' }) | undefined {
    if (!header.transactional) return undefined
    const known = this.#journal.entries.get(this.#idOfProducer.get(header.producerId) ?? '')
    const refused = (code: ErrorCode, reason: string): AppendOutcome & { kind: 'refused' } => ({
      kind: 'refused',
      errorCode: code,
      reason,
    })
    if (known === undefined || known.producerEpoch < header.producerEpoch) {
      return refused(errorCode.invalidTxnState, 'the producer has no transaction')
    }
    if (known.producerEpoch > header.producerEpoch) {
      return refused(errorCode.invalidProducerEpoch, 'a newer producer holds the transactional id')
    }
    const included = known.partitions.some(
      ({ topic, partition }) => topic === at.topic && partition === at.partition,
    )
    if (known.status === 'ongoing' && included) return undefined
    return refused(errorCode.invalidTxnState, 'the partition is not part of the transaction')
  }

  /** Whether an open transaction holds an offset of this group and partition. */
  holdsOffset(groupId: string, topic: string, partition: number): boolean {
    return [...this.#journal.entries.values()].some(
      ({ status, offsets }) =>
        (status === 'ongoing' || status === 'prepare-commit') &&
        offsets.some(
          (each) =>
            each.groupId === groupId && each.topic === topic && each.partition === partition,
        ),
    )
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#journal.close()
  }

  #begin(id: string, timeoutMs: number): InitOutcome {
    const producerId = this.#around.folder.takeProducerId()
    this.#idOfProducer.set(producerId, id)
    const nothing = { partitions: [], groupIds: [], offsets: [] }
    const begun = { producerId: producerId.toString(), producerEpoch: 0, timeoutMs, ...nothing }
    this.#keep(id, { ...begun, status: 'empty' })
    return { kind: 'given', producerId, producerEpoch: 0 }
  }

  /** Ends what the former producer left open, under a newer epoch, so that it cannot write on. */
  #endLeftOpen(id: string, known: Transaction): Transaction {
    if (isDecided(known)) return this.#complete(id, known)
    if (known.status !== 'ongoing') return known
    return this.#decide(id, { ...known, producerEpoch: known.producerEpoch + 1 }, 'abort')
  }

  #decide(id: string, known: Transaction, outcome: 'commit' | 'abort'): Transaction {
    clearTimeout(this.#timers.get(id))
    const decided: Transaction = { ...known, status: `prepare-${outcome}` }
    this.#keep(id, decided)
    return this.#complete(id, decided)
  }

  /**
   * Writes the markers, then the offsets: a marker into each partition, whether it has records of
   * the transaction or none. May be repeated from the start: a second marker ends nothing.
   */
  #complete(id: string, decided: Transaction): Transaction {
    const kind = decided.status === 'prepare-commit' ? 'commit' : 'abort'
    for (const at of decided.partitions) this.#mark(decided, at, kind)
    if (kind === 'commit') this.#commitOffsets(decided)
    const status = kind === 'commit' ? 'committed' : 'aborted'
    const complete: Transaction = { ...emptied(decided), status }
    this.#keep(id, complete)
    return complete
  }

  #mark(decided: Transaction, at: Place, kind: 'commit' | 'abort'): void {
    const log = this.#around.topics.partition(at.topic, at.partition)
    if (log === undefined) return
    const producerId = BigInt(decided.producerId)
    const { producerEpoch } = decided
    const marker = encodeMarker({ kind, producerId, producerEpoch, timestampMs: Date.now() })
    log.append(marker, readBatchHeader(marker, 0))
    // The marker makes everything behind it visible, so its own size says nothing.
    this.#around.wakers.wake(log, Number.POSITIVE_INFINITY)
  }

  #commitOffsets(decided: Transaction): void {
    for (const [groupId, offsets] of Map.groupBy(decided.offsets, (each) => each.groupId)) {
      const changes = offsets.map((each) => ({ ...each, nextOffset: BigInt(each.nextOffset) }))
      this.#around.offsets.commit(groupId, changes)
    }
  }

  #startTimer(id: string, timeoutMs: number): void {
    clearTimeout(this.#timers.get(id))
    const expire = (): void => {
      const known = this.#journal.entries.get(id)
      if (known?.status === 'ongoing') this.#endLeftOpen(id, known)
    }
    this.#timers.set(id, setTimeout(expire, timeoutMs).unref())
  }

  #keep(id: string, transaction: Transaction): void {
    this.#journal.put(new Map([[id, transaction]]))
  }
}

/** Without what belonged to the transaction that ended. */
function emptied(transaction: Transaction): Transaction {
  return { ...transaction, partitions: [], groupIds: [], offsets: [] }
}

function isHolder(known: Transaction, claim: ProducerClaim): boolean {
  const sameId = BigInt(known.producerId) === claim.producerId
  return sameId && known.producerEpoch === claim.producerEpoch
}
