import { expect, test } from 'vitest'
import { parseConfig } from '../../../src/daemon/config.ts'
import { configTree, onlyProblem, streamTree } from '../../support/config-trees.ts'

const url = 'hdfs://nn1:9870,nn2:9870/warehouse'
const onHdfs = (hdfs: object) => configTree({ lake: { url, hdfs } })

test('a lake on HDFS takes namenodes and a folder, and asks as lakeward', () => {
  const plain = parseConfig(configTree({ lake: { url: `${url}/` } }))
  expect(plain).toMatchObject({ problems: [], config: { lake: { url } } })
  const { config, problems } = parseConfig(
    onHdfs({ user: 'etl', replication: 2, blockSize: '64MiB' }),
  )
  expect(problems).toEqual([])
  const hdfs = { user: 'etl', replication: 2, blockSize: 67_108_864 }
  expect(config?.lake).toEqual({ url, hdfs })
  expect(parseConfig(onHdfs({})).config?.lake.hdfs).toEqual({ user: 'lakeward' })
})

test.each([
  ['a URL without a port', 'hdfs://nn1/warehouse', /^lake\.url: .*names no namenodes as host:port/],
  ['a folder with a colon', 'hdfs://nn1:9870/a:b', /^lake\.url: .*a colon/],
])('%s is refused', (_, given, told) => {
  expect(onlyProblem(configTree({ lake: { url: given } }))).toMatch(told)
})

test.each([
  ['user', 'a b'],
  ['replication', 0],
  ['blockSize', '1KiB'],
  ['blockSize', 64],
])('lake.hdfs.%s: %s is refused', (key, given) => {
  expect(onlyProblem(onHdfs({ [key]: given }))).toMatch(new RegExp(`^lake\\.hdfs\\.${key}: `))
})

test('files that grow need to be told of the size of their blocks', () => {
  const growing = (hdfs: object) =>
    configTree({ lake: { url, hdfs }, streams: [streamTree({ file: { mode: 'continue' } })] })
  expect(onlyProblem(growing({}))).toMatch(
    /^lake\.hdfs\.blockSize: is not given, .* accepted: a size such as 128MiB$/,
  )
  expect(parseConfig(growing({ blockSize: '128MiB' })).problems).toEqual([])
})

test.each(['kerberos', 'token', 'httpfs', 'tls'])('lake.hdfs.%s is refused by name', (key) => {
  expect(onlyProblem(onHdfs({ [key]: {} }))).toMatch(
    /^lake\.hdfs\.\w+: not supported by this version/,
  )
})

test('keys of one storage are refused on another', () => {
  const folder = configTree({ lake: { url: 'file:./lake', hdfs: { user: 'etl' } } })
  expect(onlyProblem(folder)).toMatch(/^lake\.hdfs: goes with HDFS, .*with hdfs:\/\/ only$/)
  const bucket = configTree({ lake: { url, region: 'eu-central-1' } })
  expect(onlyProblem(bucket)).toMatch(/^lake\.region: goes with a bucket/)
})
