/** Processes that make one file of a partition longer and longer, on a lake that lets them. */
import { crc32c } from '@node-rs/crc32'
import { expect } from 'vitest'
import { present } from '../../src/base/assert.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import type { SealedCommit } from '../../src/model/sealed-commit.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import type { SimClock } from '../sim/clock.ts'
import { SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { judgeLog } from './judged-log.ts'
import { expectCoveredOnce, expectPublishedExactly } from './log-oracle.ts'
import { appendDraft, sampleHour, sealedCommit, startRange, stream } from './log-samples.ts'

export const pipeline = 'growth'

export interface Process {
  readonly lake: SimLake
  readonly log: CommitLog
  readonly committer: Committer
}

export async function startProcess(
  clock: SimClock,
  store: SimStore,
  options: { seed: number; signal?: AbortSignal; checkpointEvery?: number },
): Promise<Process> {
  const lake = new SimLake({ clock, store, kind: 'hdfs' })
  const random = new SimRandom(options.seed)
  const telemetry = new SimTelemetry()
  const { signal, checkpointEvery = 2 } = options
  const shared = { lake, pipeline, clock, random, telemetry, checkpointEvery }
  const all = signal === undefined ? shared : { ...shared, signal }
  const log = await openCommitLog(all)
  return { lake, log, committer: new Committer({ ...all, log }) }
}

export const liveFiles = ({ log }: Process): readonly DataFile[] =>
  log.state.streams.get(stream)?.partitions.get(sampleHour(13).path)?.files ?? []

/** The same commit, whose file is a tail of the one that is live. */
export function asTail(sealed: SealedCommit, live: DataFile): SealedCommit {
  const [file] = sealed.files
  const { chunks, sizeBytes, rowCount, crc32c: ownCrc, ...rest } = present(file, 'it has a file')
  const checksum = chunks.reduce((sum, chunk) => crc32c(chunk, sum), Number(`0x${live.crc32c}`))
  const grown = {
    sizeBytes: live.sizeBytes + sizeBytes,
    rowCount: live.rowCount + rowCount,
    crc32c: (checksum >>> 0).toString(16).padStart(8, '0'),
    eventTimeMs: live.eventTimeMs,
  }
  const base = { sizeBytes: live.sizeBytes, rowCount: live.rowCount }
  const alone = () => ({ chunks, sizeBytes, crc32c: ownCrc })
  const tail = { path: live.path, base, grown, alone }
  const told = { ...rest, chunks, sizeBytes, rowCount, crc32c: grown.crc32c, tail }
  return { ...sealed, files: [told] }
}

/** Commits the records `[first, next)`, going on with the file where it may. */
export async function commitNext(process: Process, first: number, next: number): Promise<string> {
  const { log, committer } = process
  const sealed = sealedCommit(log.nextCommitId(), first, next)
  const isOpen = [...log.state.unpublished.keys()].some((id) => !log.publishedHere.has(id))
  const live = liveFiles(process).at(-1)
  const goesOn = live !== undefined && !isOpen && !live.path.startsWith('_')
  return (await committer.commit(goesOn ? asTail(sealed, live) : sealed)).kind
}

export const ranges = [
  [0, 5],
  [5, 9],
  [9, 12],
] as const

/** A lake whose log knows where topic-partition 0 begins. */
export async function startedStore(clock: SimClock): Promise<SimStore> {
  const store: SimStore = new Map()
  const { log } = await startProcess(clock, store, { seed: 1 })
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  return store
}

export function expectOnce(store: SimStore, message: string): void {
  const judged = judgeLog(store, pipeline)
  expectCoveredOnce(judged, { 'growth.events/0': 12 })
  expectPublishedExactly(judged, store)
  const bodies = [...store].filter(([path]) => path.endsWith('.parquet'))
  const all = bodies.map(([, { body }]) => Buffer.from(body).toString()).join('')
  const written = all.match(/0:\[\d+,\d+\)/g)
  expect(written?.toSorted(), message).toEqual(['0:[0,5)', '0:[5,9)', '0:[9,12)'])
  const files = [...judged.state.streams.values()].flatMap(({ partitions }) =>
    [...partitions.values()].flatMap((partition) => partition.files),
  )
  for (const { path, crc32c: told } of files) {
    const checksum = crc32c(present(store.get(path), 'a live file stands').body)
    expect((checksum >>> 0).toString(16).padStart(8, '0'), message).toBe(told)
  }
}
