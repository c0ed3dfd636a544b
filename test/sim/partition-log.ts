/** One partition's log of the simulated Kafka. */
import type { Offset } from '../../src/model/offset.ts'
import type { OffsetPosition } from '../../src/ports/source.ts'

interface SimBatch {
  readonly first: bigint
  readonly next: bigint
  readonly maxTimestampMs: number
  readonly bytes: Buffer
}

export interface SimLog {
  readonly batches: SimBatch[]
  readonly aborted: { readonly producerId: bigint; readonly first: Offset }[]
  end: bigint
  start: bigint
  /** What readers see at most; undefined shows everything. */
  held: bigint | undefined
  leaderEpoch: number
  /** Nobody leads it for the moment: nobody answers for it. */
  leaderless: boolean
}

const fetchBytesMax = 1_048_576

export const newLog = (): SimLog => {
  const leader = { leaderEpoch: 0, leaderless: false }
  return { batches: [], aborted: [], end: 0n, start: 0n, held: undefined, ...leader }
}

/** The batches of the next answer: whole, from the one that contains `position`. */
export function visible(log: SimLog, position: bigint): readonly Buffer[] {
  const end = log.held ?? log.end
  const wanted: Buffer[] = []
  let sizeBytes = 0
  for (const batch of log.batches) {
    if (batch.next <= position) continue
    if (batch.next > end || (sizeBytes > 0 && sizeBytes + batch.bytes.length > fetchBytesMax)) break
    wanted.push(batch.bytes)
    sizeBytes += batch.bytes.length
  }
  return wanted
}

/**
 * An answer that ends in the midst of a batch; the first is always whole.
 *
 * @param whole batches before it, at least one.
 */
export function torn(batches: readonly Buffer[], whole: number): readonly Buffer[] {
  const last = batches[whole]
  if (last === undefined) return batches
  return [...batches.slice(0, whole), last.subarray(0, last.length >> 1)]
}

export function offsetAt(log: SimLog, position: OffsetPosition): bigint {
  if (position === 'earliest') return log.start
  const end = log.held ?? log.end
  if (position === 'latest') return end
  return log.batches.find((batch) => batch.maxTimestampMs >= position)?.first ?? end
}
