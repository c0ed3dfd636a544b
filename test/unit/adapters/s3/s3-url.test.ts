import { expect, test } from 'vitest'
import { parseS3Url } from '../../../../src/adapters/s3/s3-url.ts'

test('a url is a bucket and a prefix', () => {
  expect(parseS3Url('s3://lake')).toEqual({ bucket: 'lake', prefix: '' })
  expect(parseS3Url('s3://lake/')).toEqual({ bucket: 'lake', prefix: '' })
  expect(parseS3Url('s3://my.lake-1/a/b/')).toEqual({ bucket: 'my.lake-1', prefix: 'a/b' })
})

test.each(['s3:lake', 's3://', 's3://UPPER/x', 's3://lake//x', 's3://lake/../x', 'file:./lake'])(
  '%s is none',
  (url) => {
    expect(parseS3Url(url)).toBeUndefined()
  },
)
