import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { countsAddUp } from '../../../src/model/counts.ts'
import {
  announced,
  cellsOf,
  openStages,
  pathOf,
  rowsOf,
  seal,
  skipping,
  take,
} from '../../support/exporter-stages.ts'
import {
  eventsMs,
  fetched,
  hourMs,
  numberRecord,
  numbersConfig,
  sourceAt,
} from '../../support/lane-world.ts'

const source = sourceAt(0)

describe('a late row', () => {
  const late = (policy: string) => `late: { policy: ${policy} }`
  const openWith = async (policy: string) =>
    openStages(await numbersConfig([{ name: 'numbers', more: [late(policy)] }]))

  test('that is appended lies in a place that says so, and is counted as such', async () => {
    const appending = await openWith('append')
    appending.exporter.onFold(announced('numbers', eventsMs + hourMs))
    const records = [numberRecord({ n: 0 }), numberRecord({ n: 1, eventMs: eventsMs + hourMs })]
    take(appending, fetched(source, 0, records))
    const { places, counts, files } = seal(appending)
    expect(places).toMatchObject([
      { stream: 'numbers', partition: { path: pathOf(eventsMs) }, late: true },
      { stream: 'numbers', partition: { path: pathOf(eventsMs + hourMs) } },
    ])
    expect(places[1]).not.toHaveProperty('late')
    expect(counts.map((cell) => cell.counts)).toMatchObject([
      { read: 1, written: 1, late: 0, lateAppended: 1 },
      { read: 1, written: 1, late: 0, lateAppended: 0 },
    ])
    expect(files.map(({ table }) => table)).toEqual(['numbers', 'numbers'])
  })

  test('that came while its partition was open here makes all of it late', async () => {
    const appending = await openWith('append')
    take(appending, fetched(source, 0, [numberRecord({ n: 0 })]))
    appending.exporter.onFold(announced('numbers', eventsMs + hourMs))
    take(appending, fetched(source, 1, [numberRecord({ n: 1 })]))
    const { places, counts } = seal(appending)
    expect(places).toMatchObject([{ late: true }])
    expect(counts[0]?.counts).toMatchObject({ read: 2, written: 2, lateAppended: 2 })
  })

  test('that is diverted lies in the table beside, as a late event of its own hour', async () => {
    const diverting = await openWith('divert')
    diverting.exporter.onFold(announced('numbers', eventsMs + hourMs))
    const records = [
      numberRecord({ n: 0 }),
      numberRecord({ n: 1, payload: Uint8Array.from([18, 9]) }),
      numberRecord({ n: 2, eventMs: eventsMs + hourMs }),
    ]
    take(diverting, fetched(source, 0, records))
    const commit = seal(diverting)
    expect(cellsOf(commit)).toMatchObject({
      [`numbers ${pathOf(eventsMs)}`]: { read: 2, written: 0, late: 1 },
      [`numbers ${pathOf(eventsMs + hourMs)}`]: { read: 1, written: 1, late: 0 },
    })
    expect(commit.counts.every(({ counts }) => countsAddUp(counts))).toBe(true)
    expect(commit.places.map(({ stream }) => stream)).toEqual([
      'numbers',
      '_late.numbers',
      '_dead_letters',
    ])
    const diverted = present(
      commit.files.find(({ stream }) => stream === '_late.numbers'),
      'a diverted file',
    )
    expect(diverted).toMatchObject({ table: 'numbers_late', partitionPath: pathOf(eventsMs) })
    expect(await rowsOf(diverted)).toMatchObject([{ n: 0n }])
  })

  test('that is filtered is neither appended nor diverted', async () => {
    const more = [late('divert'), skipping]
    const diverting = openStages(await numbersConfig([{ name: 'numbers', more }]))
    diverting.exporter.onFold(announced('numbers', eventsMs + hourMs))
    take(diverting, fetched(source, 0, [numberRecord({ n: 0, text: 'skip' })]))
    const commit = seal(diverting)
    expect(Object.values(cellsOf(commit))).toMatchObject([{ late: 0, filtered: { skipped: 1 } }])
    expect(commit.files).toEqual([])
  })
})
