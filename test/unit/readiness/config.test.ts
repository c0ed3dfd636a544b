import { describe, expect, test } from 'vitest'
import { parseSecretReference } from '../../../src/base/secret.ts'
import { readyConfig, targetName } from '../../../src/readiness/config.ts'

const webhook = (url: string) => {
  const secret = parseSecretReference('env:HOOK')
  if (secret === undefined) throw new Error('a reference')
  return targetName({ kind: 'webhook', url, secret, headers: {} })
}

test('a target is named by what it is and where it is', () => {
  expect(targetName({ kind: 'success-file' })).toBe('success-file')
  expect(webhook('https://host/hook')).toBe('webhook:https://host/hook')
})

test("a URL's query tells targets apart without being shown", () => {
  const [one, other] = [webhook('https://host/hook?token=a'), webhook('https://host/hook?token=b')]
  expect(one).toMatch(/^webhook:https:\/\/host\/hook\?[0-9a-f]{8}$/)
  expect(other).not.toBe(one)
  expect(one).not.toContain('token')
})

const hive = {
  kind: 'hive',
  uris: ['thrift://one:9083'],
  database: 'ods',
  register: 'ready',
  user: 'lakeward',
  location: undefined,
  kerberos: undefined,
} as const

test('a metastore is named by its database: its addresses may change', () => {
  expect(targetName(hive)).toBe('hive:ods')
  expect(targetName({ ...hive, uris: ['thrift://other'] })).toBe('hive:ods')
})

describe('the keys of a metastore', () => {
  const read = (keys: object) => readyConfig.safeParse({ notify: [{ hive: keys }] })
  const uris = ['thrift://one:9083', 'thrift://[::1]', 'thrift://10.0.0.1:1']

  test('have their defaults, and come back as they were written', () => {
    const config = readyConfig.parse({ notify: [{ hive: { uris, database: 'ods' } }] })
    expect(config.notify).toEqual([{ ...hive, uris, register: 'first-commit' }])
    expect(readyConfig.parse(readyConfig.encode(config))).toEqual(config)
    const placed = { uris, database: 'ods', location: 'hdfs://main/lake', user: 'etl@CORP' }
    const full = readyConfig.parse({ notify: [{ hive: placed }] })
    expect(full.notify[0]).toMatchObject({ location: 'hdfs://main/lake', user: 'etl@CORP' })
    expect(readyConfig.parse(readyConfig.encode(full))).toEqual(full)
    const kerberos = { principal: 'etl@CORP' }
    const secured = readyConfig.parse({ notify: [{ hive: { uris, database: 'ods', kerberos } }] })
    expect(secured.notify[0]).toMatchObject({ kerberos: { service: 'hive', ...kerberos } })
    expect(readyConfig.parse(readyConfig.encode(secured))).toEqual(secured)
  })

  test.each([
    [{ uris: [], database: 'ods' }],
    [{ uris: ['http://one:9083'], database: 'ods' }],
    [{ uris: ['thrift://one:9083/ods'], database: 'ods' }],
    [{ uris: ['thrift://one:99999'], database: 'ods' }],
    [{ uris: ['thrift://[::::]'], database: 'ods' }],
    [{ uris, database: 'ODS' }],
    [{ uris }],
    [{ uris, database: 'ods', register: 'always' }],
    [{ uris, database: 'ods', location: 'lake' }],
    [{ uris, database: 'ods', location: 'hdfs://main/lake/' }],
    [{ uris, database: 'ods', kerberos: { service: 'a b' } }],
    [{ uris, database: 'ods', kerberos: { principal: '@R' } }],
  ])('%j is refused', (keys) => {
    expect(read(keys).success).toBe(false)
  })
})

describe('the keys of a webhook', () => {
  const plain = { url: 'https://host/hook', secret: 'env:HOOK' }
  const read = (keys: object) => {
    const found = readyConfig.safeParse({ notify: [{ webhook: { ...plain, ...keys } }] })
    return found.success ? [] : found.error.issues.map(({ message }) => message)
  }

  test('have their defaults, and come back as they were written', () => {
    const config = readyConfig.parse({ notify: [{ webhook: plain }] })
    expect(config.notify).toEqual([{ kind: 'webhook', ...plain, headers: {} }])
    expect(readyConfig.parse(readyConfig.encode(config))).toEqual(config)
    const more = {
      ...plain,
      headers: { 'X-Team': 'data', Authorization: 'env:AUTH', 'X-Api-Key': 'file:api.key' },
      proxy: 'environment',
      tls: { ca: 'file:ca.pem', certificate: 'file:own.pem', key: 'file:own.key' },
    }
    const full = readyConfig.parse({ notify: [{ webhook: more }] })
    expect(full.notify).toEqual([{ kind: 'webhook', ...more }])
    expect(readyConfig.parse(readyConfig.encode(full))).toEqual(full)
    expect(read({ headers: { 'X-Monkey': 'plain', 'X-Author': 'plain' } })).toEqual([])
    expect(read({ proxy: 'http://[::1]:3128' })).toEqual([])
  })

  test.each([
    [{ headers: { 'Idempotency-Key': 'mine' } }, /is set by us/],
    [{ headers: { 'content-TYPE': 'text/plain' } }, /is set by us/],
    [{ headers: { Host: 'other' } }, /is set by us/],
    [{ headers: { 'Proxy-Authorization': 'env:AUTH' } }, /is set by us/],
    [{ headers: { 'Lakeward-Signature': 'v1=0' } }, /is set by us/],
    [{ headers: { Authorization: 'Bearer hunter2' } }, /is a secret, which is not written here/],
    [{ headers: { 'X-Api-Key': 'hunter2' } }, /is a secret/],
    [{ headers: { Cookie: 'hunter2' } }, /is a secret/],
    [{ headers: { 'X-Team': 'a', 'x-team': 'b' } }, /is there twice/],
    [{ headers: { 'X-Team': 'two\nlines' } }, /is not one line/],
    [{ headers: { 'X-Team': 'Zürich' } }, /is not one line/],
    [{ headers: { 'X-Team': '' } }, /is not one line/],
    [{ headers: { 'X-Team': 'env:' } }, /is not a reference/],
    [{ headers: { 'X-Team': 7 } }, /is not text/],
    [{ headers: { 'X Team': 'a' } }, /./],
    [{ headers: manyHeaders(33) }, /33 headers; accepted: at most 32/],
    [{ proxy: 'https://proxy:3128' }, /has another form/],
    [{ proxy: 'http://user:pass@proxy:3128' }, /has another form/],
    [{ proxy: 'http://proxy' }, /has another form/],
    [{ proxy: 'http://proxy:99999' }, /is not a URL/],
    [{ tls: { certificate: 'file:own.pem' } }, /accepted: both or neither/],
    [{ url: 'http://host/hook', tls: {} }, /accepted: with https:\/\/ alone/],
  ])('%j is refused', (keys, because) => {
    const messages = read(keys)
    expect(messages.join()).toMatch(because)
    expect(messages.join()).not.toContain('hunter2')
  })
})

const manyHeaders = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`X-${at}`, 'a']))
