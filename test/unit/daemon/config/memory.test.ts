import { expect, test } from 'vitest'
import { problemLine } from '../../../../src/daemon/config/problems.ts'
import { parseConfig } from '../../../../src/daemon/config.ts'

const problemsWith = (more: object, limits: object): readonly string[] => {
  const schema = { file: 'event.proto', message: 'growth.Event' }
  const tree = {
    pipeline: 'growth',
    kafka: { brokers: ['127.0.0.1:9092'] },
    lake: { url: 'file:./lake' },
    streams: [{ name: 'events', topic: 'growth.events', schema, limits }],
    ...more,
  }
  return parseConfig(tree).problems.map(problemLine)
}

test('a share of the memory that is more than all of it names both keys', () => {
  const text = '64MiB is more than memory.buffers, 32MiB, of which it is a share'
  expect(problemsWith({ memory: { buffers: '32MiB' } }, { buffers: '64MiB' })).toEqual([
    `streams[0].limits.buffers: ${text}; accepted: memory.buffers or less`,
  ])
  expect(problemsWith({ memory: { buffers: '64MiB' } }, { buffers: '64MiB' })).toEqual([])
  expect(problemsWith({}, { buffers: '64MiB' })).toEqual([])
})
