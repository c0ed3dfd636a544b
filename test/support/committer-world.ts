/** A lake whose log knows a topic-partition, and processes that commit to it. */
import { expect } from 'vitest'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import { SimClock } from '../sim/clock.ts'
import { SimLake } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { appendDraft, sealedCommit, startRange } from './log-samples.ts'

export const pipeline = 'growth'

export interface Process {
  readonly log: CommitLog
  readonly committer: Committer
  readonly telemetry: SimTelemetry
}

export interface World {
  readonly lake: SimLake
  readonly clock: SimClock
  readonly start: (seed: number) => Promise<Process>
}

/** A lake whose log knows topic-partition 0 from 0 on. */
export async function world(): Promise<World> {
  const clock = new SimClock()
  const lake = new SimLake({ clock })
  const start = async (seed: number): Promise<Process> => {
    const telemetry = new SimTelemetry()
    const options = { lake, pipeline, clock, random: new SimRandom(seed), telemetry }
    const log = await openCommitLog(options)
    return { log, telemetry, committer: new Committer({ ...options, log }) }
  }
  const { log } = await start(99)
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  return { lake, clock, start }
}

export const parquet = ({ lake }: World): readonly string[] =>
  [...lake.store.keys()].filter((path) => path.endsWith('.parquet'))
export const staging = ({ lake }: World): readonly string[] =>
  [...lake.store.keys()].filter((path) => path.includes('/_staging/'))

/** Decided, and its writer died before it published. */
export async function leaveUnpublished(sim: World, seed: number): Promise<void> {
  const { log, committer } = await sim.start(seed)
  const publish = sim.lake.publish.bind(sim.lake)
  const died = new Error('died')
  sim.lake.publish = () => Promise.reject(died)
  await expect(committer.commit(sealedCommit(log.nextCommitId(), 0, 5))).rejects.toBe(died)
  sim.lake.publish = publish
}
