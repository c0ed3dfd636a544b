import { counted } from '../../audit/check.ts'
import { openCommitLog } from '../../committer/commit-log.ts'
import { Committer } from '../../committer/committer.ts'
import {
  findLost,
  type GivenUp,
  giveUpLost,
  type LostFile,
  type LostFiles,
  lostByPartition,
  refusalToLose,
} from '../../committer/give-up-lost.ts'
import {
  type FileOrigins,
  type LostOfEntry,
  lostByEntry,
  type Refilled,
  refillLost,
  refusalOf,
} from '../../daemon/refill.ts'
import { planRefill } from '../../protocol/refill-plan.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  shardOption,
} from '../command.ts'
import {
  type Lakeside,
  openLakeside,
  openReading,
  type Reading,
  writingOptions,
} from '../reading.ts'
import { entriesBelow, fileOrigins, sourceOpener, withReadingParts } from '../refilling.ts'
import { dryRunOption, reasonOf, whyOption } from '../repairing.ts'

/**
 * `lakeward log refill`: makes the rows of files that were decided and are gone again from Kafka;
 * with `--lost` gives them up.
 */
export const command: CommandDefinition = {
  options: [
    configOption,
    shardOption,
    { flags: '--lost', description: 'gives up the rows, with their number, and reads nothing' },
    whyOption,
    { ...dryRunOption, description: 'puts nothing; what is still there is published' },
  ],
  example: 'lakeward log refill --why "the disk is gone, see OPS-12"',
  run: async (invocation) => {
    const isLost = flagOption(invocation, 'lost')
    if (flagOption(invocation, 'dryRun')) {
      const reading = await openReading(invocation)
      const lost = await findLost(reading.lake, reading.log)
      if (isLost) return answerLost(invocation, await judgedLost(reading, lostByPartition(lost)))
      const losses = lostByEntry(lost, await originsOf(reading, lost))
      return answerReadable(invocation, await judged(invocation, reading, losses))
    }
    const why = reasonOf(invocation)
    const lakeside = await openLakeside(invocation)
    const options = writingOptions(invocation, lakeside)
    const log = await openCommitLog(options)
    const { lake } = lakeside
    const lost = await findLost(lake, log)
    const committer = new Committer({ ...options, log })
    if (isLost) {
      const losses = lostByPartition(lost)
      return answerGivenUp(invocation, await giveUpLost({ lake, committer, log }, losses, why))
    }
    if (lost.length === 0) return answerRefilled(invocation, [])
    const origins = await originsOf(lakeside, lost)
    const losses = lostByEntry(lost, origins)
    const entries = await entriesOf(lakeside, losses)
    const { signal = new AbortController().signal } = options
    const done = await withReadingParts(invocation, lakeside, (parts) =>
      refillLost({ ...parts, log, committer, entries, origins, reason: why, signal }, losses),
    )
    return answerRefilled(invocation, done)
  },
}

const entriesOf = (
  lakeside: Lakeside,
  lost: readonly LostOfEntry[],
): ReturnType<typeof entriesBelow> =>
  entriesBelow(lakeside, new Set(lost.map(({ entry }) => entry)))

/** Nothing is looked for where nothing is lost. */
const originsOf = async (lakeside: Lakeside, lost: readonly LostFile[]): Promise<FileOrigins> =>
  lost.length === 0 ? new Map() : await fileOrigins(lakeside)

interface Judged {
  readonly lost: LostOfEntry
  /** Why it could not be read again; undefined where it could. */
  readonly because: string | undefined
}

/** What would become of each loss, as far as can be told without reading. */
async function judged(
  invocation: Invocation,
  lakeside: Lakeside,
  losses: readonly LostOfEntry[],
): Promise<readonly Judged[]> {
  if (losses.length === 0) return []
  const indexes = new Set(losses.map(({ entry }) => entry))
  const entries = await entriesBelow(lakeside, indexes)
  const openSource = await sourceOpener(invocation, lakeside)
  const refusals = new Map<number, string | undefined>()
  for (const index of indexes) {
    const plan = planRefill(index, entries.get(index), lakeside.config.checksum)
    const because = plan.kind === 'refuse' ? plan.because : undefined
    const isRead = plan.kind === 'read'
    refusals.set(index, isRead ? await refusalOf({ openSource }, plan.entry) : because)
  }
  return losses.map((lost) => ({ lost, because: refusals.get(lost.entry) }))
}

