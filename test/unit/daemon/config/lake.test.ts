import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseConfig, printConfig } from '../../../../src/daemon/config.ts'

const withLake = (lake: unknown) =>
  parseConfig({ pipeline: 'growth', kafka: { brokers: ['a:1'] }, lake })

const problemsOf = (lake: unknown): readonly string[] =>
  withLake(lake).problems.map(({ path, text }) => `${path.join('.')}: ${text}`)

test('a bucket is a lake, with or without a prefix', () => {
  expect(withLake({ url: 's3://bucket' }).config?.lake.url).toBe('s3://bucket')
  expect(withLake({ url: 's3://bucket/a/b/' }).config?.lake.url).toBe('s3://bucket/a/b')
})

test.each(['s3:bucket', 's3://', 's3://bucket//x', 's3://bucket/../x'])('%s is refused', (url) => {
  expect(problemsOf({ url })).toEqual([
    `lake.url: "${url}" names no bucket, or a prefix with empty parts; ` +
      'accepted: file:./lake, a folder; s3://bucket/prefix; ' +
      'hdfs://nn1:9870,nn2:9870/warehouse',
  ])
})

test('keys of a bucket beside a folder are refused, each by name', () => {
  const credentials = { accessKey: 'env:A', secretKey: 'env:B' }
  const given = { region: 'eu-central-1', pathStyle: true, credentials, requesterPays: true }
  const lake = { url: 'file:./lake', ...given }
  expect(problemsOf(lake)).toEqual(
    ['region', 'pathStyle', 'credentials', 'requesterPays'].map(
      (key) =>
        `lake.${key}: goes with a bucket, and lake.url is "file:./lake"; ` +
        'accepted: with s3:// only',
    ),
  )
})

test('a key for an encryption that does not take one is refused', () => {
  const lake = { url: 's3://bucket', kmsKey: 'key-1' }
  expect(problemsOf(lake)[0]).toContain('lake.encryption: sse-kms, which is not given')
  expect(problemsOf({ ...lake, encryption: 'sse-s3' })[0]).toContain('which is sse-s3')
  expect(problemsOf({ ...lake, encryption: 'sse-kms' })).toEqual([])
})

test('credentials are shown to nobody', () => {
  const credentials = { accessKey: 'env:NAME_OF_KEY', secretKey: 'file:/run/key' }
  const { config } = withLake({ url: 's3://bucket', credentials })
  if (config === undefined) throw new Error('the configuration is right')
  expect(printConfig(config, 'hidden')).not.toMatch(/NAME_OF_KEY|run.key/)
})

test.each(['kafka-s3', 'hdfs-hive'])('the example %s is right', (name) => {
  const tree: unknown = parse(readFileSync(`examples/${name}.yaml`, 'utf8'))
  expect(parseConfig(tree).problems).toEqual([])
})
