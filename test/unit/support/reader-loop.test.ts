import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { NoAnswer, ReaderLoop, type Seen } from '../../support/reader-loop.ts'

/** Looks come out as told, in order; the last one again and again. */
async function readerOf(...outcomes: readonly (Seen | Error)[]): Promise<ReaderLoop> {
  let asked = 0
  const reader = new ReaderLoop('one', async () => {
    const outcome = outcomes[Math.min(asked++, outcomes.length - 1)]
    if (outcome === undefined || outcome instanceof Error) throw outcome
    return outcome
  })
  await eventually('all are taken', 10_000, () => (asked > outcomes.length ? true : undefined))
  await reader.close()
  return reader
}

const seen = (rows: number, records: number | undefined = rows): Seen => ({ rows, records })

test('looks that find more and more are well, and those that nobody answers are none', async () => {
  const reader = await readerOf(seen(1), new NoAnswer('down'), seen(1), seen(4, undefined))
  expect(reader.wrong).toEqual([])
  expect(reader.unanswered).toBe(1)
  expect(reader.sees(4)).toBe(4)
  expect(reader.sees(5)).toBeUndefined()
})

test.each([
  ['a row twice', [seen(2, 1)], 'one: 2 rows of 1 records'],
  ['a row less', [seen(2), seen(1)], 'one: 1 rows after 2'],
  ['a file that is none', [seen(1), new Error('no footer')], 'one: no footer'],
])('%s is kept as wrong', async (_, outcomes, told) => {
  const reader = await readerOf(...outcomes)
  expect(reader.wrong[0]).toBe(told)
})
