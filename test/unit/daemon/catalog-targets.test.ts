/** From a configuration to what a metastore gets. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readStruct, readStructs, readText } from '../../../src/adapters/hive/thrift-value.ts'
import { catalogTarget } from '../../../src/daemon/catalog-targets.ts'
import { loadConfig } from '../../../src/daemon/config/load.ts'
import { partitionPath } from '../../../src/model/lake-partition.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'
import { FakeMetastore } from '../../support/fake-metastore.ts'
import { folder, MemoryConfigFiles } from './memory-config-files.ts'

const signal = new AbortController().signal
const path = partitionPath('dt=2026-11-20/hour=13')
const proto = `syntax = "proto3";
package growth;
message Item { string sku = 1; }
message AppEvent {
  // Who did it.
  string userId = 1;
  repeated Item items = 2;
  map<string, int64> counts = 3;
}
`
let metastore: FakeMetastore

beforeEach(async () => {
  metastore = await FakeMetastore.start()
  metastore.createDatabase('ods')
})
afterEach(() => metastore.close())

/** Shows an open partition by this configuration. @returns what the metastore has of it. */
async function shownBy(lake: string, more = '', partition = '{ by: hour }') {
  const file = `pipeline: growth
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { ${lake} }
ready:
  notify: [{ hive: { uris: ["thrift://127.0.0.1:${metastore.port}"], database: ods${more} } }]
streams:
  - name: app_events
    topic: growth.events
    schema: { file: app_event.proto, message: growth.AppEvent }
    columns: [_topic, _offset]
    partition: ${partition}
`
  const files = new MemoryConfigFiles({ 'lakeward.yaml': file, 'app_event.proto': proto })
  const config = await loadConfig('lakeward.yaml', files)
  const [target] = config.ready.notify
  if (target?.kind !== 'hive') throw new Error('a target is configured')
  const sim = new SimLake({ store: new Map(), clock: new SimClock() })
  const notifier = catalogTarget(config, target, sim)
  await notifier.showOpen?.('app_events', [path], signal)
  await notifier.showOpen?.('_late.app_events', [path], signal)
  await notifier.close()
  const database = metastore.databases.get('ods')
  expect([...(database?.keys() ?? [])]).toEqual(config.streams.map(({ table }) => table))
  const [table] = config.streams.map(({ table }) => database?.get(table)?.fields)
  const columns = readStructs(readStruct(table, 7), 1)
  return {
    location: readText(readStruct(table, 7), 2),
    columns: columns.map((each) =>
      [1, 2, 3]
        .map((id) => readText(each, id))
        .join(' ')
        .trim(),
    ),
    keys: readStructs(table, 8).map((each) => readText(each, 1)),
    partition: readText(
      readStruct(metastore.partition(`ods.${readText(table, 1)}`, '2026-11-20/13'), 6),
      2,
    ),
  }
}

test('a table has the columns of the stream, its identity columns and comments', async () => {
  const shown = await shownBy('url: "file:./lake"')
  expect(shown.columns).toEqual([
    'userid string Who did it.',
    'items array<struct<sku:string>>',
    'counts map<string,bigint>',
    '_topic string',
    '_offset bigint',
  ])
  expect(shown.keys).toEqual(['dt', 'hour'])
  expect(shown.location).toBe(`file:${folder}/lake/app_events`)
  expect(shown.partition).toBe(`file:${folder}/lake/app_events/${path}`)
})

test('a lake in a bucket is reached by the scheme that Hadoop has for it', async () => {
  const { partition } = await shownBy('url: "s3://bucket/lake"')
  expect(partition).toBe(`s3a://bucket/lake/app_events/${path}`)
})

test.each([
  ['', 'hdfs://main/warehouse/app_events'],
  [', location: "hdfs://gate/warehouse"', 'hdfs://gate/warehouse/app_events'],
])(
  'a lake on HDFS is where its readers reach it, with%s a target’s own',
  async (more, expected) => {
    const lake = 'url: "hdfs://nn1:9870/warehouse", hdfs: { location: "hdfs://main/warehouse" }'
    expect((await shownBy(lake, more)).location).toBe(expected)
  },
)

test('the location of the configuration goes before what the lake’s URL says', async () => {
  const { partition } = await shownBy('url: "file:./lake"', ', location: "hdfs://main/lake"')
  expect(partition).toBe(`hdfs://main/lake/app_events/${path}`)
})
