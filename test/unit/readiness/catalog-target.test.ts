import { expect, test } from 'vitest'
import { CatalogTarget } from '../../../src/readiness/catalog-target.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'
import { SimCatalog } from '../../support/catalog-sim.ts'
import { sampleManifest } from '../../support/log-samples.ts'

const signal = new AbortController().signal

function world() {
  const catalog = new SimCatalog()
  const lake = new SimLake({ store: new Map(), clock: new SimClock() })
  const { stream, table } = sampleManifest(13, 1)
  const target = new CatalogTarget({
    target: 'hive:ods',
    catalog,
    lake,
    pipeline: 'growth',
    root: 'hdfs://main/lake',
    tables: new Map([[stream, { table, columns: [], partitionColumns: ['dt', 'hour'] }]]),
    register: 'ready',
  })
  return { catalog, lake, target }
}

const manifest = (revision: number) => ({ ...sampleManifest(13, revision), logEntry: revision })
const file = (name: string, bytes: number) => ({ path: name, bytes, rows: 1, crc32c: '00000000' })

test('the numbers of a late revision are those of all its files', async () => {
  const { catalog, target } = world()
  const first = { ...manifest(1), rows: 1, files: [file('a', 5)] }
  await target.deliver(first, signal)
  const late = { ...first, revision: 2, rows: 3, files: [file('a', 5), file('b', 6), file('c', 7)] }
  await target.deliver(late, signal)
  const [shown] = [...catalog.partitions.values()]
  expect(shown?.announced).toMatchObject({ revision: 2, rows: 3, bytes: 18, files: 3 })
  expect(shown?.announced?.manifest).toMatch(/^hdfs:\/\/main\/lake\/_lakeward\/growth\/.*2\.json$/)
})

test('an older revision is there for who asks once a newer one is, and not before', async () => {
  const { target } = world()
  const [first, second] = [manifest(1), manifest(2)]
  expect(await target.readBack(first, signal)).toBe(false)
  await target.deliver(first, signal)
  expect(await target.readBack(second, signal)).toBe(false)
  await target.deliver(second, signal)
  expect(await target.readBack(first, signal)).toBe(true)
})
