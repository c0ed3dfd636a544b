/** A log as the real committer leaves it: each hour announced, closed at once, old entries gone. */
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { durationMs } from '../../src/base/time.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import { closeLate } from '../../src/committer/late-closer.ts'
import { trimLog } from '../../src/committer/log-keeper.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import type { Lake } from '../../src/ports/lake.ts'
import {
  appendDraft,
  namedFiles,
  sampleHour,
  sampleManifest,
  sealedCommit,
  startRange,
  stream,
} from '../../test/support/log-samples.ts'

const commitsPerHour = 20
const silent = {
  log: { error: () => {}, warn: () => {}, info: () => {} },
  metrics: { count: () => {}, gauge: () => {}, observe: () => {} },
}

export interface CommittedLog {
  readonly pipeline: string
  readonly commitCount: number
}

export async function commitForReal(
  lake: Lake,
  { pipeline, commitCount }: CommittedLog,
): Promise<{ readonly fileCount: number }> {
  const clock = new SystemClock()
  const random = new SystemRandom()
  const options = { lake, pipeline, clock, random, telemetry: silent }
  const log = await openCommitLog(options)
  const committer = new Committer({ ...options, log })
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  for (let number = 0; number < commitCount; number++) {
    const hour = Math.floor(number / commitsPerHour)
    const sealed = sealedCommit(log.nextCommitId(), number, number + 1)
    const outcome = await committer.commit(inHour(sealed, hour))
    if (outcome.kind !== 'committed') throw new Error(`commit ${number}: ${outcome.because}`)
    if (number % commitsPerHour !== commitsPerHour - 1) continue
    await log.put(appendDraft(log.nextCommitId()))
    await announce(log, hour)
    const shared = { lake, log, pipeline, telemetry: silent }
    await closeLate({ ...shared, closeAfterMs: () => durationMs(0) })
    await trimLog({ ...shared, keepMs: durationMs(0) })
  }
  return { fileCount: commitCount }
}

type Sealed = ReturnType<typeof sealedCommit>

function inHour(sealed: Sealed, hour: number): Sealed {
  const partition = sampleHour(hour)
  return {
    ...sealed,
    places: [{ stream, partition }],
    files: sealed.files.map((file) => ({ ...file, partitionPath: partition.path })),
    counts: sealed.counts.map((cell) => ({ ...cell, partition })),
  }
}

async function announce(log: CommitLog, hour: number): Promise<void> {
  const partition = sampleHour(hour)
  const folded = log.state.streams.get(stream)?.partitions.get(partition.path)
  const version = folded?.version
  const told = { ...sampleManifest(hour), ...namedFiles(folded?.files ?? []) }
  const manifest = { ...told, decidedAt: '1960-01-01T00:00:00.000Z' }
  const announcement = { stream, partition, version, manifest, targets: [] }
  const draft = { kind: 'ready' as const, announcements: [announcement] }
  const outcome = await log.put({ ...draft, commitId: log.nextCommitId() })
  if (outcome.kind !== 'decided') throw new Error(`hour ${hour}: ${outcome.because}`)
}
