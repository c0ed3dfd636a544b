/**
 * Whole daemons in a world that fails. `LAKEWARD_SIM_SEEDS` runs more seeds, `LAKEWARD_SIM_SEED`
 * one: the same seed gives the same run.
 */
import { expect, test } from 'vitest'
import { judgeLake } from './daemon-oracle.ts'
import { pipeline, readyDelayMs, readyIdleMs, type Seen, World } from './daemon-world.ts'

const steps = 16
const seedCount = Number(process.env['LAKEWARD_SIM_SEEDS'] ?? 100)
const onlySeed = process.env['LAKEWARD_SIM_SEED']
const seeds =
  onlySeed === undefined ? Array.from({ length: seedCount }, (_, at) => at + 1) : [Number(onlySeed)]

interface Lived {
  readonly world: World
  readonly wrong: readonly string[]
  readonly found: Readonly<Record<string, number>>
}

async function live(seed: number): Promise<Lived> {
  const world = new World(seed)
  try {
    await world.run(steps)
  } catch (error) {
    return { world, wrong: [String(error)], found: {} }
  }
  const { store, producer, violations } = world
  if (violations.length > 0) return { world, wrong: violations, found: {} }
  const { events } = producer
  const verdict = await judgeLake({ store, pipeline, events, readyDelayMs, readyIdleMs })
  return { world, ...verdict }
}

test('whatever fails, each event is in the lake once, and no hour is announced early', {
  timeout: 600_000,
}, async () => {
  const sums: Record<string, number> = {}
  const add = (counts: Readonly<Record<string, number>> | Seen): void => {
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
  }
  for (const seed of seeds) {
    const { world, wrong, found } = await live(seed)
    expect(wrong, `LAKEWARD_SIM_SEED=${seed} npx vitest run test/sim/daemon.test.ts`).toEqual([])
    add(world.seen)
    add(found)
  }
  if (onlySeed !== undefined) return
  const never = Object.entries(sums).filter(([name, sum]) => sum === 0 && name !== 'voids')
  expect(never, 'everything that may happen did happen').toEqual([])
})

test('the same seed gives the same run, byte by byte', async () => {
  const [one, other] = [await live(7), await live(7)]
  expect([...other.world.store.keys()]).toEqual([...one.world.store.keys()])
  expect(other.world.clock.monotonicMs()).toBe(one.world.clock.monotonicMs())
  for (const [path, { body }] of one.world.store) {
    expect(other.world.store.get(path)?.body, path).toEqual(body)
  }
})
