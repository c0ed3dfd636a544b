import { expect, test } from 'vitest'
import { PositionTable } from '../../../src/exporter/position-table.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import { clusterId, type SourcePartition, topicId } from '../../../src/model/topic-partition.ts'

const source = (partition: number): SourcePartition => ({
  clusterId: clusterId('c'),
  topicId: topicId('t'),
  topic: 'events',
  partition,
})

const table = (): PositionTable =>
  new PositionTable('lake', [
    { name: 'a', outOfOrdernessMs: 30 },
    { name: 'b', outOfOrdernessMs: 0 },
  ])

const begin = (from: bigint, leaderEpoch: number, resetEpoch = 0) => {
  return { from: offset(from), leaderEpoch, resetEpoch }
}

test('what one seal hands over ends where the next begins', () => {
  const positions = table()
  positions.assign(source(0), begin(5n, 3))
  positions.advance(source(0), nextOffset(9n), 3)
  const [first] = positions.seal().ranges
  positions.advance(source(0), nextOffset(12n), 4)
  const [second] = positions.seal().ranges
  expect([first?.expected, first?.first, first?.next]).toEqual([5n, 5n, 9n])
  expect([second?.expected, second?.first, second?.next]).toEqual([9n, 9n, 12n])
  expect(second?.leaderEpoch).toBe(4)
})

test('a topic-partition that did not move is in no entry', () => {
  const positions = table()
  positions.assign(source(0), begin(5n, -1))
  positions.assign(source(1), begin(0n, -1))
  positions.advance(source(1), nextOffset(1n), 0)
  expect(positions.seal().ranges.map((range) => range.source.partition)).toEqual([1])
  expect(positions.idle).toBe(true)
})

test('progress is the highest event time less what may come out of order, per stream', () => {
  const positions = table()
  positions.assign(source(0), begin(0n, 0))
  positions.eventMsMax(source(0))[0] = 1_000
  positions.advance(source(0), nextOffset(1n), 0)
  expect(positions.seal().progress).toEqual([
    { stream: 'a', source: source(0), eventWatermarkMs: 970 },
  ])
  positions.advance(source(0), nextOffset(2n), 0)
  expect(positions.seal().progress).toEqual([])
})

test('a position that would go back is a bug that stops the process', () => {
  const positions = table()
  positions.assign(source(0), begin(5n, 0))
  expect(() => positions.advance(source(0), nextOffset(4n), 0)).toThrow('never goes back')
})

test('a topic-partition is not dropped while rows of it have accumulated', () => {
  const positions = table()
  positions.assign(source(0), begin(0n, 0))
  positions.advance(source(0), nextOffset(3n), 0)
  expect(() => positions.drop(source(0))).toThrow('without their range')
  positions.seal()
  positions.drop(source(0))
  expect(positions.has(source(0))).toBe(false)
})
