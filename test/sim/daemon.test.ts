/** Whole daemons in worlds that fail: a few seeds. `npm run sim` runs as many as are wanted. */
import { expect, test } from 'vitest'
import { World } from './daemon-world.ts'
import { runSeed } from './run-seed.ts'
import { Tally } from './tally.ts'

const seedCount = 60
/** Too seldom for so few seeds; `npm run sim` judges them. */
const seldom = new Set([
  'late',
  'discarded',
  'startedOver',
  'outOfTurn',
  'stagingRemoved',
  'quarantined',
  'drainCutShort',
  'beganAgain',
  'closed',
  'forgotten',
])

test('whatever fails, each event is in the lake once, and no hour is announced early', {
  timeout: 600_000,
}, async () => {
  const tally = new Tally()
  for (let seed = 1; seed <= seedCount; seed++) {
    const result = await runSeed(seed, World)
    expect(result.wrong, `npm run sim -- --seed ${seed}`).toEqual([])
    tally.add(result)
  }
  const reached = [...tally.faults, ...tally.states].filter(([name]) => !seldom.has(name))
  const never = reached.filter(([, seeds]) => seeds === 0).map(([name]) => name)
  expect(never, 'everything that may happen did happen').toEqual([])
})

test('the same seed gives the same run, byte by byte', async () => {
  const [one, other] = [new World(7), new World(7)]
  await one.run()
  await other.run()
  expect([...other.store.keys()]).toEqual([...one.store.keys()])
  expect(other.clock.monotonicMs()).toBe(one.clock.monotonicMs())
  for (const [path, { body }] of one.store) {
    expect(other.store.get(path)?.body, path).toEqual(body)
  }
})
