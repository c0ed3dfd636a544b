import { expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { type WaitOutcome, type WaitParts, waitAnnounced } from '../../../src/cli/wait-announced.ts'
import { zeroCounts } from '../../../src/model/counts.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import { type FoldedStream, type FoldState, zeroChecksum } from '../../../src/model/fold-state.ts'
import { parseCommitId } from '../../../src/model/ids.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { SimClock } from '../../sim/clock.ts'
import { sampleHour, sampleManifest, stream, table } from '../../support/log-samples.ts'

const hour = 13
const asked = { stream, partition: sampleHour(hour) }
const silent = new Fault('LAKE_UNAVAILABLE', { operation: 'read', path: 'log', reason: 'EIO' })
const broken = new Fault('LOG_ENTRY_UNREADABLE', { path: 'log/7', reason: 'no JSON' })

/** A log that announced the partition at a revision; 0: not yet. */
function announcedAt(revision: number): FoldState {
  const { counts } = sampleManifest(hour)
  const manifest = revision === 0 ? undefined : { ...sampleManifest(hour, revision), logEntry: 7 }
  const place = revision === 0 ? ('open' as const) : ('announced' as const)
  const version = parseCommitId(`${'0'.repeat(32)}-1`)
  const { partition } = asked
  const folded = { table, partition, place, version, files: [], counts, revision, manifest }
  const partitions = new Map([[partition.path, folded]])
  const known = { progress: new Map(), partitions, announcedNextMs: undefined }
  return { ...emptyFold(), streams: new Map([[stream, known]]) }
}

/** The same once it is closed: its list has it, the state has it no more. */
function closed(): FoldState {
  const { startMs, nextMs } = asked.partition
  const sums = { partitionCount: 1, fileCount: 0, rowCount: 0, counts: zeroCounts }
  const known = {
    progress: new Map(),
    partitions: new Map(),
    announcedNextMs: nextMs,
    closed: { ...sums, firstMs: startMs, nextMs, checksum: zeroChecksum },
  }
  return { ...emptyFold(), streams: new Map([[stream, known]]) }
}

interface Waited {
  readonly outcome: WaitOutcome
  readonly seconds: number
  readonly troubles: readonly string[]
}

/** Each refresh of the log takes the next step: another state, or a fault. The last one stays. */
async function waited(
  steps: readonly (FoldState | Fault)[],
  more: Partial<Pick<WaitParts, 'timeoutMs' | 'signal'>> & { readonly revision?: number } = {},
): Promise<Waited> {
  const clock = new SimClock()
  const troubles: string[] = []
  let step = 0
  let state = emptyFold()
  const refresh = (): Promise<FoldState> => {
    const next = steps[Math.min(step++, steps.length - 1)] ?? state
    if (next instanceof Fault) return Promise.reject(next)
    state = next
    return Promise.resolve(state)
  }
  const log = {
    get state() {
      return state
    },
    refresh,
  }
  const parts: WaitParts = {
    log,
    clock,
    timeoutMs: more.timeoutMs,
    signal: more.signal ?? new AbortController().signal,
    onTrouble: ({ code }) => troubles.push(code),
  }
  const outcome = await clock.run(waitAnnounced(parts, asked, more.revision ?? 1))
  return { outcome, seconds: clock.monotonicMs() / 1_000, troubles }
}

test('waiting ends when the log announces the partition', async () => {
  const { outcome, seconds } = await waited([announcedAt(0), announcedAt(0), announcedAt(1)])
  expect(outcome).toMatchObject({ kind: 'announced', manifest: { revision: 1 } })
  expect(seconds).toBe(6)
})

test('a revision is waited for, and a newer one will do', async () => {
  const steps = [announcedAt(1), announcedAt(1), announcedAt(3)]
  const { outcome } = await waited(steps, { revision: 2 })
  expect(outcome).toMatchObject({ kind: 'announced', manifest: { revision: 3 } })
})

test('what is closed is waited for no longer: no revision of it comes any more', async () => {
  const { outcome, seconds } = await waited([announcedAt(1), closed()], { revision: 2 })
  expect([outcome, seconds]).toEqual([{ kind: 'closed' }, 4])
})

test('what lies in a gap that was told as one range is waited for no longer', async () => {
  const { startMs, nextMs } = asked.partition
  const skip = { firstMs: startMs, nextMs, partitionCount: 1, emptyRunMax: 1, entry: 7 }
  const folded = { progress: new Map(), announcedNextMs: nextMs, skipped: [skip] }
  const gapIn = (partitions: FoldedStream['partitions']): FoldState => ({
    ...emptyFold(),
    streams: new Map([[stream, { ...folded, partitions }]]),
  })
  const { outcome, seconds } = await waited([announcedAt(0), gapIn(new Map())])
  expect([outcome, seconds]).toEqual([{ kind: 'skipped', skip }, 4])
  // Rows that came to it will be announced.
  const open = announcedAt(0).streams.get(stream)?.partitions.get(asked.partition.path)
  const files = [{ path: 'late.parquet' } as DataFile]
  const late = new Map(open && [[asked.partition.path, { ...open, files }]])
  const came = await waited([gapIn(late), announcedAt(1)])
  expect(came.outcome).toMatchObject({ kind: 'announced' })
})

test('the time is kept to the millisecond, and the end looked at once more', async () => {
  const timeoutMs = durationMs(5_000)
  const late = await waited([announcedAt(0)], { timeoutMs })
  expect(late).toMatchObject({ outcome: { kind: 'overdue' }, seconds: 5 })
  const just = await waited([announcedAt(0), announcedAt(0), announcedAt(1)], { timeoutMs })
  expect(just).toMatchObject({ outcome: { kind: 'announced' }, seconds: 5 })
})

test('a lake that is silent for a while is told of once, and asked again', async () => {
  const steps = [silent, silent, announcedAt(0), silent, announcedAt(1)]
  const { outcome, troubles } = await waited(steps)
  expect(outcome.kind).toBe('announced')
  expect(troubles).toEqual(['LAKE_UNAVAILABLE', 'LAKE_UNAVAILABLE'])
})

test('an entry that cannot be read ends it', async () => {
  await expect(waited([announcedAt(0), broken])).rejects.toBe(broken)
})

test('a signal ends it', async () => {
  const { outcome } = await waited([announcedAt(0)], { signal: AbortSignal.abort() })
  expect(outcome).toEqual({ kind: 'stopped' })
})
