/** Decides which open pages are closed before they are full, for the memory they take. */
import { present } from '../base/assert.ts'
import type { PartitionWriter } from './partition-writer.ts'

/**
 * Capacities of pages are powers of two. A smaller page is not worth closing: it costs as much time
 * as a large one, and where there are no others a commit is due.
 */
const leastBytesFrom = 262_144
const leastBytesTo = 32_768

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

/** The kernel's memory: open pages and dictionaries of all files, events that wait, input. */
export interface BuilderMemory {
  readonly takenBytes: number
  /** The same at its highest: it never shrinks. */
  readonly everTakenBytes: number
  /** Pages are closed above it. */
  readonly takenBytesMax: number
  /** While it is, files begin with smaller dictionaries. */
  isShort: boolean
  /** Has so many bytes more wait for builders, as far as there are. */
  growBy(bytes: number): void
}

/** Of the most that may be taken: what comes free at once, so that not each load closes pages. */
const reliefShare = 1 / 8
/** Of the most that may be taken: what is taken anew until pages are looked for again. */
const retryShare = 1 / 16
/** Of the most that may be taken: from here on memory is short. */
const shortShare = 1 / 4
/** What files of a few streams take whatever the budget. */
const shortBytesLeast = 33_554_432

/** Of the most that may be taken, and up to some bytes: what waits for the hour's turn. */
const turnShare = 1 / 4
const turnBytesMax = 8_388_608
const mebibyte = 1_048_576

/** Has pages closed while builders take more than they may. */
export class PageRelief {
  readonly #builders: BuilderMemory
  readonly #writers: () => readonly PartitionWriter[]
  /** What was taken when pages had been closed, while that is more than may be. */
  #relievedTo = 0
  /** What was had for the hour's turn. */
  #turnBytes = 0

  constructor(builders: BuilderMemory, writers: () => readonly PartitionWriter[]) {
    this.#builders = builders
    this.#writers = writers
  }

  /** To be called often: nearly always there is nothing to do. */
  give(): 'pages-closed' | 'nothing-done' {
    const { takenBytes, takenBytesMax } = this.#builders
    this.#builders.isShort = takenBytes > Math.max(takenBytesMax * shortShare, shortBytesLeast)
    if (takenBytes <= takenBytesMax) this.#relievedTo = 0
    const limit = Math.max(takenBytesMax, this.#relievedTo + takenBytesMax * retryShare)
    if (takenBytes <= limit) return 'nothing-done'
    this.#closePages()
    return 'pages-closed'
  }

  /**
   * To be called before files are sealed. When the hour turns, files of two hours are open at a
   * time: what a process takes then it takes from its first commits on.
   *
   * @param hourBytes what builders of one hour's files hold.
   */
  beforeSeal(hourBytes: number): void {
    const { takenBytesMax } = this.#builders
    const wanted = Math.min(hourBytes, turnBytesMax, takenBytesMax * turnShare)
    // In whole steps: what is wanted a little more of each time is had once.
    const turnBytes = Math.ceil(wanted / mebibyte) * mebibyte
    if (turnBytes <= this.#turnBytes) return
    this.#builders.growBy(turnBytes - this.#turnBytes)
    this.#turnBytes = turnBytes
  }

  #closePages(): void {
    const { takenBytes, takenBytesMax } = this.#builders
    const writers = this.#writers()
    const heldBy = (leastBytes: number): readonly number[] =>
      writers.map((writer) => writer.openPageBytes(leastBytes))
    const wantedBytes = takenBytes - takenBytesMax * (1 - reliefShare)
    const { files, leastBytes } = planRelief(heldBy, wantedBytes)
    for (const index of files) writers[index]?.closePages(leastBytes)
    this.#relievedTo = this.#builders.takenBytes
  }
}
