/**
 * The phase of a commit that a killed daemon was in, read from what it left on a local lake.
 * How each is recognised stands in docs/protocol.md.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import { SimTelemetry } from '../sim/telemetry.ts'

export const commitPhases = [
  'accumulating',
  'staged',
  'put in flight',
  'decided but unpublished',
  'published but unannounced',
] as const

export type CommitPhase = (typeof commitPhases)[number]

/** Folds a lake's log from outside, as any reader does. */
export async function foldOf(lakeFolder: string, pipeline: string): Promise<FoldState> {
  const log = await openCommitLog({
    lake: new LocalLake(`file:${lakeFolder}`),
    pipeline,
    clock: new SystemClock(),
    random: new SystemRandom(),
    telemetry: new SimTelemetry(),
    readOnly: true,
  })
  return log.state
}

const namesIn = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder) : []

/** Commits that are staged: those whose journal stands. */
export const stagedCommits = (lakeFolder: string, pipeline: string): readonly string[] =>
  namesIn(join(lakeFolder, '_lakeward', pipeline, '_staging'))
    .filter((name) => !name.startsWith('.'))
    .map((name) => name.replace(/(-spill)?\.json$/, ''))

/**
 * @param known staged commits and puts that stood before the killed daemon began.
 */
export async function phaseAfterKill(
  place: { lakeFolder: string; pipeline: string; table: string },
  known: { staged: ReadonlySet<string>; puts: ReadonlySet<string> },
): Promise<CommitPhase> {
  const { lakeFolder, pipeline, table } = place
  const fold = await foldOf(lakeFolder, pipeline)
  const open = [...fold.unpublished.values()].flatMap(({ files }) => files)
  const unpublished = open.filter(({ path }) => !existsSync(join(lakeFolder, path)))
  if (unpublished.length > 0) return 'decided but unpublished'
  const puts = putsIn(lakeFolder, pipeline).filter((name) => !known.puts.has(name))
  if (puts.length > 0) return 'put in flight'
  const decided = new Set(fold.unpublished.keys() as Iterable<string>)
  const staged = stagedCommits(lakeFolder, pipeline).filter(
    (name) => !known.staged.has(name) && !decided.has(name),
  )
  if (staged.length > 0) return 'staged'
  return isDue(fold, table) ? 'published but unannounced' : 'accumulating'
}

/** Puts of entries that have begun and whose outcome is open: their temporary files stand. */
export const putsIn = (lakeFolder: string, pipeline: string): readonly string[] =>
  namesIn(join(lakeFolder, '_lakeward', pipeline, 'log', '00000000')).filter((name) =>
    name.endsWith('.put'),
  )

/** A partition that ended by every committed watermark stands unannounced (delay 0). */
function isDue(fold: FoldState, stream: string): boolean {
  const folded = fold.streams.get(stream)
  if (folded === undefined) return false
  const watermarks = [...folded.progress.values()].map(({ eventWatermarkMs }) => eventWatermarkMs)
  const lowest = Math.min(...watermarks)
  return [...folded.partitions.values()].some(
    ({ place, partition }) => place === 'open' && partition.nextMs <= lowest,
  )
}
