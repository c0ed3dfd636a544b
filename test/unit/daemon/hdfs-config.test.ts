import { expect, test } from 'vitest'
import { resolveConfig } from '../../../src/daemon/config/resolve.ts'
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
  const hdfs = { user: 'etl', replication: 2, blockSize: 67_108_864, httpfs: false }
  expect(config?.lake).toEqual({ url, hdfs })
  expect(parseConfig(onHdfs({})).config?.lake.hdfs).toEqual({ httpfs: false })
})

test.each([
  ['a URL without a port', 'hdfs://nn1/warehouse', /^lake\.url: .*names no namenodes as host:port/],
  ['a folder with a colon', 'hdfs://nn1:9870/a:b', /^lake\.url: .*a colon/],
])('%s is refused', (_, given, told) => {
  expect(onlyProblem(configTree({ lake: { url: given } }))).toMatch(told)
})

test.each([
  ['user', 'a b'],
  ['auth', 'spnego'],
  ['principal', 'a b@R'],
  ['principal', '@R'],
  ['replication', 0],
  ['blockSize', '1KiB'],
  ['location', 'hdfs://lake/'],
  ['location', '/warehouse'],
  ['httpfs', 'yes'],
  ['proxy', 'proxy:3128'],
  ['proxy', 'http://user@proxy:3128'],
  ['proxy', 'http://proxy:99999'],
  ['token', 'GgAEcm9v'],
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

test.each([
  { auth: 'kerberos' },
  { auth: 'kerberos', principal: 'etl/host1.example.com@EXAMPLE.COM' },
  { auth: 'simple', user: 'etl' },
  { auth: 'token', token: 'own', user: 'etl' },
  { auth: 'token', token: 'file:hdfs.token' },
  { token: 'own' },
])('a login of %j', (hdfs) => {
  const { config, problems } = parseConfig(onHdfs(hdfs))
  expect(problems).toEqual([])
  expect(config?.lake.hdfs).toEqual({ httpfs: false, ...hdfs })
})

test.each([
  [{ auth: 'kerberos', user: 'etl' }, 'user', 'kerberos', /with simple or token only$/],
  [{ auth: 'kerberos', token: 'own' }, 'token', 'kerberos', /with token only$/],
  [{ auth: 'simple', token: 'own' }, 'token', 'simple', /with token only$/],
  [{ principal: 'etl@R' }, 'principal', 'simple', /with kerberos only$/],
  [{ token: 'own', principal: 'etl@R' }, 'principal', 'token', /with kerberos only$/],
])('keys of another login are refused: %j', (hdfs, key, way, accepted) => {
  const problem = onlyProblem(onHdfs(hdfs))
  expect(problem).toMatch(new RegExp(`^lake\\.hdfs\\.${key}: .*lake\\.hdfs\\.auth is ${way};`))
  expect(problem).toMatch(accepted)
})

test('a login by token wants one', () => {
  expect(onlyProblem(onHdfs({ auth: 'token' }))).toMatch(/^lake\.hdfs\.auth: is token, and /)
})

test('a section of HDFS says how all is reached', () => {
  const hdfs = {
    location: 'hdfs://lake/warehouse',
    httpfs: true,
    tls: { ca: 'file:ca.pem' },
    token: 'file:hdfs.token',
    proxy: 'http://proxy:3128',
    datanodes: { dn1: '10.0.0.5', 'dn2:9864': 'gate:19864' },
  }
  const { config, problems } = parseConfig(onHdfs(hdfs))
  expect(problems).toEqual([])
  expect(config?.lake.hdfs).toEqual(hdfs)
})

test('readers are told the location, and the URL without one', () => {
  const urlOf = (hdfs: object) => {
    const { config } = parseConfig(onHdfs(hdfs))
    if (config === undefined) throw new Error('the configuration is right')
    return resolveConfig(config, [], { file: '/c/lakeward.yaml', folder: '/c' }).lakeUrl
  }
  expect(urlOf({ location: 'hdfs://lake/warehouse' })).toBe('hdfs://lake/warehouse')
  expect(urlOf({})).toBe(url)
})

test.each([
  [{ tls: { ca: 'ca.pem' } }, /^lake\.hdfs\.tls\.ca: .*accepted: file:path of a PEM file$/],
  [{ tls: { key: 'file:a' } }, /^lake\.hdfs\.tls\.key: /],
  [{ datanodes: { dn1: 'http://x' } }, /^lake\.hdfs\.datanodes\.dn1: .*a host, or host:port$/],
  [{ datanodes: { dn1: 'gate:99999' } }, /^lake\.hdfs\.datanodes\.dn1: .*a host or a port/],
])('%j is refused', (hdfs, told) => {
  expect(onlyProblem(onHdfs(hdfs))).toMatch(told)
})

test('keys of one storage are refused on another', () => {
  const folder = configTree({ lake: { url: 'file:./lake', hdfs: { user: 'etl' } } })
  expect(onlyProblem(folder)).toMatch(/^lake\.hdfs: goes with HDFS, .*with hdfs:\/\/ only$/)
  const bucket = configTree({ lake: { url, region: 'eu-central-1' } })
  expect(onlyProblem(bucket)).toMatch(/^lake\.region: goes with a bucket/)
})
