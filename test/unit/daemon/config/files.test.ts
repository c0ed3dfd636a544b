import { describe, expect, test } from 'vitest'
import { isFault } from '../../../../src/base/fault.ts'
import { loadConfig } from '../../../../src/daemon/config/load.ts'
import { MemoryConfigFiles } from '../memory-config-files.ts'

const main = (more: string): string => `pipeline: growth
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { url: "file:./lake" }
streams:
  - name: app_events
    topic: growth.events
    columns: [_offset]
    schema: { file: app_event.proto, message: growth.AppEvent }
    file: ${more}
`
const shop = `syntax = "proto3"; package growth;
message Item { string sku = 1; double price = 2; }
message AppEvent { string user_id = 1; repeated Item items = 2; bool logged_in = 3; }
`

const filesOf = (file: object, proto = shop): MemoryConfigFiles =>
  new MemoryConfigFiles({ 'lakeward.yaml': main(JSON.stringify(file)), 'app_event.proto': proto })

/** What is wrong with the section `file`, without its line. */
async function problem(file: object, proto = shop): Promise<string> {
  const loaded = loadConfig('lakeward.yaml', filesOf(file, proto))
  const error: unknown = await loaded.catch((thrown: unknown) => thrown)
  if (!isFault(error, 'CONFIG_REFUSED')) throw error
  expect(error.facts.problems).toHaveLength(1)
  const text = error.facts.problems[0]?.replace(/ \(line \d+\)$/, '') ?? ''
  expect(text.startsWith('streams[0].file.')).toBe(true)
  return text.slice('streams[0].file.'.length)
}

test.each(['snappy', 'lz4_raw', 'none'])('a level beside %s is refused', async (codec) => {
  expect(await problem({ codec, level: 3 })).toBe(
    `level: 3 beside the codec ${codec}, which has none; accepted: zstd, gzip`,
  )
})

test.each(['zstd', 'gzip'])('a level beside %s is taken', async (codec) => {
  const [stream] = (await loadConfig('lakeward.yaml', filesOf({ codec, level: 9 }))).streams
  expect(stream?.file).toMatchObject({ codec, level: 9 })
})

test.each([
  [0, '0 is less than 1'],
  [10, '10 is more than 9'],
  [1.5, '1.5 is not a whole number'],
  ['3', '"3" is not a whole number'],
])('the level %j is refused', async (level, because) => {
  expect(await problem({ level })).toBe(`level: ${because}; accepted: 1 to 9`)
})

test('a codec that is not there is refused', async () => {
  expect(await problem({ codec: 'lz4' })).toContain('accepted: zstd, snappy, gzip, lz4_raw, none')
})

test('a switch that is a word is refused', async () => {
  expect(await problem({ pageIndex: 'yes' })).toBe(
    'pageIndex: "yes" is neither true nor false; accepted: true, false',
  )
})

describe('columns with Bloom filters', () => {
  test('are leaves of the table, by their path, and identity columns', async () => {
    const bloom = ['user_id', 'items.list.element.sku', '_offset']
    const [stream] = (await loadConfig('lakeward.yaml', filesOf({ bloom }))).streams
    expect(stream?.file.bloom).toEqual(bloom)
  })

  test.each(['xyzzy', 'items', 'items.list.element.price', 'logged_in'])(
    '%s is refused with those that can have one',
    async (column) => {
      const text = await problem({ bloom: ['user_id', column] })
      expect(text).toContain(
        `bloom[1]: "${column}" is not a column that can have a Bloom filter; accepted: `,
      )
      expect(text).toMatch(/accepted: .*(user_id|items\.list\.element\.sku|_offset)/)
    },
  )

  test('of a wide table are named up to forty, and how many more there are', async () => {
    const fields = Array.from({ length: 60 }, (_, at) => `string field_${at} = ${at + 2};`)
    const wide = `syntax = "proto3"; package growth;
message AppEvent { string user_id = 1; ${fields.join(' ')} }`
    const text = await problem({ bloom: ['xyzzy'] }, wide)
    expect(text).toMatch(/accepted: user_id, field_0, .*, field_38, and 22 more$/)
  })

  test('stand once', async () => {
    expect(await problem({ bloom: ['user_id', 'user_id'] })).toContain('a column stands twice')
  })

  test('have a share of errors, which is refused without them', async () => {
    expect(await problem({ bloomErrorRate: '2%' })).toBe(
      'bloomErrorRate: given without bloom; accepted: beside columns in bloom',
    )
    const bloom = ['user_id']
    expect(await problem({ bloom, bloomErrorRate: '50%' })).toContain('is more than 25%')
    expect(await problem({ bloom, bloomErrorRate: 0.01 })).toContain('has no unit')
  })
})
