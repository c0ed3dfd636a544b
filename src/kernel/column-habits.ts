/**
 * What files of a table have shown of its columns: a file that begins knows for which of them a
 * dictionary is of no use. To find that out takes hundreds of values, and the most memory that a
 * column ever needs; with hundreds of files of a few thousand rows it takes as long as the rest. It
 * knows as well how large the dictionaries become that are: their hashes need not grow to it.
 */
import type { KernelExports } from './kernel-exports.ts'

/** Values may change, and files become larger: one of so many looks anew. */
const filesPerLook = 8

export class ColumnHabits {
  readonly #habits: Uint16Array
  #files = 0

  constructor(leafCount: number) {
    this.#habits = new Uint16Array(leafCount)
  }

  /** Of a file that was opened and has no rows. */
  teach(calls: KernelExports, file: number): void {
    const looksAnew = this.#files % filesPerLook === 0
    this.#files += 1
    if (looksAnew) return
    for (const [column, habit] of this.#habits.entries()) {
      if (habit !== 0) calls.setColumnHabit(file, column, habit)
    }
  }

  /** Of a file that will have no more rows. */
  learn(calls: KernelExports, file: number): void {
    for (let column = 0; column < this.#habits.length; column++) {
      this.#habits[column] = calls.columnHabit(file, column)
    }
  }
}
