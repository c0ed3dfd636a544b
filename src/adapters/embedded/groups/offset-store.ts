/** Offsets that groups committed, kept in a journal across starts. */
import { join } from 'node:path'
import { z } from 'zod'
import { Journal } from '../store/journal.ts'

const committedShape = z.strictObject({
  /** A 64-bit number as text. */
  nextOffset: z.string(),
  leaderEpoch: z.int(),
  metadata: z.string().nullable(),
})

type CommittedLine = z.infer<typeof committedShape>

/** What a group committed for one partition. */
export interface CommittedOffset {
  readonly nextOffset: bigint
  readonly leaderEpoch: number
  readonly metadata: string | null
}

export interface OffsetChange extends CommittedOffset {
  readonly topic: string
  readonly partition: number
}

export class OffsetStore {
  readonly #journal: Journal<CommittedLine>
  /** Group → "topic/partition" → offset. */
  readonly #byGroup = new Map<string, Map<string, OffsetChange>>()

  constructor(directory: string) {
    this.#journal = new Journal(join(directory, 'offsets.jsonl'), committedShape)
    for (const [key, line] of this.#journal.entries) {
      const [groupId, topic, partition] = keyParts.parse(JSON.parse(key))
      const change = { ...line, topic, partition, nextOffset: BigInt(line.nextOffset) }
      this.#group(groupId).set(nameOf(change), change)
    }
  }

  get groupIds(): readonly string[] {
    return [...this.#byGroup].flatMap(([groupId, offsets]) => (offsets.size > 0 ? groupId : []))
  }

  find(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#byGroup.get(groupId)?.get(nameOf({ topic, partition }))
  }

  all(groupId: string): readonly OffsetChange[] {
    return [...(this.#byGroup.get(groupId)?.values() ?? [])]
  }

  /** @throws {Fault} BROKER_STORAGE_REFUSED: nothing was committed. */
  commit(groupId: string, changes: readonly OffsetChange[]): void {
    this.#journal.put(
      new Map(
        changes.map((change) => {
          const { leaderEpoch, metadata } = change
          const nextOffset = change.nextOffset.toString()
          return [keyOf(groupId, change), { nextOffset, leaderEpoch, metadata }]
        }),
      ),
    )
    const group = this.#group(groupId)
    for (const change of changes) group.set(nameOf(change), change)
  }

  forgetGroup(groupId: string): void {
    this.#forget(groupId, this.all(groupId))
    this.#byGroup.delete(groupId)
  }

  /** A topic made again under the same name begins without committed offsets. */
  forgetTopic(topic: string): void {
    for (const groupId of this.groupIds) {
      const gone = this.all(groupId).filter((change) => change.topic === topic)
      this.#forget(groupId, gone)
      for (const change of gone) this.#group(groupId).delete(nameOf(change))
    }
  }

  async sync(): Promise<void> {
    await this.#journal.sync()
  }

  close(): void {
    this.#journal.close()
  }

  #forget(groupId: string, gone: readonly OffsetChange[]): void {
    this.#journal.put(new Map(gone.map((change) => [keyOf(groupId, change), undefined])))
  }

  #group(groupId: string): Map<string, OffsetChange> {
    const known = this.#byGroup.get(groupId) ?? new Map<string, OffsetChange>()
    this.#byGroup.set(groupId, known)
    return known
  }
}

const keyParts = z.tuple([z.string(), z.string(), z.int()])

type Place = Pick<OffsetChange, 'topic' | 'partition'>

const keyOf = (groupId: string, at: Place): string =>
  JSON.stringify([groupId, at.topic, at.partition])

const nameOf = (at: Place): string => `${at.topic}/${at.partition}`
