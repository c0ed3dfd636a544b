import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { EtlModule } from '../../../src/ports/etl-module.ts'
import { cellsOf, facts, openStages, rowsOf, seal, take } from '../../support/exporter-stages.ts'
import {
  eventsMs,
  fetched,
  numberPayload,
  numberRecord,
  numbersConfig,
  sourceAt,
} from '../../support/lane-world.ts'

const source = sourceAt(0)
describe('rows of a module', () => {
  const twice: EtlModule = {
    /** Event n becomes n rows; event 3 one that is no protobuf. */
    run: async () => {
      const rows = [[], [1], [2, 2], [3]].map((ns) =>
        ns.map((n) => (n === 3 ? Uint8Array.of(18, 200) : numberPayload({ n }))),
      )
      const all = rows.flat()
      let end = 0
      const rowNext = Int32Array.from(all, ({ length }) => (end += length))
      let next = 0
      const eventRowNext = Int32Array.from(rows, ({ length }) => (next += length))
      const result = {
        rows: new Uint8Array(Buffer.concat(all)),
        rowNext,
        eventRowNext,
        failures: [],
      }
      return { kind: 'done', result }
    },
    close: async () => {},
  }

  test('are in the commit of their events, which have one fate each', async () => {
    const module = openStages(await numbersConfig(), new Map([[0, twice]]))
    take(
      module,
      fetched(
        source,
        0,
        [0, 1, 2, 3].map((n) => numberRecord({ n })),
      ),
    )
    await module.modules.drain()
    const commit = seal(module)
    expect(Object.values(cellsOf(commit))).toEqual([
      {
        read: 4,
        written: 2,
        filtered: { 'etl-empty': 1 },
        late: 0,
        deadLettered: { 'decode-truncated': 1 },
      },
    ])
    const rows = await rowsOf(present(commit.files[0], 'rows'))
    expect(rows.map((row) => [row['n'], row['_offset']])).toEqual([
      [1n, 1n],
      [2n, 2n],
      [2n, 2n],
    ])
    expect(commit.files[0]?.eventTimeMs).toEqual({ min: eventsMs, max: eventsMs })
  })

  test('that come after they were given up are in no commit', async () => {
    const module = openStages(await numbersConfig(), new Map([[0, twice]]))
    take(
      module,
      fetched(
        source,
        0,
        [0, 1, 2, 3].map((n) => numberRecord({ n })),
      ),
    )
    module.modules.discard()
    module.exporter.discard()
    module.positions.reset()
    await module.modules.drain()
    expect(module.exporter.seal(facts)).toBeUndefined()
    expect(module.exporter.bufferedBytes).toBe(0)
  })
})
