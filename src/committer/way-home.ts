/** The way home for files that their table refused, once it takes them. */
import { Fault, isFault } from '../base/fault.ts'
import type { DataFile } from '../model/data-file.ts'
import type { SealedFile } from '../model/sealed-commit.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { type HomeBatch, holdsSpilled, planHome } from '../protocol/spill-plan.ts'
import { planSwap } from '../protocol/swap-plan.ts'
import { crc32cText } from './checksum.ts'
import type { Committer } from './committer.ts'

const batchBytesMax = 64 * 1_024 * 1_024

export interface WayHomeOptions {
  readonly lake: Lake
  readonly log: CommitLog
  readonly committer: Committer
  readonly telemetry: Telemetry
  /** Aborted when nothing more is to be begun. */
  readonly signal: AbortSignal
}

/**
 * Copies spilled files to where they belong, batch by batch, each by a swap, why `move`; the copies
 * in the spill area go once those at home stand. A table that still refuses is passed over. Several
 * processes may be at it: one swap wins, the others take away what they staged.
 *
 * @throws {Fault} `LAKE_…`, `LOG_…`: try again later.
 */
export async function bringHome(options: WayHomeOptions): Promise<void> {
  const { log, committer, signal } = options
  // Nothing is asked of the lake while nothing lies in the spill area, as far as was folded.
  if (!holdsSpilled(log.state)) return
  const state = await log.refresh()
  const refusing = new Set<string>()
  const { publishedHere } = log
  const { standing } = committer
  for (const batch of planHome({ state, publishedHere, standing, batchBytesMax })) {
    if (signal.aborted) return
    if (refusing.has(batch.table)) continue
    if (!(await committer.takesAgain(batch.table))) {
      refusing.add(batch.table)
      continue
    }
    try {
      await bringBatch(options, batch)
    } catch (error) {
      // A file that is damaged is for a person to look at, and keeps no other from its way.
      if (isFault(error, 'LAKE_FILE_UNREADABLE')) {
        options.telemetry.log.error('spilled file not brought home', { reason: error.message })
      } else if (isFault(error, 'LAKE_REFUSED')) refusing.add(batch.table)
      else throw error
    }
  }
}

async function bringBatch(options: WayHomeOptions, batch: HomeBatch): Promise<void> {
  const { log, committer, telemetry } = options
  const files: SealedFile[] = []
  for (const file of batch.files) {
    const copy = await copyOf(options, file)
    if (copy === undefined) return
    files.push(copy)
  }
  const { state, publishedHere } = log
  const inputs = batch.files.map(({ path }) => path)
  const commitId = log.nextCommitId()
  const { stream, partitionPath, table } = batch
  const { standing } = committer
  const facts = { state, publishedHere, standing, commitId, stream, partitionPath, inputs }
  const plan = planSwap({ ...facts, why: 'move' })
  if (plan.kind !== 'swap') return
  const outcome = await committer.swap({ ...plan.swap, reason: '', lostRowCount: 0, files })
  if (outcome.kind !== 'committed') return
  const { entry } = outcome
  telemetry.log.info('spilled files brought home', { table, partitionPath, entry, files: inputs })
}

/**
 * The file in memory, checked.
 *
 * @returns undefined where it is gone because somebody has brought it home.
 * @throws {Fault} `LAKE_FILE_UNREADABLE`: it is not what was written.
 */
async function copyOf(
  { lake, log }: WayHomeOptions,
  file: DataFile,
): Promise<SealedFile | undefined> {
  const { path, stagedPath: _before, ...told } = file
  const bytes = await lake.read(path)
  if (bytes === undefined) {
    if (!isLive(await log.refresh(), file)) return undefined
    throw new Fault('LAKE_FILE_UNREADABLE', { path, reason: 'it is not there' })
  }
  const checksum = crc32cText(bytes)
  if (checksum !== told.crc32c) {
    const reason = `crc32c ${checksum}, ${told.crc32c} in the log`
    throw new Fault('LAKE_FILE_UNREADABLE', { path, reason })
  }
  return { ...told, chunks: [bytes], release: () => {} }
}

const isLive = (state: CommitLog['state'], { stream, partitionPath, path }: DataFile): boolean =>
  state.streams
    .get(stream)
    ?.partitions.get(partitionPath)
    ?.files.some((file) => file.path === path) ?? false
