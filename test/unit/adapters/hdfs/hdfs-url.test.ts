import { expect, test } from 'vitest'
import { parseHdfsUrl } from '../../../../src/adapters/hdfs/hdfs-url.ts'

test('namenodes and folder are taken apart', () => {
  expect(parseHdfsUrl('hdfs://nn1:9870,nn2.example:9871/warehouse/ods/')).toEqual({
    namenodes: ['nn1:9870', 'nn2.example:9871'],
    folder: '/warehouse/ods',
  })
  expect(parseHdfsUrl('hdfs://[::1]:9870')).toEqual({ namenodes: ['[::1]:9870'], folder: '' })
})

test.each([
  'hdfs:///warehouse',
  'hdfs://nn1/warehouse',
  'hdfs://nn1:0/warehouse',
  'hdfs://nn1:70000/warehouse',
  'hdfs://nn1:9870,/warehouse',
  'hdfs://nn1:9870,nn1:9870/warehouse',
  'hdfs://nn1:9870/a//b',
  'hdfs://nn1:9870/a/../b',
  'hdfs://nn1:9870/a:b',
  'hdfs://user@nn1:9870/a',
  's3://bucket/prefix',
])('%s is refused', (url) => {
  expect(parseHdfsUrl(url)).toBeUndefined()
})
