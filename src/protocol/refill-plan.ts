/**
 * Whether what an entry brought can be made once more from Kafka, and whether what was made is it.
 *
 * Invariants:
 * - the rows of an entry follow from its ranges, its configuration and what the log below it says
 *   of announced partitions: a row that it wrote belongs to a partition that was open below it, and
 *   a row that it turned away as late to one that was not;
 * - where anything of that is not at hand, or what was made is not what the entry counts, nothing
 *   is put: only an operator gives rows up.
 *
 * Source: docs/adr/0016-refill.md.
 */
import type { CountCell, Counts } from '../model/counts.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { AppendEntry, AppendRange, EntryIndex, LogEntry } from '../model/log-entry.ts'
import type { SealedFile } from '../model/sealed-commit.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import type { BrokerPart } from './source-judgement.ts'

/** A decided entry, and what the log says below it. */
export interface EntryBelow {
  readonly index: EntryIndex
  readonly entry: LogEntry
  readonly below: FoldState
}

/** What of one commit is gone, in one partition. */
export interface LostPart {
  readonly stream: string
  readonly partitionPath: PartitionPath
}

export type RefillPlan =
  | { readonly kind: 'read'; readonly entry: AppendEntry; readonly below: FoldState }
  | { readonly kind: 'refuse'; readonly because: string }

const refuse = (because: string): RefillPlan => ({ kind: 'refuse', because })

/**
 * Before the brokers are asked.
 *
 * @param found undefined where the entry was deleted with the old ones.
 * @param ownChecksum of the configuration at hand.
 */
export function planRefill(
  index: EntryIndex,
  found: EntryBelow | undefined,
  ownChecksum: string,
): RefillPlan {
  if (found === undefined) return refuse(`entry ${index} is deleted, as log.keep says`)
  const { entry, below } = found
  if (entry.kind !== 'append') {
    const because = 'its rows came from files of several entries, or of one that is deleted'
    return refuse(`entry ${index} is a ${entry.kind}: ${because}`)
  }
  if (entry.replay !== undefined) {
    return refuse(`entry ${index} is a replay: its rows came from dead letters, not from ranges`)
  }
  const { version, checksum } = below.config
  if (checksum !== ownChecksum) {
    const both = `of checksum ${checksum}, this one has ${ownChecksum}: give that one by --config`
    return refuse(`entry ${index} was made under configuration ${version} ${both}`)
  }
  return { kind: 'read', entry, below }
}

/**
 * Why Kafka cannot give the records of these ranges once more; undefined when it can.
 *
 * @param parts of each range; undefined where the brokers do not have its topic-partition.
 */
export function missingInKafka(
  ranges: readonly AppendRange[],
  parts: readonly (BrokerPart | undefined)[],
): string | undefined {
  const missing = ranges.flatMap((range, index) => missingOf(range, parts[index]) ?? [])
  return missing.length === 0 ? undefined : missing.join('; ')
}

function missingOf(range: AppendRange, part: BrokerPart | undefined): string | undefined {
  const { source, first, next, leaderEpoch } = range
  const name = `"${topicPartitionName(source)}" [${first}, ${next})`
  if (part === undefined) {
    const ids = `topic id ${source.topicId} of cluster ${source.clusterId}`
    return `${name}: the brokers have no ${ids}`
  }
  const { earliest, end, epochEnd } = part
  if (earliest === undefined || end === undefined) return `${name}: no leader answers`
  if (earliest > first) {
    const gone = (earliest < next ? BigInt(earliest) : BigInt(next)) - first
    return `${name}: Kafka begins at ${earliest}, ${gone} offsets are gone`
  }
  if (end < next) return `${name}: Kafka ends at ${end}`
  if (epochEnd === undefined || leaderEpoch === -1) return undefined
  if (epochEnd.leaderEpoch >= leaderEpoch && epochEnd.next >= next) return undefined
  const both = `epoch ${epochEnd.leaderEpoch} ends at ${epochEnd.next}`
  return `${name} was read under epoch ${leaderEpoch}, of the leader's log ${both}`
}

/** What was made of an entry's ranges. */
export interface MadeAgain {
  readonly files: readonly Pick<SealedFile, 'stream' | 'partitionPath' | 'rowCount'>[]
  readonly counts: readonly CountCell[]
}

/** Why what was made for one partition is not what the entry brought; undefined when it is. */
export function differsFrom(
  { body }: AppendEntry,
  made: MadeAgain,
  part: LostPart,
): string | undefined {
  const [rows, rowsMade] = [rowsIn(body.files, part), rowsIn(made.files, part)]
  if (rows !== rowsMade) return `reading again gave ${rowsMade} rows, the entry has ${rows}`
  const [counts, countsMade] = [cellOf(body.counts, part), cellOf(made.counts, part)]
  if (counts === countsMade) return undefined
  return `reading again counted ${countsMade}, the entry ${counts}`
}

const isIn =
  ({ stream, partitionPath }: LostPart) =>
  (file: Pick<DataFile, 'stream' | 'partitionPath'>): boolean =>
    file.stream === stream && file.partitionPath === partitionPath

/** Files of one partition. */
export const filesIn = <F extends Pick<DataFile, 'stream' | 'partitionPath'>>(
  files: readonly F[],
  part: LostPart,
): readonly F[] => files.filter(isIn(part))

const rowsIn = (
  files: readonly Pick<DataFile, 'stream' | 'partitionPath' | 'rowCount'>[],
  part: LostPart,
): number => filesIn(files, part).reduce((sum, { rowCount }) => sum + rowCount, 0)

function cellOf(cells: readonly CountCell[], { stream, partitionPath }: LostPart): string {
  const cell = cells.find((at) => at.stream === stream && at.partition.path === partitionPath)
  return cell === undefined ? 'no event' : fatesOf(cell.counts)
}

function fatesOf({ read, written, filtered, late, deadLettered }: Counts): string {
  const byReason = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([reason, count]) => `${count} ${reason}`)
      .join(' + ') || '0'
  const [left, kept] = [byReason(filtered), byReason(deadLettered)]
  return `${read} read = ${written} written, filtered ${left}, ${late} late, dead letters ${kept}`
}
