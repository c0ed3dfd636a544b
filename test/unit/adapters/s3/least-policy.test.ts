import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** What each command of the SDK needs. Source: Amazon S3, "Actions, resources, condition keys". */
const actionsOf: Readonly<Record<string, string>> = {
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  CompleteMultipartUpload: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  PutObject: 's3:PutObject',
  UploadPartCopy: 's3:GetObject',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  DeleteObject: 's3:DeleteObject',
  HeadBucket: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
}
/** What is told where it may not be read, and changes nothing. */
const optional = new Map([['GetBucketLifecycleConfiguration', 's3:GetLifecycleConfiguration']])

test('the least policy of the docs has what the adapter needs, and nothing else', () => {
  const folder = 'src/adapters/s3'
  const sources = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  const asked = sources.flatMap((text) =>
    [...text.matchAll(/\b([A-Z]\w+)Command\b(?!,|Output|Input)/g)].map(([, name]) => name ?? ''),
  )
  const used = asked.filter((name) => !optional.has(name))
  expect([...new Set(asked)].filter((name) => optional.has(name))).toEqual([...optional.keys()])
  expect(new Set(used).size).toBeGreaterThan(8)
  expect(used.filter((name) => actionsOf[name] === undefined)).toEqual([])
  const page = readFileSync('docs/rights.md', 'utf8')
  for (const action of optional.values()) expect(page).toContain(`\`${action}\``)
  const [, policy = ''] = /```json\n([^`]+)```/.exec(page) ?? []
  const { Statement } = JSON.parse(policy) as { Statement: { Action: string[] }[] }
  const allowed = Statement.flatMap(({ Action }) => Action)
  expect(new Set(allowed)).toEqual(new Set(used.map((name) => actionsOf[name])))
  expect(new Set(allowed).size).toBe(allowed.length)
})
