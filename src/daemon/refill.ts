/**
 * Makes the rows of lost files again from Kafka and puts them in their place.
 *
 * One swap, why `refill`, for each partition of each commit that lost a file: it takes all files
 * that hold rows of the commit in the partition, for reading again gives the rows of all of them. A
 * file that a swap put in the place of others is followed back to the commit its rows are of.
 */
import type { Committer } from '../committer/committer.ts'
import { type LostFile, type LostFiles, lostByPartition } from '../committer/give-up-lost.ts'
import type { CommitId } from '../model/ids.ts'
import type { AppendEntry, EntryIndex } from '../model/log-entry.ts'
import type { SealedCommit } from '../model/sealed-commit.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Source } from '../ports/source.ts'
import {
  differsFrom,
  type EntryBelow,
  filesIn,
  missingInKafka,
  planRefill,
} from '../protocol/refill-plan.ts'
import { planSwap, type SwapPlan } from '../protocol/swap-plan.ts'
import { askRanges, type ReadAgainParts, readAgain, readRanges } from './read-again.ts'

export interface RefillParts extends Omit<ReadAgainParts, 'source'> {
  readonly log: CommitLog
  readonly committer: Committer
  /** A source that reads every topic-partition of the configuration, beside those who read them. */
  readonly openSource: () => Source
  /** Decided entries as the log has them; those that were deleted are left out. */
  readonly entries: ReadonlyMap<EntryIndex, EntryBelow>
  /** By path of a file the entry whose rows it holds, as `lostByEntry` was given it. */
  readonly origins: FileOrigins
  /** An operator's words. */
  readonly reason: string
}

/** Lost files of one commit in one partition. */
export interface LostOfEntry extends LostFiles {
  readonly entry: EntryIndex
}

export type Refilled =
  /** By entry `by`. */
  | { readonly kind: 'refilled'; readonly lost: LostOfEntry; readonly by: EntryIndex }
  | { readonly kind: 'refused'; readonly lost: LostOfEntry; readonly because: string }

/** By path of a file the append whose rows it holds; what is left out is of several, or too old. */
export type FileOrigins = ReadonlyMap<string, EntryIndex>

/** What is lost, by the entry whose rows it held and by partition. */
export function lostByEntry(
  lost: readonly LostFile[],
  origins: FileOrigins,
): readonly LostOfEntry[] {
  const byEntry = Map.groupBy(lost, ({ entry, file }) => origins.get(file.path) ?? entry)
  return [...byEntry].flatMap(([entry, files]) =>
    lostByPartition(files).map((ofOne) => ({ entry, ...ofOne })),
  )
}

/**
 * Reads each entry's ranges once, whatever number of its partitions lost files.
 *
 * @returns what became of each, in the order of the entries.
 * @throws {Fault} KAFKA_UNREACHABLE; `LAKE_…`, `LOG_…` as `Committer.swap` throws them.
 */
export async function refillLost(
  parts: RefillParts,
  lost: readonly LostOfEntry[],
): Promise<readonly Refilled[]> {
  const done: Refilled[] = []
  for (const [index, losses] of Map.groupBy(lost, ({ entry }) => entry)) {
    const plan = planRefill(index, parts.entries.get(index), parts.config.checksum)
    const because = plan.kind === 'refuse' ? plan.because : await refusalOf(parts, plan.entry)
    if (plan.kind === 'refuse' || because !== undefined) {
      done.push(
        ...losses.map((one) => ({ kind: 'refused', lost: one, because: because ?? '' }) as const),
      )
      continue
    }
    const made = await readAgain({ ...parts, source: parts.openSource() }, plan.entry, plan.below)
    for (const one of losses) done.push(await swapIn(parts, plan.entry, one, made))
    for (const { release } of made?.files ?? []) release()
  }
  return done
}

/**
 * Why an entry cannot be read again, before anything is read; undefined where it can.
 *
 * @throws {Fault} KAFKA_UNREACHABLE.
 */
export async function refusalOf(
  { openSource }: Pick<RefillParts, 'openSource'>,
  entry: AppendEntry,
): Promise<string | undefined> {
  const source = openSource()
  try {
    const ranges = readRanges(entry)
    return missingInKafka(ranges, await askRanges(source, ranges))
  } finally {
    await source.close()
  }
}

async function swapIn(
  parts: RefillParts,
  entry: AppendEntry,
  lost: LostOfEntry,
  made: SealedCommit | undefined,
): Promise<Refilled> {
  const refused = (because: string): Refilled => ({ kind: 'refused', lost, because })
  const { files = [], counts = [] } = made ?? {}
  const difference = differsFrom(entry, { files, counts }, lost)
  if (difference !== undefined) return refused(difference)
  const plan = planOf(parts, lost)
  if (plan.kind !== 'swap') return refused(plan.because)
  const { committer, reason } = parts
  const outcome = await committer.swap({
    ...plan.swap,
    reason,
    lostRowCount: 0,
    files: filesIn(files, lost),
  })
  if (outcome.kind !== 'committed') return refused(outcome.because)
  return { kind: 'refilled', lost, by: outcome.entry }
}

function planOf(
  { log, origins }: RefillParts,
  { stream, partitionPath, entry }: LostOfEntry,
): SwapPlan {
  const commitId: CommitId = log.nextCommitId()
  const { state, publishedHere } = log
  const live = state.streams.get(stream)?.partitions.get(partitionPath)?.files ?? []
  const inputs = live.map(({ path }) => path).filter((path) => origins.get(path) === entry)
  return planSwap({ state, publishedHere, commitId, why: 'refill', stream, partitionPath, inputs })
}
