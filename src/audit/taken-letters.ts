/** The letters that a replay took in again: its rows can be of no other event. */
import type { DataFile } from '../model/data-file.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import { shortCommitId } from '../model/ids.ts'
import type { LetterReplay, ReplayedLetters } from '../model/letter-replay.ts'
import { type TopicPartition, topicPartitionName } from '../model/topic-partition.ts'
import type { Lake } from '../ports/lake.ts'
import { unitKey } from '../protocol/replay.ts'
import { letterRows } from './dead-letters.ts'
import { letterIdentity } from './decode-file.ts'
import type { LogWalk } from './walk-log.ts'

/** Events by topic-partition, offset and index. */
export class TakenLetters {
  readonly #events = new Set<string>()
  readonly #topics = new Set<string>()

  get count(): number {
    return this.#events.size
  }

  /** Where they are of one only. */
  get onlyTopic(): string | undefined {
    const [topic] = this.#topics
    return this.#topics.size === 1 ? topic : undefined
  }

  add({ topic, partition }: TopicPartition, offset: bigint, index: number): void {
    this.#topics.add(topic)
    this.#events.add(`${topicPartitionName({ topic, partition })} ${offset} ${index}`)
  }

  /** @param topicPartition its name. */
  has(topicPartition: string, offset: bigint, index: number): boolean {
    return this.#events.has(`${topicPartition} ${offset} ${index}`)
  }
}

/**
 * Reads them from the dead letters' table, closed days of it too.
 *
 * @throws {Fault} `LAKE_FILE_UNREADABLE`, or another of the lake.
 */
export async function readTakenLetters(
  { lake, walk }: { readonly lake: Lake; readonly walk: LogWalk },
  { letters }: LetterReplay,
): Promise<TakenLetters> {
  const taken = new TakenLetters()
  const units = new Set(letters.map(unitKey))
  const { topic, partition, offset, index } = letterIdentity
  const columns = ['stream', 'step', 'commit_id', topic, partition, offset, index]
  for await (const { row } of letterRows(lake, filesOf(walk, letters), columns)) {
    const unit = `${String(row['commit_id'])} ${String(row['stream'])}`
    if (row['step'] !== 'late' || !units.has(unit)) continue
    const at = { topic: String(row[topic]), partition: Number(row[partition]) }
    taken.add(at, BigInt(String(row[offset])), Number(row[index]))
  }
  return taken
}

/** Named after their commit, unless a swap put another file in the place of one. */
function filesOf(walk: LogWalk, letters: readonly ReplayedLetters[]): readonly DataFile[] {
  const { state, closed } = walk
  const open = state.streams.get(deadLetterStream)?.partitions
  const lists = closed.get(deadLetterStream)?.lists ?? []
  return [...Map.groupBy(letters, ({ day }) => day)].flatMap(([day, ofDay]) => {
    const list = lists.find(({ partition }) => partition.partition.path === day)
    const files = open?.get(day)?.files ?? list?.partition.files ?? []
    const names = ofDay.map(({ commitId }) => `-${shortCommitId(commitId)}-`)
    const isNamed = ({ path }: DataFile): boolean => names.some((name) => path.includes(name))
    const named = files.filter(isNamed)
    const areAll = names.every((name) => named.some(({ path }) => path.includes(name)))
    return areAll ? named : files
  })
}
