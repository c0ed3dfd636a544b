/** What is done to whom next in a chaos run: pure, from what was done so far. */
import { type CommitPhase, commitPhases } from '../support/commit-phase.ts'

/**
 * `kill`: SIGKILL in a phase of a commit. `pause`: SIGSTOP in a phase, past the session timeout,
 * then SIGCONT. `broker`: SIGKILL of the broker, which starts again on its folder.
 */
export const blowKinds = ['kill', 'pause', 'broker'] as const

export type BlowKind = (typeof blowKinds)[number]

export interface Blow {
  readonly kind: BlowKind
  /** The phase in which the process is to be hit; of no meaning for the broker. */
  readonly phase: CommitPhase
}

/** Of each so many blows one is a pause and one hits the broker. */
const blockLength = 10

/**
 * @param done blows so far, oldest first, with the phase that was found after each SIGKILL or stop.
 * @param killsWanted blows altogether.
 * @param fraction draws a number in [0, 1).
 */
export function planBlow(done: readonly Blow[], killsWanted: number, fraction: () => number): Blow {
  const blockFirst = done.length - (done.length % blockLength)
  const left = Math.min(blockFirst + blockLength, killsWanted) - done.length
  const block = done.slice(blockFirst)
  const owed = (['pause', 'broker'] as const).filter((kind) => block.every((b) => b.kind !== kind))
  const drawn = fraction() * left
  const kind = owed[Math.floor(drawn)] ?? 'kill'
  return { kind, phase: rarestPhase(done, kind, fraction) }
}

/** Of the phases that were hit least by this kind, one by chance. */
function rarestPhase(done: readonly Blow[], kind: BlowKind, fraction: () => number): CommitPhase {
  const same = done.filter((blow) => blow.kind === kind)
  const hits = (phase: CommitPhase): number => same.filter((blow) => blow.phase === phase).length
  const least = Math.min(...commitPhases.map(hits))
  const rarest = commitPhases.filter((phase) => hits(phase) === least)
  return rarest[Math.floor(fraction() * rarest.length)] ?? 'staged'
}
