/** Decides which open pages are closed before they are full, for the memory they take. */
import { present } from '../base/assert.ts'

/** Capacities of pages are powers of two. A smaller page is not worth closing: it costs time. */
const leastBytesFrom = 262_144
const leastBytesTo = 16_384

export interface Relief {
  /** Files by index: of these the pages are closed that hold at least `leastBytes`. */
  readonly files: readonly number[]
  readonly leastBytes: number
}

/**
 * Picks the largest pages, wherever they are, until enough comes free: where a few of hundreds of
 * files get nearly all rows, the pages of the others stay open.
 *
 * @param heldBy what pages of at least so many bytes hold, of each file.
 * @returns all that can be had where there is not enough.
 */
export function planRelief(
  heldBy: (leastBytes: number) => readonly number[],
  wantedBytes: number,
): Relief {
  let leastBytes = leastBytesFrom
  let held = heldBy(leastBytes)
  while (sumOf(held) < wantedBytes && leastBytes > leastBytesTo) {
    leastBytes /= 2
    held = heldBy(leastBytes)
  }
  return { files: largestOf(held, wantedBytes), leastBytes }
}

const sumOf = (bytes: readonly number[]): number => bytes.reduce((sum, each) => sum + each, 0)

/** Indexes, largest first, until they hold enough together. */
function largestOf(heldBytes: readonly number[], wantedBytes: number): readonly number[] {
  const held = (index: number): number => present(heldBytes[index], 'an index of the list')
  const holders = heldBytes.flatMap((bytes, index) => (bytes > 0 ? [index] : []))
  holders.sort((one, other) => held(other) - held(one))
  let freed = 0
  const last = holders.findIndex((index) => {
    freed += held(index)
    return freed >= wantedBytes
  })
  return last === -1 ? holders : holders.slice(0, last + 1)
}
