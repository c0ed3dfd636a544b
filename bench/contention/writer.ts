/**
 * One daemon's hold on the log, without Kafka: the real commit log, committer, commit loop,
 * announcer and outbox. What it commits is made up: a file a minute, of one topic-partition.
 */
import { durationMs, unixMs } from '../../src/base/time.ts'
import { adoptOrPutConfig } from '../../src/committer/adopt-config.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import { CommitLoop, type CommitSteps } from '../../src/daemon/commit-loop.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import type { SealedCommit } from '../../src/model/sealed-commit.ts'
import {
  clusterId,
  type SourcePartition,
  sourceKey,
  topicId,
} from '../../src/model/topic-partition.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import type { Lake } from '../../src/ports/lake.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import type { Random } from '../../src/ports/random.ts'
import type { Telemetry } from '../../src/ports/telemetry.ts'
import { partitionAt } from '../../src/protocol/calendar.ts'
import { Announcer } from '../../src/readiness/announcer.ts'
import { Outbox } from '../../src/readiness/outbox.ts'

const pipeline = 'bench'
const lane = 'lake'
const stream = 'events'
const recordsPerCommit = 1_000n
const checksum = 'the configuration of the benchmark'
/** As src/daemon/ has them. */
const announcePauseMs = durationMs(1_000)
const delivery = { deadlineMs: durationMs(60_000), pauseMs: durationMs(250) }
const utcHours = { by: 'hour', timezone: 'UTC' } as const

const sourceAt = (partition: number): SourcePartition => ({
  clusterId: clusterId('cluster'),
  topicId: topicId('id-of-events'),
  topic: 'events',
  partition,
})

export interface WriterPorts {
  readonly lake: Lake
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export interface WriterOptions {
  /** Of this writer among all: it reads the topic-partition of this number. */
  readonly index: number
  readonly writerCount: number
  readonly intervalMs: number
  /** Looks each second for what to announce, as a daemon does, and delivers it. */
  readonly announces: boolean
}

const readyStream = {
  name: stream,
  table: stream,
  topics: ['events'],
  scheme: utcHours,
  readyDelayMs: durationMs(300_000),
  idleMs: durationMs(600_000),
  lateEveryMs: durationMs(300_000),
  emptyRunMax: 744,
  targets: ['receiver'],
}

/** Runs until `signal` is aborted. */
export async function runWriter(
  options: WriterOptions,
  ports: WriterPorts,
  signal: AbortSignal,
): Promise<void> {
  const log = await openCommitLog({ pipeline, ...ports })
  const streams = [{ name: stream, table: stream, topics: ['events'] }]
  await adoptOrPutConfig(log, { checksum, streams })
  await putStartPositions(log, options.writerCount)
  const committer = new Committer({ pipeline, log, ...ports })
  const announcer = announcerOf(options, log, ports)
  const commits = new CommitLoop({
    intervalMs: durationMs(options.intervalMs),
    steps: stepsOf(options.index, log, committer, announcer),
    ...ports,
  })
  signal.addEventListener('abort', () => commits.stop(), { once: true })
  const outbox = new Outbox([receiverOf(ports.clock)], { log, ...ports }, delivery)
  const announcing = options.announces
    ? [announcer.run(signal, announcePauseMs), outbox.run(signal)]
    : []
  const pending = publishPending(committer, options.intervalMs, ports.clock, signal)
  await Promise.all([commits.run(), pending, ...announcing])
}

/** All topic-partitions in one entry, by whoever is first. */
async function putStartPositions(log: CommitLog, writerCount: number): Promise<void> {
  while (((await log.refresh()).positions.get(lane)?.size ?? 0) === 0) {
    const ranges = Array.from({ length: writerCount }, (_, partition) => ({
      lane,
      source: sourceAt(partition),
      expected: undefined,
      first: offset(0n),
      next: nextOffset(0n),
      leaderEpoch: 0,
    }))
    const body = { files: [], counts: [], progress: [], evidence: [] }
    const commitId = log.nextCommitId()
    await log.put({ kind: 'append', commitId, ranges, places: [], configVersion: 1, body })
  }
}

async function publishPending(
  committer: Committer,
  intervalMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await committer.publishPending(durationMs(2 * intervalMs))
    await clock.sleep(durationMs(intervalMs), signal)
  }
}

function stepsOf(
  index: number,
  log: CommitLog,
  committer: Committer,
  announcer: Announcer,
): CommitSteps {
  return {
    refresh: () => log.readOn(),
    seal: async () => sealed(log, sourceAt(index)),
    commit: (commit) => committer.commit(commit),
    committed: async () => announcer.nudge(),
    followLog: async () => {},
    startOver: () => Promise.reject(new Error('a range that only one writer covers was taken')),
  }
}

/** A minute of events, up to now. */
function sealed(log: CommitLog, source: SourcePartition): SealedCommit {
  const nowMs = log.lakeNowMs()
  const partition = partitionAt(nowMs, utcHours)
  const expected = log.state.positions.get(lane)?.get(sourceKey(source))?.next ?? nextOffset(0n)
  const next = nextOffset(expected + recordsPerCommit)
  const rowCount = Number(recordsPerCommit)
  const counts = { read: rowCount, written: rowCount, late: 0, lateAppended: 0 }
  return {
    commitId: log.nextCommitId(),
    ranges: [{ lane, source, expected, first: offset(expected), next, leaderEpoch: 0 }],
    places: [{ stream, partition }],
    configVersion: 1,
    files: [
      {
        stream,
        table: stream,
        partitionPath: partition.path,
        chunks: [Buffer.from('PAR1')],
        sizeBytes: 4,
        rowCount,
        crc32c: '0a1b2c3d',
        schemaVersion: 1,
        eventTimeMs: { min: partition.startMs, max: unixMs(Math.max(partition.startMs, nowMs)) },
        release: () => {},
      },
    ],
    counts: [{ stream, partition, counts: { ...counts, filtered: {}, deadLettered: {} } }],
    progress: [{ stream, source, eventWatermarkMs: nowMs }],
    evidence: [],
    unknownFields: [],
  }
}

function announcerOf(options: WriterOptions, log: CommitLog, ports: WriterPorts): Announcer {
  const sources = Array.from({ length: options.writerCount }, (_, at) => sourceAt(at))
  const setup = {
    pipeline,
    lakeUrl: ports.lake.url,
    lane,
    commitIntervalMs: durationMs(options.intervalMs),
    streams: () => [readyStream],
    ends: () => new Map(),
    assigned: () => new Set([sourceKey(sourceAt(options.index))]),
    lakeTrouble: () => undefined,
  }
  const metadata = async () => ({ clusterId: clusterId('cluster'), sources, missingTopics: [] })
  return new Announcer(setup, { log, brokers: { metadata }, ...ports })
}

const receiverOf = (clock: Clock): Notifier => ({
  target: 'receiver',
  readable: false,
  deliver: () => clock.sleep(durationMs(50)),
  readBack: async () => true,
  close: async () => {},
})
