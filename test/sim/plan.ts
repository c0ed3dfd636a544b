/**
 * What may go wrong in one run. Each seed turns a random part of all faults on: some bugs show only
 * where others of the world's faults are absent.
 */
import { present } from '../../src/base/assert.ts'
import type { LakeKind } from './lake.ts'
import type { SimRandom } from './random.ts'

/** What happens to processes and to brokers, at moments that the world draws. */
const fateKinds = [
  /** A process ends, at any moment or within a call to the lake, and another one begins. */
  'kill',
  /** A drain, beside which everything else goes on. */
  'drain',
  /** A process ends in the midst of its drain. */
  'kill-in-drain',
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
  /** Answers to one process's conditional puts are lost, before the effect or after it. */
  'put-answers-lost',
  /** One table takes no file from anybody for a while: a quota. */
  'table-refuses',
  /** The wall clock of one machine is set. */
  'clock-jump',
  /** Records are delivered again that were delivered before. */
  'redelivery',
  /** Another broker leads a topic-partition: silence, then a higher epoch. */
  'leader-change',
  /** Records are gone that were committed long ago. */
  'retention',
  /** Entries of the log are gone that stand below a checkpoint. */
  'old-entries-deleted',
  /** A writer that knows nothing of the protocol puts an entry that does not hold. */
  'faulty-writer',
  /** A file with a name of ours lies in a table, and no entry knows it. */
  'stray-file',
] as const
export type FateKind = (typeof fateKinds)[number]

/** What happens to single calls. */
const callKinds = [
  'lake-request-lost',
  'lake-answer-lost',
  'lake-lands-late',
  'lake-slow',
  'lake-list-in-pages',
  /** Calls are refused until there were few for a while. */
  'lake-throttled',
  /** What a call that failed was writing is held for a minute: nobody else may write it. */
  'lake-lease',
  /** Time passes between a decision and its put. */
  'put-after-a-pause',
  /** Writers put entries at the same moment. */
  'puts-at-once',
  /** A late row is written, and often published, while its partition's folder is looked at. */
  'late-while-listed',
  /** Two cleaners of staging work beside a journal that is on its way. */
  'cleaned-while-staged',
  /** A bucket turns a conditional put away, since another one is under way at its key: 409. */
  's3-put-conflict',
  /** A conditional put's answer is lost, and the next one says that something stands: 412. */
  's3-own-put-stands',
  /** So does a file's completion. */
  's3-own-file-stands',
  'broker-slow',
  'broker-silent',
  'broker-partial',
  /** A record is appended after leaders were asked for their ends, and before they answer. */
  'record-while-asked',
  'fetch-slow',
  /** An answer ends in the midst of a batch. */
  'fetch-torn',
  'webhook-request-lost',
  'webhook-answer-lost',
] as const

/** What producers do. */
const recordKinds = ['late-records', 'aborted-transactions', 'quiet-partition'] as const

/** What operators do, and what makes them do it; and the rest of what receivers do. */
const outsideKinds = [
  /** Records are gone that nobody has read: an operator goes on behind them. */
  'unread-retention',
  /** An operator gives up a commit that is staged, which its writer may be about to put. */
  'commit-forgotten',
  /** An operator sets the position of a topic-partition by hand, back or forth. */
  'source-reset',
  /** A file that was decided goes before it is published. */
  'files-lost',
  /** The newest entry of the log is torn, while daemons are stopped. */
  'entry-unreadable',
  /** A topic gets a partition more. */
  'partition-added',
  /** A topic is deleted and made anew, with another id: an operator accepts it. */
  'topic-recreated',
  /** The receiver of announcements answers that it takes none. */
  'webhook-refused',
  /** It takes its time: its answer comes when nobody waits for it any more. */
  'webhook-slow',
] as const

/** What happens to calls of a metastore, where a world has one. */
const metastoreKinds = [
  'metastore-request-lost',
  'metastore-answer-lost',
  /** A call has its effect when nobody waits for it any more. */
  'metastore-slow',
  'metastore-down',
  /** Somebody adds a partition before we do, or takes away what was just said of one. */
  'metastore-altered',
] as const

