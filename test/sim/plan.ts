/**
 * What may go wrong in one run. Each seed turns a random part of all faults on: some bugs show only
 * where others of the world's faults are absent.
 */
import { present } from '../../src/base/assert.ts'
import type { SimRandom } from './random.ts'

/** What happens to processes, at moments that the world draws. */
const fateKinds = [
  /** A process ends, at any moment or within a call to the lake, and another one begins. */
  'kill',
  /** A drain, beside which everything else goes on. */
  'drain',
  /** A process is paused beyond its session and comes back without knowing. */
  'zombie',
  /** The group takes partitions away from one who does not notice for a while. */
  'theft',
  /** The session ends, and the process knows at once. */
  'expiry',
  /** A member more, or one less: partitions move in the middle of a batch. */
  'rebalance',
  /** One process loses sight of the lake. */
  'outage',
  /** The wall clock of one machine is set. */
  'clock-jump',
  /** Records are delivered again that were delivered before. */
  'redelivery',
  /** A writer that knows nothing of the protocol puts an entry that does not hold. */
  'faulty-writer',
] as const
export type FateKind = (typeof fateKinds)[number]

/** What happens to single calls. */
const callKinds = [
  'lake-request-lost',
  'lake-answer-lost',
  'lake-lands-late',
  'lake-slow',
  'lake-list-in-pages',
  'broker-slow',
  'broker-silent',
  'broker-partial',
  'webhook-request-lost',
  'webhook-answer-lost',
] as const

/** What producers do. */
const recordKinds = ['late-records', 'aborted-transactions', 'quiet-partition'] as const

export const faultKinds = [...fateKinds, ...callKinds, ...recordKinds] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Plan {
  readonly faults: ReadonlySet<FaultKind>
  readonly fates: readonly FateKind[]
  /** Draws of fate before everything settles. */
  readonly stepCount: number
  readonly daemonCount: number
  readonly partitionCount: number
  /** Announcements go to a webhook and a file on the lake. */
  readonly notifies: boolean
  /** Entries between two checkpoints. */
  readonly checkpointEvery: number
}

export function planOf(random: SimRandom): Plan {
  const faults = new Set(faultKinds.filter(() => random.fraction() < 0.55))
  return {
    faults,
    fates: fateKinds.filter((kind) => faults.has(kind)),
    stepCount: 4 + random.below(7),
    daemonCount: 1 + random.below(2),
    partitionCount: 1 + random.below(3),
    notifies: random.fraction() < 0.45,
    checkpointEvery: present([2, 5, 200][random.below(3)], 'an interval'),
  }
}
