import { counted } from '../../audit/check.ts'
import { type FoundLetters, findLateLetters, readLateLetters } from '../../audit/late-letters.ts'
import { durationMs, isoOf } from '../../base/time.ts'
import { Committer } from '../../committer/committer.ts'
import { otherConfig, type Replayed, replayLate } from '../../daemon/replay.ts'
import { addCounts, type Counts, filteredTotal, zeroCounts } from '../../model/counts.ts'
import { deadLetterStream } from '../../model/dead-letter.ts'
import type { FoldState } from '../../model/fold-state.ts'
import type { StoredLetters } from '../../model/letter-replay.ts'
import type { CommitLog } from '../../ports/commit-log.ts'
import { type CommandDefinition, type ExitCode, exitCode, type Invocation } from '../command.ts'
import {
  type Lakeside,
  openLakeside,
  openReading,
  streamArgument,
  writingOptions,
} from '../reading.ts'
import { withReadingParts } from '../refilling.ts'
import { repairOf, repairOptions } from '../repairing.ts'
import { inEachShard } from '../shards.ts'
import { withWritableLog } from '../writing.ts'

/** `lakeward dlq replay`: late dead letters of a stream into their partitions, each once. */
export const command: CommandDefinition = {
  arguments: [{ name: 'stream', description: 'its name in the configuration', required: true }],
  options: repairOptions,
  example: 'lakeward dlq replay app_events --why "the hour is to be whole, see OPS-14"',
  run: (invocation) => inEachShard(invocation, replay),
}

async function replay(invocation: Invocation): Promise<ExitCode> {
  const { isDryRun, why } = repairOf(invocation)
  if (isDryRun) {
    const { config, lake, log } = await openReading(invocation)
    const { name } = streamArgument(invocation, config)
    const found = await findLateLetters(lake, log.state, name)
    const { units } = found
    const because = units.length === 0 ? undefined : otherConfig(log.state, config)
    return answerDry(invocation, { units, because, notes: notesOf(log.state, found) })
  }
  const lakeside = await openLakeside(invocation)
  const done = await withWritableLog(invocation, lakeside, (log) =>
    replayIn(invocation, lakeside, log, why),
  )
  return answerDone(invocation, done)
}

interface Done {
  readonly replayed: readonly Replayed[]
  readonly notes: readonly string[]
}

async function replayIn(
  invocation: Invocation,
  lakeside: Lakeside,
  log: CommitLog,
  reason: string,
): Promise<Done> {
  const { config, lake } = lakeside
  const stream = streamArgument(invocation, config)
  const options = writingOptions(invocation, lakeside)
  const committer = new Committer({ ...options, log })
  // What an earlier one left undone when it was killed.
  await committer.publishPending(durationMs(0))
  const found = await findLateLetters(lake, log.state, stream.name)
  const { units } = found
  const notes = notesOf(log.state, found)
  if (units.length === 0) return { replayed: [], notes }
  const { signal = new AbortController().signal } = options
  const replayed = await withReadingParts(invocation, lakeside, ({ ports }) => {
    const read = (some: readonly StoredLetters[]) => readLateLetters(lake, log.state, some)
    return replayLate({ config, ports, log, committer, stream, reason, read, signal }, units)
  })
  return { replayed, notes }
}

/** What is left where it is, and why. */
function notesOf(state: FoldState, { others }: FoundLetters): readonly string[] {
  const closed = state.streams.get(deadLetterStream)?.closed
  const count = [...others.values()].reduce((sum, of) => sum + of, 0)
  const reasons = [...others.keys()].sort().join(', ')
  const many = counted(count, 'dead letter')
  return [
    ...(count === 0
      ? []
      : [`${many} of other reasons left (${reasons}): only late ones are taken in`]),
    ...(closed === undefined
      ? []
      : [`letters of days up to ${isoOf(closed.nextMs)} are closed, and stay where they are`]),
  ]
}

const none = 'no late dead letter is left to be taken in'

function answerDry(
  { output }: Invocation,
  found: {
    readonly units: readonly StoredLetters[]
    readonly because: string | undefined
    readonly notes: readonly string[]
  },
): ExitCode {
  const { units, because, notes } = found
  const letters = units.reduce((sum, { count }) => sum + count, 0)
  const many = `${counted(letters, 'late dead letter')} of ${counted(units.length, 'commit')}`
  const told = because === undefined ? `${many} would be taken in` : `${many}: ${because}`
  const commits = units.map(({ day, commitId, count }) => ({ day, commitId, count }))
  output.answer({ outcome: 'dry-run', letters, commits, because, notes }, [
    units.length === 0 ? none : told,
    ...notes,
  ])
  return because === undefined ? exitCode.done : exitCode.failed
}

function answerDone({ output }: Invocation, { replayed, notes }: Done): ExitCode {
  const entries = replayed.flatMap((one) =>
    one.kind === 'replayed'
      ? [{ entry: one.by, letters: one.letterCount, counts: one.counts }]
      : [],
  )
  const refused = replayed.flatMap(({ letterCount: letters, ...one }) =>
    one.kind === 'refused' ? [{ letters, because: one.because }] : [],
  )
  const isWhole = refused.length === 0
  output.answer({ outcome: isWhole ? 'replayed' : 'refused', entries, refused, notes }, [
    ...replayed.map(textOf),
    ...(replayed.length === 0 ? [none] : []),
    ...notes,
  ])
  return isWhole ? exitCode.done : exitCode.failed
}

function textOf(one: Replayed): string {
  const letters = counted(one.letterCount, 'late dead letter')
  if (one.kind === 'refused') return `${letters}: left as they are: ${one.because}`
  const sum = one.counts.reduce((all, { counts }) => addCounts(all, counts), zeroCounts)
  return `entry ${one.by}: ${letters}: ${fatesOf(sum).join(', ')}`
}

/** What became of the events, where there are any of it. */
function fatesOf(counts: Counts): readonly string[] {
  const fates: readonly (readonly [string, number])[] = [
    ['appended', counts.written],
    ['diverted, their partition is closed', counts.late],
    ['filtered', filteredTotal(counts)],
    ...Object.entries(counts.deadLettered).map(
      ([reason, count]) => [`dead letters again: ${reason}`, count] as const,
    ),
  ]
  return fates.flatMap(([fate, count]) => (count === 0 ? [] : [`${count} ${fate}`]))
}
