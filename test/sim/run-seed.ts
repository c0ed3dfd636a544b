/** One seed: a world lives, and the lake it leaves behind is judged. */
import {
  foreignBody,
  lakeBehindMs,
  outOfOrdernessOf,
  strayBody,
  streams,
  topic,
} from './daemon-events.ts'
import {
  deliverDeadlineMs,
  metastoreRoot,
  metastoreTarget,
  readyDelayMs,
  readyIdleMs,
} from './daemon-process.ts'
import type { World } from './daemon-world.ts'
import { foundNames, type Judged, judgeLake } from './judge/lake-oracle.ts'
import type { JudgedMetastore } from './judge/metastore.ts'
import { metastoreLingersMs } from './metastore.ts'
import type { PlanCut } from './plan.ts'
import { webhookTarget } from './receiver.ts'

/** The world's class: of these sources, or of a patched copy of them. */
export type WorldClass = new (seed: number, cut?: PlanCut) => World

export interface SeedResult {
  readonly seed: number
  /** Everything that is wrong; empty when nothing is. */
  readonly wrong: readonly string[]
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>
  /** How often each state of the protocol was reached. */
  readonly states: Readonly<Record<string, number>>
  readonly cpuMs: number
}

/** The judge is always of these sources: what is judged may not judge itself. */
export async function runSeed(
  seed: number,
  MakeWorld: WorldClass,
  cut?: PlanCut,
): Promise<SeedResult> {
  const started = process.cpuUsage()
  const world = new MakeWorld(seed, cut)
  const { wrong, states } = await lived(world)
  const { user, system } = process.cpuUsage(started)
  const faults = Object.fromEntries(world.seen)
  return { seed, wrong, faults, states, cpuMs: (user + system) / 1_000 }
}

async function lived(world: World): Promise<Pick<SeedResult, 'wrong' | 'states'>> {
  const strayErrors: string[] = []
  const onStray = (error: unknown): void => {
    strayErrors.push(`nobody caught: ${String(error)}`)
  }
  process.on('unhandledRejection', onStray)
  try {
    await world.run()
    const { violations } = world
    if (violations.length > 0) return { wrong: violations, states: {} }
    const { wrong, found } = await judgeLake(judgedOf(world))
    const states = { ...found, ...loggedStates(world.logged) }
    return { wrong: [...wrong, ...strayErrors], states }
  } catch (error) {
    return { wrong: [...world.violations, String(error)], states: {} }
  } finally {
    process.off('unhandledRejection', onStray)
  }
}

/** What the judge is told of every world. */
export const worldFacts = {
  streams,
  strayBody,
  foreignBody,
  lakeBehindMs,
  deliverDeadlineMs,
  webhookTarget,
}

function judgedOf(world: World): Judged {
  const { store, pipeline, producer, plan, receiver, kafka, unreadableFiles } = world
  const { notifies, pace, late, closeAfterMs, emptyRunMax } = plan
  const starts = kafka.topic(topic)?.logs.map(({ start }) => start) ?? []
  const metastore = metastoreOf(world)
  const received = notifies ? receiver.received : undefined
  const { events } = producer
  const outOfOrdernessMs = outOfOrdernessOf(pace)
  const { settledAtMs, settledAtSet, addedAtMs, recreated } = world
  const spans = { readyDelayMs, readyIdleMs, outOfOrdernessMs, settledAtMs, settledAtSet }
  const drawn = { addedAtMs, recreated, late, closeAfterMs, emptyRunMax }
  const lost = { unreadableFiles, metastore }
  return { store, pipeline, events, ...lost, starts, received, ...drawn, ...spans, ...worldFacts }
}

function metastoreOf({ metastore, plan }: World): JudgedMetastore | undefined {
  if (metastore === undefined || plan.metastore === undefined) return undefined
  const { tables, partitions, written } = metastore
  const told = { target: metastoreTarget, register: plan.metastore, root: metastoreRoot }
  return { ...told, lingersMs: metastoreLingersMs, tables, partitions, written }
}

/** What daemons log when they come to a state that the lake does not show. */
const statesByLog: Readonly<Record<string, string>> = {
  'published for another writer': 'publishedForAnother',
  'staging removed': 'stagingRemoved',
  'old log entries removed': 'trimmed',
  'commit discarded': 'startedOver',
  'log overtaken by a checkpoint': 'beganAgain',
  'answer out of turn': 'outOfTurn',
  'table refuses: its files are spilled': 'spilled',
  'spilled files brought home': 'broughtHome',
  'commit not published': 'publishRefused',
  'file-quarantined': 'quarantined',
  'delivery-failed': 'deliveryFailed',
  'no start position yet': 'startWaited',
  'drain cut short': 'drainCutShort',
  'configuration adopted': 'configAdopted',
  'paused ahead': 'pausedAhead',
  'no more ahead': 'noMoreAhead',
  'partitions-skipped': 'gapSkipped',
  lost: 'lost',
  revoked: 'revoked',
}

/** All that is counted in seeds. */
export const stateNames: readonly string[] = [...foundNames, ...Object.values(statesByLog)]

const loggedStates = (logged: ReadonlyMap<string, number>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(statesByLog).map(([event, state]) => [state, logged.get(event) ?? 0]),
  )
