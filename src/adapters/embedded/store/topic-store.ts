/**
 * The broker's topics: one folder each, with its identity in `topic.json`.
 *
 * Invariants:
 * - a topic's id never comes back: deleted and made again, it has another;
 * - a topic is there when its `topic.json` is; a folder without one is what a kill left of making
 *   or deleting it, and is removed on open;
 * - the leader epoch of a topic counts the broker's starts since the topic was made.
 *
 * Sample: `orders-5b0f…/topic.json`, `orders-5b0f…/0/00000000000000000000.log`.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { PartitionLog, type TornTail } from '../log/partition-log.ts'
import { readJsonFile, replaceJsonFile, syncFolder } from './json-file.ts'

const topicShape = z.strictObject({
  name: z.string(),
  id: z.string(),
  partitionCount: z.int().positive(),
  /** The broker's start count when the topic was made. */
  madeAtStart: z.int().nonnegative(),
  configs: z.record(z.string(), z.string()),
})

type TopicFile = z.infer<typeof topicShape>

export interface Topic {
  readonly name: string
  /** A UUID in lower-case text. */
  readonly id: string
  readonly configs: Readonly<Record<string, string>>
  /** By partition number. */
  readonly partitions: readonly PartitionLog[]
}

export interface TopicSettings {
  readonly segmentBytes: number
  readonly retentionBytes: number
}

/** A topic's folder must fit a file name of 255 bytes together with the id. */
const folderNameMax = 200
/** What a folder must look like before it is opened, or removed as left over. */
const topicFolderShape = /-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

export class TopicStore {
  readonly #directory: string
  readonly #startCount: number
  readonly #settings: TopicSettings
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()

  constructor(directory: string, startCount: number, settings: TopicSettings) {
    this.#directory = directory
    this.#startCount = startCount
    this.#settings = settings
    mkdirSync(directory, { recursive: true })
    for (const name of readdirSync(directory)) {
      if (topicFolderShape.test(name)) this.#openFolder(join(directory, name))
    }
  }

  get all(): readonly Topic[] {
    return [...this.#byName.values()]
  }

  get tornTails(): readonly TornTail[] {
    return this.all.flatMap((topic) => topic.partitions.flatMap((log) => log.tornTail ?? []))
  }

  byName(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  partition(name: string, partition: number): PartitionLog | undefined {
    return this.#byName.get(name)?.partitions[partition]
  }

  /** Makes a topic. The caller knows that the name is free and allowed. */
  create(name: string, partitionCount: number, configs: Readonly<Record<string, string>>): Topic {
    const file: TopicFile = {
      name,
      id: randomUUID(),
      partitionCount,
      madeAtStart: this.#startCount,
      configs: { ...configs },
    }
    const folder = this.#folderOf(file)
    mkdirSync(folder, { recursive: true })
    const topic = this.#openTopic(folder, file)
    // Written last: with it the topic is there.
    replaceJsonFile(join(folder, 'topic.json'), file)
    syncFolder(this.#directory)
    this.#add(topic)
    return topic
  }

  /** Adds partitions to a topic; those it has stay as they are. */
  grow(topic: Topic, partitionCount: number): Topic {
    const { name, id, configs } = topic
    const folder = this.#folderOf({ name, id })
    const known = readJsonFile(join(folder, 'topic.json'), topicShape)
    const madeAtStart = known?.madeAtStart ?? this.#startCount
    const file = { name, id, partitionCount, madeAtStart, configs: { ...configs } }
    const added = this.#openTopic(folder, file, topic.partitions)
    replaceJsonFile(join(folder, 'topic.json'), file)
    this.#add(added)
    return added
  }

  delete(topic: Topic): void {
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
    for (const log of topic.partitions) log.close()
    const folder = this.#folderOf(topic)
    rmSync(join(folder, 'topic.json'), { force: true })
    rmSync(folder, { recursive: true, force: true })
  }

  async sync(): Promise<void> {
    for (const topic of this.all) for (const log of topic.partitions) await log.sync()
  }

  close(): void {
    for (const topic of this.all) for (const log of topic.partitions) log.close()
  }

  #add(topic: Topic): void {
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
  }

  #folderOf(topic: { readonly name: string; readonly id: string }): string {
    return join(this.#directory, `${topic.name.slice(0, folderNameMax)}-${topic.id}`)
  }

  #openFolder(folder: string): void {
    const file = readJsonFile(join(folder, 'topic.json'), topicShape)
    if (file === undefined) rmSync(folder, { recursive: true, force: true })
    else this.#add(this.#openTopic(folder, file))
  }

  #openTopic(folder: string, file: TopicFile, known: readonly PartitionLog[] = []): Topic {
    const { name, id, configs } = file
    const settings = {
      segmentBytes: configuredBytes(configs['segment.bytes']) ?? this.#settings.segmentBytes,
      retentionBytes: configuredBytes(configs['retention.bytes']) ?? this.#settings.retentionBytes,
      leaderEpoch: this.#startCount - file.madeAtStart,
    }
    const partitions = Array.from(
      { length: file.partitionCount },
      (_, index) => known[index] ?? new PartitionLog(join(folder, String(index)), settings),
    )
    return { name, id, configs, partitions }
  }
}

function configuredBytes(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
