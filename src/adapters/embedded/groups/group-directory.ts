/** All groups of the broker by id, whichever protocol their members speak. */
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { BrokerSettings } from '../settings.ts'
import type { TopicStore } from '../store/topic-store.ts'
import { ClassicGroup } from './classic-group.ts'
import type { MemberClaim } from './classic-member.ts'
import { ConsumerGroup } from './consumer-group.ts'

export class GroupDirectory {
  readonly #settings: BrokerSettings
  readonly #topics: TopicStore
  readonly #classic = new Map<string, ClassicGroup>()
  readonly #consumer = new Map<string, ConsumerGroup>()

  constructor(settings: BrokerSettings, topics: TopicStore) {
    this.#settings = settings
    this.#topics = topics
  }

  get ids(): readonly string[] {
    return [...new Set([...this.#classic.keys(), ...this.#consumer.keys()])]
  }

  classic(groupId: string): ClassicGroup | undefined {
    return this.#classic.get(groupId)
  }

  consumer(groupId: string): ConsumerGroup | undefined {
    return this.#consumer.get(groupId)
  }

  /** The classic group to join; undefined while KIP-848 members hold the id. */
  classicToJoin(groupId: string): ClassicGroup | undefined {
    if ((this.#consumer.get(groupId)?.memberCount ?? 0) > 0) return undefined
    this.#consumer.delete(groupId)
    const group = this.#classic.get(groupId) ?? new ClassicGroup(this.#settings.rebalanceDelayMs)
    this.#classic.set(groupId, group)
    return group
  }

  /** The KIP-848 group to join; undefined while classic members hold the id. */
  consumerToJoin(groupId: string): ConsumerGroup | undefined {
    const classic = this.#classic.get(groupId)
    if (classic !== undefined && classic.members.length > 0) return undefined
    classic?.close()
    this.#classic.delete(groupId)
    const known = this.#consumer.get(groupId)
    const group = known ?? new ConsumerGroup(this.#settings, this.#topics)
    this.#consumer.set(groupId, group)
    return group
  }

  /**
   * Why a group refuses an offset commit, or undefined.
   *
   * @param epochKnown the request's version may carry a KIP-848 member epoch (OffsetCommit 9).
   */
  commitRefusal(groupId: string, claim: MemberClaim, epochKnown: boolean): ErrorCode | undefined {
    const consumer = this.#consumer.get(groupId)
    if (consumer !== undefined && consumer.memberCount > 0) {
      if (claim.generationId < 0 && claim.memberId === '') return errorCode.unknownMemberId
      return epochKnown ? consumer.epochRefusal(claim) : errorCode.unsupportedVersion
    }
    const classic = this.#classic.get(groupId)
    if (classic !== undefined) return classic.commitRefusal(claim)
    // A group that was never joined takes commits from outside only.
    return claim.generationId < 0 ? undefined : errorCode.illegalGeneration
  }

  isEmpty(groupId: string): boolean {
    const classicCount = this.#classic.get(groupId)?.members.length ?? 0
    return classicCount === 0 && (this.#consumer.get(groupId)?.memberCount ?? 0) === 0
  }

  forget(groupId: string): void {
    this.#classic.get(groupId)?.close()
    this.#classic.delete(groupId)
    this.#consumer.delete(groupId)
  }

  close(): void {
    for (const group of this.#classic.values()) group.close()
    for (const group of this.#consumer.values()) group.close()
  }
}
