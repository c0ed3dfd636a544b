/** Events of hours that were announced, from the fetch to the log. */
import { expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import { partitionAt } from '../../../src/protocol/calendar.ts'
import {
  eventsMs,
  fetched,
  hourMs,
  type LaneWorld,
  numberRecord,
  openLaneWorld,
  owning,
} from '../../support/lane-world.ts'

const hourOf = (hour: number): string =>
  partitionAt(unixMs(eventsMs + hour * hourMs), { by: 'hour', timezone: 'UTC' }).path

const stateOf = ({ log }: LaneWorld, hour: number) => {
  const known = log.state.streams.get('numbers')?.partitions.get(hourOf(hour) as never)
  return known && { place: known.place, files: known.files.length, late: known.counts.late }
}

/** One event in each of the hours, from offset `first` on. */
const take = (world: LaneWorld, first: number, hours: readonly number[]): Promise<void> => {
  const records = hours.map((hour) =>
    numberRecord({ n: hour, eventMs: eventsMs + hour * hourMs + 1 }),
  )
  return world.lane.onFetched([fetched(world.at(0), first, records)])
}

const announced = async (world: LaneWorld): Promise<readonly string[]> => {
  for (let rounds = 0; rounds < 5; rounds++) await world.announcer.round()
  const partitions = world.log.state.streams.get('numbers')?.partitions.values() ?? []
  return [...partitions]
    .filter(({ place }) => place === 'announced')
    .map(({ partition }) => partition.path)
}

test('what comes late to an hour never seen opens nothing that waits or is announced', async () => {
  const world = await openLaneWorld({ partitionCount: 1 })
  await owning(world, 0)
  await take(world, 0, [0, 1, 2])
  await world.commits.commitNow()
  expect(await announced(world)).toEqual([hourOf(0), hourOf(1)])
  await take(world, 3, [-2, 0, 3])
  await world.commits.commitNow()
  expect(stateOf(world, -2)).toEqual({ place: 'open', files: 0, late: 1 })
  expect(stateOf(world, 0)).toMatchObject({ place: 'announced', late: 1 })
  expect(await announced(world)).toEqual([hourOf(0), hourOf(1), hourOf(2)])
  expect(world.announcer.blocks.map(({ partition }) => partition.path)).toEqual([hourOf(3)])
})

test('an announcement is heeded by the next fetch already: no commit falls over it', async () => {
  const world = await openLaneWorld({ partitionCount: 1 })
  await owning(world, 0)
  await take(world, 0, [0, 1])
  await world.commits.commitNow()
  await announced(world)
  await take(world, 2, [0, 1])
  await world.commits.commitNow()
  expect(world.next(0)).toBe(4n)
  expect(world.source.takeCalls()).toEqual([])
})

test('rows taken in before another daemon announced their hour are late after all', async () => {
  const world = await openLaneWorld({ partitionCount: 1 })
  const other = await openLaneWorld({
    partitionCount: 1,
    store: world.store,
    clock: world.clock,
    seed: 2,
  })
  await owning(world, 0)
  await take(world, 0, [0, 1])
  await world.commits.commitNow()
  await take(world, 2, [0])
  // The log does not say yet that the files are published: whoever looks, sees to it.
  await other.log.refresh()
  await other.committer.publishPending(durationMs(0))
  expect(await announced(other)).toEqual([hourOf(0)])
  await world.commits.commitNow()
  expect(world.source.takeCalls()).toEqual(['seek events/0 2'])
  await take(world, 2, [0])
  await world.commits.commitNow()
  expect(stateOf(world, 0)).toEqual({ place: 'announced', files: 1, late: 1 })
  expect(world.next(0)).toBe(3n)
})
