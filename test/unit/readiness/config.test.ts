import { describe, expect, test } from 'vitest'
import { parseSecretReference } from '../../../src/base/secret.ts'
import { readyConfig, targetName } from '../../../src/readiness/config.ts'

const webhook = (url: string) => {
  const secret = parseSecretReference('env:HOOK')
  if (secret === undefined) throw new Error('a reference')
  return targetName({ kind: 'webhook', url, secret })
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
  })

  test.each([
    [{ uris: [], database: 'ods' }],
    [{ uris: ['http://one:9083'], database: 'ods' }],
    [{ uris: ['thrift://one:9083/ods'], database: 'ods' }],
    [{ uris, database: 'ODS' }],
    [{ uris }],
    [{ uris, database: 'ods', register: 'always' }],
    [{ uris, database: 'ods', location: 'lake' }],
    [{ uris, database: 'ods', location: 'hdfs://main/lake/' }],
    [{ uris, database: 'ods', kerberos: {} }],
  ])('%j is refused', (keys) => {
    expect(read(keys).success).toBe(false)
  })
})
