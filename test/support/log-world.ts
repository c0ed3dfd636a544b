/** One simulated lake with a log that makes a checkpoint every ten entries. */
import { expect } from 'vitest'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import { entryPath, parseCheckpointPath } from '../../src/protocol/log-paths.ts'
import { SimClock } from '../sim/clock.ts'
import { SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import {
  appendDraft,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleRange,
  startRange,
  stream,
} from './log-samples.ts'

export const pipeline = 'growth'

export interface LogWorld {
  readonly lake: SimLake
  readonly clock: SimClock
  readonly telemetry: SimTelemetry
  readonly open: (seed: number, checkpointEvery?: number) => Promise<CommitLog>
}

export function logWorld(store: SimStore = new Map(), clock = new SimClock()): LogWorld {
  const lake = new SimLake({ clock, store })
  const telemetry = new SimTelemetry()
  const open = (seed: number, checkpointEvery = 10): Promise<CommitLog> => {
    const random = new SimRandom(seed)
    return openCommitLog({ lake, pipeline, clock, random, telemetry, checkpointEvery })
  }
  return { lake, clock, telemetry, open }
}

/**
 * Puts entries until the log has `next` of them: entry n covers the record n - 1.
 *
 * @param bodyEvery of so many entries one is large, and has a body of its own; none if not given.
 */
export async function putUntil(log: CommitLog, next: number, bodyEvery?: number): Promise<void> {
  await log.refresh()
  for (let at = log.state.next; at < next; at++) {
    const range = at === 0 ? startRange(0, 0) : sampleRange(0, at - 1, at)
    const id = log.nextCommitId()
    const isLarge = bodyEvery !== undefined && at % bodyEvery === 0
    const files = Array.from({ length: 200 }, (_, ordinal) => sampleFile(id, 13, ordinal))
    const large = {
      places: [{ stream, partition: sampleHour(13) }],
      body: { files, counts: [sampleCell(13, 2_000)] },
    }
    const outcome = await log.put(appendDraft(id, { ranges: [range], ...(isLarge ? large : {}) }))
    expect(outcome.kind).toBe('decided')
  }
}

/** Where the log goes on after each checkpoint that stands. */
export const checkpointsIn = (store: SimStore): readonly number[] =>
  [...store.keys()].flatMap((path) => parseCheckpointPath(path)?.next ?? []).sort((a, b) => a - b)

/** Whoever puts entry 5 next has folded to the tail, and sleeps while the world goes on. */
export function sleepBeforePut({ lake }: LogWorld, meanwhile: () => Promise<void>): void {
  const put = lake.putIfAbsent.bind(lake)
  lake.putIfAbsent = async (path, body) => {
    if (path === entryPath(pipeline, 5)) {
      lake.putIfAbsent = put
      await meanwhile()
    }
    return put(path, body)
  }
}
