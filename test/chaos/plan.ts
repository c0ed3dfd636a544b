/** What is done to whom next in a chaos run: pure, from what was done so far. */
import { type CommitPhase, commitPhases } from '../support/commit-phase.ts'

/**
 * `kill`: SIGKILL in a phase of a commit. `pause`: SIGSTOP in a phase, past the session timeout,
 * then SIGCONT. `broker`, `store`: SIGKILL of the broker, or of the lake's server, which starts
 * again on its data. `datanode`, `namenode`: the same, of HDFS.
 */
export const blowKinds = ['kill', 'pause', 'broker', 'store', 'datanode', 'namenode'] as const

export type BlowKind = (typeof blowKinds)[number]

export interface Blow {
  readonly kind: BlowKind
  /** The phase in which the process is to be hit; of no meaning for the broker. */
  readonly phase: CommitPhase
}

export type LakeKind = 'file' | 's3' | 'hdfs'

/** What is in each block of so many blows once; the others are kills. */
interface Blocks {
  readonly length: number
  readonly owed: readonly BlowKind[]
  /** Those in which a worker can be found. */
  readonly phases: readonly CommitPhase[]
}

/** On S3, and on HDFS while it is short, nobody sees a put that is under way. */
const seenOnServers = commitPhases.filter((phase) => phase !== 'put in flight')

/** The servers of a lake are hit as often as its workers. */
export const blocksOn: Readonly<Record<LakeKind, Blocks>> = {
  file: { length: 10, owed: ['pause', 'broker'], phases: commitPhases },
  s3: {
    length: 3,
    owed: ['broker', 'store'],
    phases: seenOnServers,
  },
  hdfs: { length: 3, owed: ['datanode', 'namenode'], phases: seenOnServers },
}

/**
 * @param done blows so far, oldest first, with the phase that was found after each SIGKILL or stop.
 * @param killsWanted blows altogether.
 * @param fraction draws a number in [0, 1).
 */
export function planBlow(
  done: readonly Blow[],
  killsWanted: number,
  fraction: () => number,
  blocks: Blocks = blocksOn.file,
): Blow {
  const blockFirst = done.length - (done.length % blocks.length)
  const left = Math.min(blockFirst + blocks.length, killsWanted) - done.length
  const block = done.slice(blockFirst)
  const owed = blocks.owed.filter((kind) => block.every((b) => b.kind !== kind))
  const drawn = fraction() * left
  const kind = owed[Math.floor(drawn)] ?? 'kill'
  const same = done.filter((blow) => blow.kind === kind)
  return { kind, phase: rarestPhase(same, blocks.phases, fraction) }
}

/** Of the phases that were hit least, one by chance. */
function rarestPhase(
  same: readonly Blow[],
  phases: readonly CommitPhase[],
  fraction: () => number,
): CommitPhase {
  const hits = (phase: CommitPhase): number => same.filter((blow) => blow.phase === phase).length
  const least = Math.min(...phases.map(hits))
  const rarest = phases.filter((phase) => hits(phase) === least)
  return rarest[Math.floor(fraction() * rarest.length)] ?? 'staged'
}
