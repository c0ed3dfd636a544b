/** Suites fail for what they are about, and for nothing else: a wrong adapter for each case. */
import { expect, test } from 'vitest'
import { SimLake, type SimStore } from '../sim/lake.ts'
import { SimKafka } from '../sim/source.ts'
import { catalogContract } from './catalog.ts'
import { fakeMetastoreWorld } from './fake-metastore-world.ts'
import { lakeContract } from './lake.ts'
import { lyingCatalogs } from './lying-catalogs.ts'
import { lyingLakes } from './lying-lakes.ts'
import { lyingNotifiers } from './lying-notifiers.ts'
import { lyingSources } from './lying-sources.ts'
import { lyingTails } from './lying-tails.ts'
import { type NotifierWorld, notifierContract } from './notifier.ts'
import { simWorld } from './sim-world.ts'
import { sourceContract } from './source.ts'
import { casesOf, failuresOf } from './suite.ts'
import { tailsContract } from './tails.ts'

/** The lake contract over lakes that lie in one way. */
const casesOver = (lying: (typeof lyingLakes)[string]) =>
  casesOf((suite) => {
    const open = async () => {
      const store: SimStore = new Map()
      return { lake: lying(store), another: () => lying(store), close: async () => {} }
    }
    lakeContract('lying', open, suite)
  })

test('there is a wrong lake for each case of the lake contract', () => {
  const [lying] = Object.values(lyingLakes)
  if (lying === undefined) throw new Error('there are wrong lakes')
  const names = casesOver(lying).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(lyingLakes)).toEqual(names)
})

test.each(Object.entries(lyingLakes))(
  'a lake wrong in one thing fails only: %s',
  async (name, lying) => {
    expect(await failuresOf(casesOver(lying))).toEqual([name])
  },
)

/** The tails contract over lakes whose files grow wrongly. */
const tailCasesOver = (open: (store: SimStore) => SimLake) =>
  casesOf((suite) => {
    const opened = async () => {
      const store: SimStore = new Map()
      return { lake: open(store), another: () => open(store), close: async () => {} }
    }
    tailsContract('lying', opened, suite)
  })

test.each(Object.entries(lyingTails))(
  'files that grow wrongly are told: a lake that %s',
  async (_name, { open, fails }) => {
    expect(await failuresOf(tailCasesOver(open))).toEqual(fails)
  },
)

test('no case of the tails contract holds for every wrong lake', () => {
  const open = (store: SimStore): SimLake => new SimLake({ store, kind: 'hdfs' })
  const told = new Set(Object.values(lyingTails).flatMap(({ fails }) => fails))
  expect(tailCasesOver(open).map(({ name }) => name)).toEqual(expect.arrayContaining([...told]))
  expect(tailCasesOver(open).filter(({ name }) => !told.has(name))).toEqual([])
})

/** For what never comes from a wrong source. */
const boundMs = 5_000

/** The source contract over sources that lie in one way. */
const casesOverSource = (lying: (typeof lyingSources)[string]) =>
  casesOf((suite) => {
    const open = async () => {
      const world = simWorld(new SimKafka())
      return {
        ...world,
        source: (...asked: Parameters<typeof world.source>) => lying(world.source(...asked)),
      }
    }
    sourceContract('lying', open, suite, boundMs)
  })

test('there is a wrong source for each case of the source contract', () => {
  const [lying] = Object.values(lyingSources)
  if (lying === undefined) throw new Error('there are wrong sources')
  const names = casesOverSource(lying).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(lyingSources)).toEqual(names)
})

test.concurrent.each(Object.entries(lyingSources))(
  'a source wrong in one thing fails only: %s',
  { timeout: 120_000 },
  async (name, lying) => {
    expect(await failuresOf(casesOverSource(lying))).toEqual([name])
  },
)

/** The catalog contract over catalogs that lie in one way. */
const casesOverCatalog = (lying: (typeof lyingCatalogs)[string]) =>
  casesOf((suite) => catalogContract('lying', async () => lying(await fakeMetastoreWorld()), suite))

test('there is a wrong catalog for each case of the catalog contract', () => {
  const names = casesOverCatalog((world) => world).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(lyingCatalogs)).toEqual(names)
})

test.each(Object.entries(lyingCatalogs))(
  'a catalog wrong in one thing fails only: %s',
  async (name, lying) => {
    expect(await failuresOf(casesOverCatalog(lying))).toEqual([name])
  },
)

const notifierCasesOver = (lying: () => NotifierWorld) =>
  casesOf((suite) => notifierContract('lying', async () => lying(), suite))

test('there is a wrong target for each case of the contract of targets', () => {
  const [lying] = Object.values(lyingNotifiers)
  if (lying === undefined) throw new Error('there are wrong targets')
  const names = notifierCasesOver(lying).map(({ name }) => name)
  expect(Object.keys(lyingNotifiers)).toEqual(names)
})

test.each(Object.entries(lyingNotifiers))(
  'a target wrong in one thing fails only: %s',
  async (name, lying) => {
    expect(await failuresOf(notifierCasesOver(lying))).toEqual([name])
  },
)
