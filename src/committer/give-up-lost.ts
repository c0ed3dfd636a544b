import { isFault } from '../base/fault.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldState, UnpublishedCommit } from '../model/fold-state.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { CommitOutcome } from '../model/sealed-commit.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import { planSwap, type SwapPlan } from '../protocol/swap-plan.ts'
import { crc32cText } from './checksum.ts'
import type { Committer } from './committer.ts'

/** A file that was decided and is gone, and the entry that decided it. */
export interface LostFile {
  readonly entry: EntryIndex
  readonly file: DataFile
}

/** Files of one partition that were decided and are gone. */
export interface LostFiles {
  readonly stream: string
  readonly partitionPath: DataFile['partitionPath']
  readonly files: readonly DataFile[]
  readonly rowCount: number
}

/**
 * Files that were decided and are gone: neither staged nor published, and not swapped away. Those
 * that are not gone are published on the way.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function findLost(lake: Lake, log: CommitLog): Promise<readonly LostFile[]> {
  const gone: LostFile[] = []
  for (const open of openFilesOf(await log.refresh())) {
    if (await isGone(lake, open.file)) gone.push(open)
  }
  // What was published and told, or swapped away, while we looked is not lost.
  const still = new Set(openFilesOf(await log.refresh()).map(({ file }) => file.path))
  return gone.filter(({ file }) => still.has(file.path))
}

/** The same by partition. */
export function lostByPartition(lost: readonly LostFile[]): readonly LostFiles[] {
  const files = lost.map(({ file }) => file)
  const byPartition = Map.groupBy(files, (file) =>
    JSON.stringify([file.stream, file.partitionPath]),
  )
  return [...byPartition.values()].flatMap((ofOne) => {
    const [first] = ofOne
    if (first === undefined) return []
    const { stream, partitionPath } = first
    const rowCount = ofOne.reduce((sum, file) => sum + file.rowCount, 0)
    return [{ stream, partitionPath, files: ofOne, rowCount }]
  })
}

export type GivenUp =
  | { readonly kind: 'given-up'; readonly lost: LostFiles; readonly entry: EntryIndex }
  | { readonly kind: 'refused'; readonly lost: LostFiles; readonly because: string }

interface GivingUp {
  readonly lake: Lake
  readonly committer: Committer
  readonly log: CommitLog
}

/**
 * Gives up the rows of lost files, in an operator's words: one swap each partition, why `refill`,
 * that brings nothing in and says how many rows are lost. What a swap lost on its way is refused
 * while the file that it is a copy of stands: it would be deleted next, as that swap said.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function giveUpLost(
  { lake, committer, log }: GivingUp,
  losses: readonly LostFiles[],
  reason: string,
): Promise<readonly GivenUp[]> {
  const done: GivenUp[] = []
  for (const lost of losses) {
    const plan = planOf(log, lost)
    const because = plan.kind === 'swap' ? await refusalToLose(lake, log.state, lost) : plan.because
    if (plan.kind !== 'swap' || because !== undefined) {
      done.push({ kind: 'refused', lost, because: because ?? 'it cannot be swapped' })
      continue
    }
    const lostRowCount = plan.inputRowCount
    const outcome = await committer.swap({ ...plan.swap, reason, lostRowCount, files: [] })
    done.push(givenUp(lost, outcome))
  }
  return done
}

/** Why rows are not given up: they still stand elsewhere. Undefined where they do not. */
export async function refusalToLose(
  lake: Lake,
  { unpublished }: FoldState,
  { files }: LostFiles,
): Promise<string | undefined> {
  for (const file of files) {
    const isOf = (commit: UnpublishedCommit): boolean =>
      commit.files.some(({ path }) => path === file.path)
    for (const { path } of [...unpublished.values()].find(isOf)?.removals ?? []) {
      if (!(await isCopy(lake, path, file))) continue
      return `"${path}" holds the rows of "${file.path}": copy it there, or refill without --lost`
    }
  }
  return undefined
}

/** What is to be taken out says no more than where it is: its bytes tell what it holds. */
async function isCopy(lake: Lake, path: string, file: DataFile): Promise<boolean> {
  if ((await lake.stat(path))?.sizeBytes !== file.sizeBytes) return false
  const bytes = await lake.read(path)
  return bytes !== undefined && crc32cText(bytes) === file.crc32c
}

function planOf(log: CommitLog, { stream, partitionPath, files }: LostFiles): SwapPlan {
  const { state, publishedHere } = log
  const inputs = files.map(({ path }) => path)
  const commitId = log.nextCommitId()
  const facts = { state, publishedHere, commitId, stream, partitionPath, inputs }
  return planSwap({ ...facts, why: 'refill' })
}

const givenUp = (lost: LostFiles, outcome: CommitOutcome): GivenUp =>
  outcome.kind === 'committed'
    ? { kind: 'given-up', lost, entry: outcome.entry }
    : { kind: 'refused', lost, because: outcome.because }

const openFilesOf = ({ unpublished }: FoldState): readonly LostFile[] =>
  [...unpublished.values()].flatMap(({ entry, files }) => files.map((file) => ({ entry, file })))

/**
 * What stands at a staged path is the storage's own affair: a ticket outlives its upload. So only
 * publishing tells, which is wanted of what is decided, by anyone.
 */
async function isGone(lake: Lake, file: DataFile): Promise<boolean> {
  try {
    const { base, ...whole } = file
    if (base !== undefined) {
      const tail = { ...whole, baseBytes: base.sizeBytes }
      return (await lake.tails?.join(tail))?.kind === 'missing'
    }
    if ((await lake.stat(file.path)) !== undefined) return false
    return (await lake.publish(file)).kind === 'missing'
  } catch (error) {
    // A table that refuses tells nothing of what is staged for it.
    if (isFault(error, 'LAKE_REFUSED')) return false
    throw error
  }
}