export const faultKinds = [
  ...fateKinds,
  ...callKinds,
  ...recordKinds,
  ...outsideKinds,
  ...metastoreKinds,
] as const
export type FaultKind = (typeof faultKinds)[number]

/**
 * How event time goes. `fast`: hours end while seconds pass, long behind the lake's clock. `live`:
 * beside the lake's clock, around the end of one hour, so that delays decide.
 */
export type Pace = 'fast' | 'live'

export interface Plan {
  readonly faults: ReadonlySet<FaultKind>
  readonly fates: readonly FateKind[]
  /** Draws of fate before everything settles. */
  readonly stepCount: number
  /** Steps at the beginning in which nothing goes wrong: the log has grown when it does. */
  readonly quietStarts: number
  /** Once all has settled another daemon takes over, from what stands on the lake alone. */
  readonly hasAfterlife: boolean
  /** The step before which nothing comes for so long that what is quiet is proved to be. */
  readonly lullsIn: number | undefined
  readonly daemonCount: number
  readonly partitionCount: number
  /** Announcements go to a webhook and a file on the lake. */
  readonly notifies: boolean
  /** When a metastore is shown partitions; undefined: there is none. */
  readonly metastore: 'first-commit' | 'ready' | undefined
  /** Entries between two checkpoints. */
  readonly checkpointEvery: number
  /** Daemons delete entries so long after a checkpoint was made over them; undefined: never. */
  readonly keepMs: number | undefined
  /** Daemons close a partition so long after its announcement; undefined: never. */
  readonly closeAfterMs: number | undefined
  /** Longer bodies of entries are objects of their own; undefined: as daemons do by themselves. */
  readonly inlineBytesMax: number | undefined
  readonly lake: LakeKind
  /** Files go on from commit to commit. */
  readonly grows: boolean
  /** The step before which the topic is made anew, where it is. */
  readonly recreatesIn: number
  readonly pace: Pace
  /** Of the first hour that ends, after the beginning; where the pace is live. */
  readonly hourEndsInMs: number
  /** What becomes of late rows, by stream. */
  readonly late: LatePolicies
  /** `ready.emptyRunMax` of both streams. */
  readonly emptyRunMax: number
  /** Event time leaps forward by so much after the first events; 0: it does not. */
  readonly leapMs: number
  /** `alignment.maxSkew` of both streams; undefined: they are not aligned. */
  readonly maxSkewMs: number | undefined
}

const latePolicies = ['append', 'divert', 'dead-letter'] as const
export type LatePolicies = Readonly<Record<'even' | 'odd', (typeof latePolicies)[number]>>

/** Follows from a number that is drawn anyway: worlds go as they went without it. */
function latePoliciesOf(drawn: number): LatePolicies {
  const at = (digit: number) => present(latePolicies[digit % latePolicies.length], 'a policy')
  return { even: at(drawn), odd: at(Math.floor(drawn / latePolicies.length)) }
}

/** As configured without a word: no world has so long a gap. */
const emptyRunMaxUsual = 744
/** Of worlds that skip: longer than some of the gaps that they allow. */
const leapMs = 4 * 3_600_000

/** In half of all worlds short runs alone are announced; follows from what is drawn anyway. */
function gapsOf(drawn: number): Pick<Plan, 'emptyRunMax' | 'leapMs'> {
  if (drawn % 2 !== 0) return { emptyRunMax: emptyRunMaxUsual, leapMs: 0 }
  return { emptyRunMax: 1 + (Math.floor(drawn / 2) % 3), leapMs }
}

/** Of worlds that align; twice as far as rows are out of order. */
const maxSkewsMs = { fast: 600_000, live: 10_000 } as const

/** Of files with leases, and of buckets: on in every world that has such a lake. */
const ofOneLake = [
  'lake-lease',
  's3-put-conflict',
  's3-own-put-stands',
  's3-own-file-stands',
] as const satisfies readonly FaultKind[]
/** The file system of one machine has the fewest troubles of its own. */
const lakeKinds = ['file', 's3', 's3', 'hdfs', 'hdfs'] as const