function answerReadable({ output }: Invocation, all: readonly Judged[]): ExitCode {
  const lost = all.map(({ lost: one, because }) => ({ ...shownOf(one), because }))
  output.answer({ outcome: 'dry-run', lost }, [
    ...all.map(({ lost: one, because }) =>
      because === undefined
        ? `${textOfEntry(one)} would be read again`
        : `${textOfEntry(one)} cannot be read again: ${because}`,
    ),
    ...noneIf(all.length === 0),
  ])
  return all.every(({ because }) => because === undefined) ? exitCode.done : exitCode.failed
}

function answerRefilled({ output }: Invocation, done: readonly Refilled[]): ExitCode {
  const lost = done.map(({ lost: one, ...rest }) => ({ ...shownOf(one), ...rest }))
  const isWhole = done.every(({ kind }) => kind === 'refilled')
  output.answer({ outcome: isWhole ? 'refilled' : 'refused', lost }, [
    ...done.map((one) =>
      one.kind === 'refilled'
        ? `${textOfEntry(one.lost)} are read again by entry ${one.by}`
        : `${textOfEntry(one.lost)} are not read again: ${one.because}`,
    ),
    ...noneIf(done.length === 0),
    ...(isWhole ? [] : ['"lakeward log refill --lost" gives up what cannot be read again']),
  ])
  return isWhole ? exitCode.done : exitCode.failed
}

interface JudgedLost {
  readonly lost: LostFiles
  /** Why it would not be given up; undefined where it would. */
  readonly because: string | undefined
}

async function judgedLost(
  { lake, log }: Reading,
  losses: readonly LostFiles[],
): Promise<readonly JudgedLost[]> {
  const judged: JudgedLost[] = []
  for (const lost of losses) {
    judged.push({ lost, because: await refusalToLose(lake, log.state, lost) })
  }
  return judged
}

function answerLost({ output }: Invocation, all: readonly JudgedLost[]): ExitCode {
  const lost = all.map(({ lost: one, because }) => ({ ...shown(one), because }))
  output.answer({ outcome: 'dry-run', lost }, [
    ...all.map(({ lost: one, because }) =>
      because === undefined
        ? `${textOf(one)} would be given up`
        : `${textOf(one)} would not be given up: ${because}`,
    ),
    ...noneIf(all.length === 0),
  ])
  return all.every(({ because }) => because === undefined) ? exitCode.done : exitCode.failed
}

function answerGivenUp({ output }: Invocation, done: readonly GivenUp[]): ExitCode {
  const lost = done.map(({ lost: loss, ...rest }) => ({ ...shown(loss), ...rest }))
  output.answer({ outcome: 'given-up', lost }, [
    ...done.map((one) =>
      one.kind === 'given-up'
        ? `${textOf(one.lost)} are given up by entry ${one.entry}`
        : `${textOf(one.lost)} are not given up: ${one.because}`,
    ),
    ...noneIf(done.length === 0),
  ])
  return done.every(({ kind }) => kind === 'given-up') ? exitCode.done : exitCode.failed
}

const noneIf = (isNone: boolean): readonly string[] => (isNone ? ['no decided file is gone'] : [])

const shown = ({ stream, partitionPath, rowCount, files }: LostFiles) => ({
  stream,
  partitionPath,
  rowCount,
  files: files.map(({ path }) => path),
})

const shownOf = (lost: LostOfEntry) => ({ entry: lost.entry, ...shown(lost) })

const textOf = ({ stream, partitionPath, rowCount, files }: LostFiles): string =>
  `${stream} ${partitionPath}: ${counted(rowCount, 'row')} of ${counted(files.length, 'file')}`

const textOfEntry = (lost: LostOfEntry): string => `entry ${lost.entry}: ${textOf(lost)}`
