/**
 * The facts of readiness as a reading command can know them: from the log, the lake, and brokers
 * asked once. What only a daemon knows is left out.
 */
import { isFault } from '../base/fault.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import { lakeLane } from '../daemon/pipeline.ts'
import { readyStreams } from '../daemon/stage-streams.ts'
import type { FoldedEvidence, FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import { nextOffset } from '../model/offset.ts'
import { type SourceKey, sourceKey, topicPartitionName } from '../model/topic-partition.ts'
import type { Lake } from '../ports/lake.ts'
import type { Source } from '../ports/source.ts'
import { judgeLength } from '../protocol/growth.ts'
import { stagingRoot } from '../protocol/log-paths.ts'
import type {
  FilesMissing,
  LakeTrouble,
  ReadinessFacts,
  ReadyStream,
} from '../protocol/readiness-facts.ts'
import { judgeSource, type LanePositions, remedyText } from '../protocol/source-judgement.ts'
import { type ReadinessSetup, readinessFacts } from '../readiness/facts.ts'
import { askParts, type BrokerParts } from './broker-parts.ts'
import type { Invocation } from './command.ts'
import { askBrokers, type Reading } from './reading.ts'
import { positionsOf } from './source-question.ts'

const kafkaTimeoutMs = 8_000

/** Commit intervals, and a grace, after which a log without a new entry counts as silent. */
const silentIntervals = 2
const silentGraceMs = 5_000

export interface ReadinessView {
  readonly facts: ReadinessFacts
  /** Why the brokers told nothing; undefined when they answered. */
  readonly kafkaSilence: string | undefined
}

/** @param streams whose open files are looked for on the lake. */
export async function viewReadiness(
  invocation: Pick<Invocation, 'files'>,
  reading: Reading,
  streams: readonly string[],
): Promise<ReadinessView> {
  const { config, lake, log } = reading
  const askedAtMs = log.lakeNowMs()
  const before = positionsOf(log.state)
  const ask = (source: Source): Promise<BrokerParts> => askParts(source, before)
  const outcome = await askBrokers(invocation, reading, kafkaTimeoutMs, ask)
  const answer = outcome.kind === 'answered' ? outcome.answer : undefined
  // The brokers were asked after the log was read: what is committed since is no lag.
  const fold = await log.refresh()
  const setup: ReadinessSetup = {
    pipeline: config.pipeline,
    lakeUrl: config.lakeUrl,
    lane: lakeLane,
    commitIntervalMs: config.commit.interval,
    streams: () => readyStreams(config),
    ends: () => endsOf(answer, askedAtMs),
    assigned: () => undefined,
    lakeTrouble: () => undefined,
    refused: () => refusedOf(before, positionsOf(fold), answer),
  }
  const metadata = answer && { ...answer.metadata, askedAtMs }
  const filesMissing = await missingOf(lake, fold, streams)
  const published = await publishedOf(lake, fold)
  const facts = { ...readinessFacts(setup, log, { metadata, filesMissing }), ...published }
  return { facts, kafkaSilence: outcome.kind === 'silent' ? outcome.why : undefined }
}

function endsOf(
  answer: BrokerParts | undefined,
  askedAtMs: UnixMs,
): ReadonlyMap<SourceKey, FoldedEvidence> {
  const ends = new Map<SourceKey, FoldedEvidence>()
  for (const source of answer?.metadata.sources ?? []) {
    const key = sourceKey(source)
    const highWatermark = answer?.ends.get(key)
    if (highWatermark === undefined) continue
    ends.set(key, { source, highWatermark: nextOffset(highWatermark), askedAtMs })
  }
  return ends
}

/**
 * Topic-partitions that a daemon refuses to read, by name, with the way on.
 *
 * Judged by where the log stood before the brokers were asked. What was committed or moved since
 * does not stand still.
 */
function refusedOf(
  before: LanePositions,
  now: LanePositions,
  answer: BrokerParts | undefined,
): ReadonlyMap<string, string> {
  const refused = new Map<string, string>()
  for (const part of answer?.parts ?? []) {
    const key = sourceKey(part.source)
    const judged = judgeSource(before, part)
    if (judged.kind !== 'another' && judged.kind !== 'lost') continue
    if (before.get(key)?.commitId !== now.get(key)?.commitId) continue
    refused.set(topicPartitionName(part.source), remedyText(judged.fault))
  }
  return refused
}

/** Files that stand, and commits of which all do, though no entry says so yet. */
async function publishedOf(
  lake: Lake,
  fold: FoldState,
): Promise<Pick<ReadinessFacts, 'publishedHere' | 'standing'>> {
  const publishedHere = new Set<CommitId>()
  const standing = new Set<string>()
  for (const { commitId, files } of fold.unpublished.values()) {
    const found = await Promise.all(files.map(({ path }) => lake.stat(path)))
    const there = files.filter((file, index) => {
      const foundBytes = found[index]?.sizeBytes
      return foundBytes !== undefined && judgeLength(fold, file, foundBytes).kind === 'stands'
    })
    for (const { stagedPath } of there) standing.add(stagedPath)
    if (there.length === files.length) publishedHere.add(commitId)
  }
  return { publishedHere, standing }
}

/** Files of open partitions that are published by the log's word and not there. */
async function missingOf(
  lake: Lake,
  fold: FoldState,
  streams: readonly string[],
): Promise<FilesMissing> {
  const open = new Set(
    [...fold.unpublished.values()].flatMap(({ files }) => files.map(({ path }) => path)),
  )
  const missing = new Map<string, number | undefined>()
  for (const stream of streams) {
    for (const { place, table, partition, files } of fold.streams
      .get(stream)
      ?.partitions.values() ?? []) {
      if (place !== 'open' || files.length === 0) continue
      const listed = await lake.list(`${table}/${partition.path}`)
      const sizes = new Map(listed.map(({ path, sizeBytes }) => [path, sizeBytes]))
      for (const { path, sizeBytes } of files) {
        const foundBytes = sizes.get(path)
        if (!open.has(path) && foundBytes !== sizeBytes) missing.set(path, foundBytes)
      }
    }
  }
  return missing
}

/** The lake's time of the newest entry of any writer; undefined before the first one. */
export function lastEntryMs({ writers }: FoldState): UnixMs | undefined {
  const times = [...writers.values()].map(({ lastEntryAtMs }) => lastEntryAtMs)
  return times.length === 0 ? undefined : unixMs(Math.max(...times))
}

/**
 * Whether the lake takes what a commit of this stream would stage.
 *
 * Tried only where the log has been silent for longer than a daemon at work would leave it: else a
 * refusal would only say that we may not write.
 */
export async function tryLake(
  reading: Reading,
  stream: ReadyStream,
  facts: ReadinessFacts,
): Promise<LakeTrouble | undefined> {
  const sinceMs = lastEntryMs(facts.fold)
  const silentMs = silentIntervals * facts.commitIntervalMs + silentGraceMs
  if (sinceMs === undefined || facts.lakeNowMs <= sinceMs + silentMs) return undefined
  const path = `${stagingRoot(stream.table)}/probe-${reading.log.writerId}/probe`
  try {
    await reading.lake.put(path, new Uint8Array(1))
    await reading.lake.remove(path)
    return undefined
  } catch (error) {
    if (!isFault(error, 'LAKE_REFUSED') && !isFault(error, 'LAKE_UNAVAILABLE')) throw error
    return { sinceMs, reason: error.message }
  }
}