/** How many of all faults are on: with few of them the same one comes again and again. */
const faultShares = [0.4, 0.7, 0.95] as const

/** Of the worlds, and of those that have one. */
const metastoreShare = 0.5
const metastoreFaultShare = 0.8

/** Less of a plan than its seed draws: to find what a failure needs. */
export interface PlanCut {
  readonly without: ReadonlySet<FaultKind>
  readonly stepsMax: number
}

export const uncut: PlanCut = { without: new Set(), stepsMax: Number.POSITIVE_INFINITY }

/** What a plan is drawn from, each apart: worlds go as they went without what the others draw. */
export interface PlanChances {
  readonly random: SimRandom
  /** What operators and receivers do. */
  readonly outside: SimRandom
  /** What concerns a metastore. */
  readonly metastore: SimRandom
}

export function planOf(chances: PlanChances, { without, stepsMax }: PlanCut): Plan {
  const plan = drawnPlan(chances)
  return {
    ...plan,
    faults: new Set([...plan.faults].filter((kind) => !without.has(kind))),
    fates: plan.fates.filter((kind) => !without.has(kind)),
    stepCount: Math.min(plan.stepCount, stepsMax),
  }
}

function drawnPlan({ random, outside, metastore }: PlanChances): Plan {
  const share = present(faultShares[random.below(3)], 'a share')
  const inside = [...fateKinds, ...callKinds, ...recordKinds]
  const faults = new Set<FaultKind>(inside.filter(() => random.fraction() < share))
  for (const kind of outsideKinds) {
    if (kind !== 'topic-recreated' && outside.fraction() < share) faults.add(kind)
  }
  for (const kind of ofOneLake) faults.add(kind)
  const drawn = {
    faults,
    fates: fateKinds.filter((kind) => faults.has(kind)),
    stepCount: 4 + random.below(6),
    quietStarts: random.below(3),
    lullsIn: random.fraction() < 0.4 ? 1 + random.below(4) : undefined,
    daemonCount: 1 + random.below(2),
    partitionCount: 1 + random.below(3),
    notifies: random.fraction() < 0.6,
    checkpointEvery: present([2, 3, 5, 200][random.below(4)], 'an interval'),
    inlineBytesMax: random.fraction() < 0.4 ? 600 : undefined,
    lake: present(lakeKinds[random.below(lakeKinds.length)], 'a lake'),
    pace: random.fraction() < 0.65 ? 'fast' : 'live',
    hourEndsInMs: random.below(20_000),
    keepMs: random.fraction() < 0.5 ? random.below(10_000) : undefined,
    hasAfterlife: random.fraction() < 0.2,
  } as const
  const closeAfterMs = outside.fraction() < 0.8 ? outside.below(12_000) : undefined
  // Follows from what is drawn anyway, like the next: worlds go as they went without it.
  const grows = drawn.lake === 'hdfs' && drawn.hourEndsInMs % 3 !== 0
  if (drawn.hourEndsInMs % 10 < 4) faults.add('topic-recreated')
  const recreatesIn = 1 + (drawn.hourEndsInMs % drawn.stepCount)
  const late = latePoliciesOf(drawn.hourEndsInMs)
  const maxSkewMs = drawn.hourEndsInMs % 7 < 3 ? maxSkewsMs[drawn.pace] : undefined
  const gaps = gapsOf(drawn.hourEndsInMs)
  const register = registerOf(metastore, faults)
  const own = { closeAfterMs, grows, recreatesIn, late, maxSkewMs, ...gaps }
  return { ...drawn, ...own, metastore: register }
}

function registerOf(random: SimRandom, faults: Set<FaultKind>): Plan['metastore'] {
  if (random.fraction() >= metastoreShare) return undefined
  for (const kind of metastoreKinds) if (random.fraction() < metastoreFaultShare) faults.add(kind)
  return random.fraction() < 0.5 ? 'first-commit' : 'ready'
}
