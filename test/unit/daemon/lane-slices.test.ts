import { expect, test } from 'vitest'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import type { SourcePartition } from '../../../src/model/topic-partition.ts'
import type { FetchedBatches } from '../../../src/ports/source.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { fetchedNumbers, openLaneWorld, owning, pipeline } from '../../support/lane-world.ts'
import { expectCoveredOnce } from '../../support/log-oracle.ts'

const perBatch = 8_000
const batchCount = 5
const numberCount = perBatch * batchCount

/** One answer of several mebibytes, which is taken in slices of one and some. */
function largeAnswer(source: SourcePartition): FetchedBatches {
  const batches = Array.from({ length: batchCount }, (_, at) =>
    fetchedNumbers(source, at * perBatch, (at + 1) * perBatch),
  )
  const bytes = Buffer.concat(batches.map((batch) => batch.bytes))
  const next = nextOffset(BigInt(numberCount))
  const span = { bytes, start: 0, end: bytes.length }
  const told = { nextOffset: next, highWatermark: next, leaderEpoch: 0, skippedBatches: [] }
  return { source, ...span, fetchOffset: offset(0n), ...told }
}

/** A world that has taken the first slice of a large answer and not yet the others. */
async function between() {
  const world = await openLaneWorld()
  await owning(world, 0)
  const taking = world.lane.onFetched([largeAnswer(world.at(0))])
  expect(world.lane.bufferedBytes).toBeGreaterThan(0)
  return { world, taking }
}

test('a commit between two slices has the first one; the others come with the next', async () => {
  const { world, taking } = await between()
  await world.commits.commitNow()
  const committed = Number(world.next(0))
  expect(committed).toBeGreaterThan(0)
  expect(committed).toBeLessThan(numberCount)
  expect(committed % perBatch).toBe(0)
  await world.clock.run(taking)
  await world.commits.commitNow()
  expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': numberCount, 'events/1': 0 })
  expect(world.source.takeCalls()).toEqual([])
})

test('positions set anew between two slices make the others void', async () => {
  const { world, taking } = await between()
  await world.lane.startOver()
  expect(world.source.takeCalls()).toEqual(['seek events/0 0'])
  await world.clock.run(taking)
  expect(world.source.takeCalls()).toEqual([])
  await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 3)])
  await world.commits.commitNow()
  expectCoveredOnce(judgeLog(world.store, pipeline), { 'events/0': 3, 'events/1': 0 })
})

test('what is given up between two slices is taken no further', async () => {
  const { world, taking } = await between()
  const revoked = world.lane.onRevoked([world.at(0)])
  await world.clock.run(taking)
  await world.clock.run(revoked)
  const committed = Number(world.next(0))
  expect(committed).toBeGreaterThan(0)
  expect(committed).toBeLessThan(numberCount)
  expect([...world.lane.owned]).toEqual([])
})
