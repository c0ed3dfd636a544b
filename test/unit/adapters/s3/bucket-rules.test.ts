import type { LifecycleRule } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rulesAgainst } from '../../../../src/adapters/s3/bucket-rules.ts'
import type { StorageRules } from '../../../../src/ports/lake.ts'
import { type FakeAnswer, FakeS3 } from '../../../support/fake-s3.ts'
import { HurriedClock, openTestS3Lake, s3Settings } from '../../../support/s3-lakes.ts'

const Status = 'Enabled'
/** What a pipeline "growth" with a table "t" keeps. */
const folders = ['_lakeward/growth', 't']
const ours = { prefix: 'lake', folders }
const in30Days = { Expiration: { Days: 30 } }

describe('a rule of a bucket works against the lake', () => {
  test.each<[string, LifecycleRule, string]>([
    [
      'that gives up open uploads too soon',
      { ID: 'a', Status, Filter: {}, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
      'rule "a" gives up open uploads after 1 day, at least 7 days needed',
    ],
    [
      'that removes what is in it',
      { ID: 'b', Status, Filter: { Prefix: 'lake/' }, ...in30Days },
      'rule "b" removes objects below "lake/" after 30 days',
    ],
    [
      'that reaches into one folder of it',
      { Status, Filter: { And: { Prefix: 'lake/t/_staging', Tags: [] } }, ...in30Days },
      'a rule without a name removes objects below "lake/t/_staging" after 30 days',
    ],
    [
      'that is for the whole bucket, on a day',
      { ID: 'c', Status, Expiration: { Date: new Date('2027-01-02T00:00:00Z') } },
      'rule "c" removes all objects on 2027-01-02',
    ],
    [
      'that was written before there were filters',
      { ID: 'd', Status, Prefix: 'la', ...in30Days } as LifecycleRule,
      'rule "d" removes objects below "la" after 30 days',
    ],
    [
      'that archives',
      {
        ID: 'e',
        Status,
        Filter: { Prefix: '' },
        Transitions: [{ Days: 1, StorageClass: 'STANDARD_IA' }, { StorageClass: 'GLACIER' }],
      },
      'rule "e" moves all objects at once to GLACIER, where nobody reads them',
    ],
  ])('%s', (_, rule, text) => {
    const endsUploads = text.includes('open uploads')
    expect(rulesAgainst([rule], ours)).toEqual([{ says: text, endsUploads }])
  })

  test('as many times as it does', () => {
    const rule = { ...in30Days, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 6 } }
    const atRoot = { ...ours, prefix: '' }
    expect(rulesAgainst([{ ID: 'a', Status, ...rule }], atRoot)).toHaveLength(2)
  })

  test('in the root of a bucket, by each of its folders', () => {
    const against = (Prefix: string) =>
      rulesAgainst([{ Status, Filter: { Prefix }, ...in30Days }], { ...ours, prefix: '' }).length
    expect(['', 't', 't/dt=', '_lakeward/', '_lakeward/growth/log'].map(against)).toEqual(
      Array.from({ length: 5 }, () => 1),
    )
    expect(['others/', 't2/', '_lakeward/other/', 'lake/t/'].map(against)).toEqual([0, 0, 0, 0])
  })
})

test.each<[string, LifecycleRule]>([
  ['out of force', { Status: 'Disabled', Filter: {}, ...in30Days }],
  ['of another folder', { Status, Filter: { Prefix: 'other/' }, ...in30Days }],
  [
    'of a folder of others in the lake',
    { Status, Filter: { Prefix: 'lake/others/' }, ...in30Days },
  ],
  ['of a folder whose name goes on', { Status, Filter: { Prefix: 'lake-2/' }, ...in30Days }],
  ['for objects with a tag', { Status, Filter: { Tag: { Key: 'k', Value: 'v' } }, ...in30Days }],
  [
    'for a folder and a tag',
    { Status, Filter: { And: { Prefix: 'lake/', Tags: [{ Key: 'k', Value: 'v' }] } }, ...in30Days },
  ],
  ['about old versions', { Status, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }],
  ['about the marks of old versions', { Status, Expiration: { ExpiredObjectDeleteMarker: true } }],
  [
    'that leaves open uploads long enough',
    { Status, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
  ],
  [
    'that moves to where all can be read',
    { Status, Transitions: [{ Days: 30, StorageClass: 'GLACIER_IR' }] },
  ],
])('a rule %s is none against the lake', (_, rule) => {
  expect(rulesAgainst([rule], ours)).toEqual([])
})

describe('the rules of a bucket', () => {
  let fake: FakeS3
  beforeEach(async () => {
    fake = await FakeS3.start()
  })
  afterEach(() => fake.close())

  const asked = (signal = new AbortController().signal): Promise<StorageRules> =>
    openTestS3Lake(s3Settings(fake.endpoint, fake.bucket, 'lake'), new HurriedClock()).rules(
      folders,
      signal,
    )

  test('are read where there are some, and none is none', async () => {
    expect(await asked()).toEqual({ kind: 'told', against: [] })
    const filter = '<Status>Enabled</Status><Filter><Prefix>lake/t/</Prefix></Filter>'
    const end = '<Expiration><Days>3</Days></Expiration>'
    fake.lifecycle = `<Rule><ID>old</ID>${filter}${end}</Rule>`
    const says = 'rule "old" removes objects below "lake/t/" after 3 days'
    const against = [{ says, endsUploads: false }]
    expect(await asked()).toEqual({ kind: 'told', against })
  })

  test.each<[string, FakeAnswer, string]>([
    ['by who may not', { status: 403, code: 'AccessDenied' }, '403 AccessDenied'],
    ['by a store without', { status: 501, code: 'NotImplemented' }, '501 NotImplemented'],
    ['by a page of a proxy', { status: 200, body: '<html></html>' }, 'told no rules'],
    ['by a store that is away', { status: 503, code: 'SlowDown' }, '503 SlowDown'],
  ])('that are not told %s are no fault', async (_, answer, reason) => {
    fake.fail = () => ({ moment: 'before', answer })
    const expected = { kind: 'unknown', reason: expect.stringContaining(reason) }
    expect(await asked()).toEqual(expected)
  })

  test('are not asked for by who stops', async () => {
    expect(await asked(AbortSignal.abort())).toMatchObject({ kind: 'unknown' })
    expect(fake.requests).toEqual([])
  })
})
