/** Open pages of many files, which together take more than builders may. */
import { expect, test } from 'vitest'
import type { EtlModule } from '../../../src/ports/etl-module.ts'
import { openStages, seal, take } from '../../support/exporter-stages.ts'
import {
  eventsMs,
  fetched,
  fetchedNumbers,
  hourMs,
  numberRecord,
  numbersConfig,
  sourceAt,
} from '../../support/lane-world.ts'

const source = sourceAt(0)
const mebibyte = 1_048_576
/** Of a budget as small as this one. */
const takenBytesMax = 16 * mebibyte
const [hours, rowsEach] = [110, 64]
const teaching = 2_000
/** Of 2,500 bytes, and like no other. */
const textOf = (n: number): string => `${n}-`.padEnd(2_500, String(n))

/** Makes a row of each event, with what the event has. */
const same: EtlModule = {
  run: ({ count, payloads: rows, payloadNext: rowNext }) => {
    const eventRowNext = Int32Array.from({ length: count }, (_, n) => n + 1)
    return Promise.resolve({ kind: 'done', result: { rows, rowNext, eventRowNext, failures: [] } })
  },
  close: async () => {},
}

test.each([
  ['of the kernel alone', new Map<number, EtlModule>()],
  ['of a module', new Map([[0, same]])],
])('rows %s: the largest pages are closed early, and no row is missing', async (_, modules) => {
  const stages = openStages(await numbersConfig(), modules, 16 * mebibyte)
  // From it on files know that a dictionary is of no use: dictionaries are no pages.
  take(stages, fetchedNumbers(source, 0, teaching))
  await stages.modules.drain()
  seal(stages)
  let mostBytes = 0
  const told = new Set<number>()
  for (let hour = 0; hour < hours; hour++) {
    const first = teaching + hour * rowsEach
    const records = Array.from({ length: rowsEach }, (__, at) =>
      numberRecord({ n: first + at, text: textOf(first + at), eventMs: eventsMs - hour * hourMs }),
    )
    take(stages, fetched(source, first, records))
    await stages.modules.drain()
    mostBytes = Math.max(mostBytes, stages.kernel.takenBytes)
    told.add(stages.exporter.kernelBytes.builders)
  }
  // What accumulates is more than that: it lies compressed in pages that are closed.
  expect(mostBytes).toBeGreaterThan(takenBytesMax / 2)
  expect(mostBytes).toBeLessThanOrEqual(takenBytesMax)
  // What files hold is told as it is after each load.
  expect(told.size).toBeGreaterThan(hours / 2)
  const { files } = seal(stages)
  expect(files).toHaveLength(hours)
  expect(files.every(({ rowCount }) => rowCount === rowsEach)).toBe(true)
})

test('pages that are closed for rows that wait are not told as held any more', async () => {
  const stages = openStages(await numbersConfig(), new Map(), 48 * mebibyte)
  const { exporter, kernel } = stages
  take(stages, fetchedNumbers(source, 0, teaching))
  seal(stages)
  let next = teaching
  const takeRows = (hoursOf: readonly number[]): void => {
    const records = hoursOf.map((hour, at) =>
      numberRecord({ n: at, text: textOf(next + at), eventMs: eventsMs - hour * hourMs }),
    )
    take(stages, fetched(source, next, records))
    next += records.length
  }
  for (let hour = 0; kernel.takenBytes < 0.95 * takenBytesMax; hour++) {
    takeRows(Array.from({ length: rowsEach }, () => hour))
  }
  const before = exporter.kernelBytes.builders
  // So few of each file wait: nothing is written, and what they take is too much beside the pages.
  for (let load = 0; load < 2; load++) takeRows(Array.from({ length: 300 }, (_, at) => at % 40))
  const { builders } = exporter.kernelBytes
  expect(builders).toBeLessThan(before)
  expect(builders).toBeLessThanOrEqual(kernel.takenBytes)
})

test('when the hour turns, two files are open in memory that the process had before', async () => {
  const stages = openStages(await numbersConfig(), new Map(), 256 * mebibyte)
  const { kernel } = stages
  const [rowsOfCommit, rowsOfLoad] = [40_000, 4_000]
  let next = 0
  /** A commit of rows of so many hours, in turn. @returns the kernel's memory. */
  const commit = (hourCount: number): number => {
    for (const last = next + rowsOfCommit; next < last; next += rowsOfLoad) {
      const records = Array.from({ length: rowsOfLoad }, (_, at) =>
        numberRecord({
          n: next + at,
          // Of so many that they make a large dictionary.
          text: `${(next + at) % 30_000}`.padEnd(30, 'text '),
          eventMs: eventsMs - (at % hourCount) * hourMs,
        }),
      )
      take(stages, fetched(source, next, records))
    }
    seal(stages)
    return kernel.memoryBytes
  }
  const settled = [commit(1), commit(1)].at(-1)
  expect(commit(2)).toBe(settled)
})
