/** Lost files read again from Kafka, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import type { Refilled } from '../../../src/daemon/refill.ts'
import type { EtlModule } from '../../../src/ports/etl-module.ts'
import type { LakeFault } from '../../sim/lake.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { numberRecord, numbersConfig, pipeline } from '../../support/lane-world.ts'
import { encodeBatch } from '../../support/record-batch.ts'
import { RefillWorld } from '../../support/refill-world.ts'

const numbersOnly = (path: string): boolean => path.startsWith('numbers/')
const everything = (): boolean => true

/**
 * Two commits. The first closes hours 0 and 1, which are announced; the second has a row for each
 * of hours 2 and 3, late ones, and one that does not decode, from two partitions in three batches.
 */
async function lossyWorld(isLost: (path: string) => boolean = everything): Promise<RefillWorld> {
  const world = await RefillWorld.open()
  await world.produce(0, [{ hour: 0 }, { hour: 1 }, { hour: 2 }])
  await world.produce(1, [{ hour: 2 }])
  await world.writer.commits.commitNow()
  for (let rounds = 0; rounds < 5; rounds++) await world.writer.announcer.round()
  await world.produce(0, [{ hour: 2 }, { hour: 0 }, { hour: 2, broken: true }])
  await world.produce(0, [{ hour: 3 }, { hour: 2 }])
  await world.produce(1, [{ hour: 3 }, { hour: 1 }])
  await world.commitLosing(isLost)
  // Read by nobody yet: what is read again ends where the commit ended.
  await world.produce(0, [{ hour: 2 }, { hour: 3 }], false)
  return world
}

const allRows = {
  numbers: ['0:0', '0:1', '0:2', '0:3', '0:6', '0:7', '1:0', '1:1'],
  letters: ['0:4', '0:5', '1:2'],
}

const threeRecordsAt = (baseOffset: bigint): Buffer =>
  Buffer.from(encodeBatch({ baseOffset, records: [1, 2, 3].map((n) => numberRecord({ n })) }))

const kinds = (done: readonly Refilled[]): readonly string[] => done.map(({ kind }) => kind)
const refusals = (done: readonly Refilled[]): string =>
  done.map((one) => (one.kind === 'refused' ? one.because : one.kind)).join(' | ')

async function refill(world: RefillWorld): Promise<readonly Refilled[]> {
  const run = await world.refill()
  return world.clock.run(run.done)
}

test('the world has announced hours, so that some of what is read again is late', async () => {
  const world = await lossyWorld()
  const { partitions } = judgeLog(world.store, pipeline).state.streams.get('numbers') ?? {}
  const places = [...(partitions?.values() ?? [])].map(
    ({ place, counts }) => `${place} ${counts.late}`,
  )
  expect(places.sort()).toEqual(['announced 1', 'announced 1', 'open 0', 'open 0'])
})

describe('files that are gone', () => {
  test.each([
    ['all of a commit', everything, 3],
    ['those of a stream', numbersOnly, 2],
    ['dead letters', (path: string) => !numbersOnly(path), 1],
  ])('%s come back, each row once', async (_name, isLost, count) => {
    const world = await lossyWorld(isLost)
    expect((await world.rows()).numbers.length).toBeLessThanOrEqual(8)
    const done = await refill(world)
    expect(kinds(done), refusals(done)).toEqual(Array.from({ length: count }, () => 'refilled'))
    await world.finish()
    expect(await world.rows()).toEqual(allRows)
    expect(world.astray()).toEqual([])
    expect(world.staged()).toEqual([])
    expect(await refill(world)).toEqual([])
  })

  test('come back where a swap had put them: lost on their way home', async () => {
    const world = await RefillWorld.open()
    await world.produce(0, [{ hour: 0 }])
    await world.writer.commits.commitNow()
    await world.produce(0, [{ hour: 0 }, { hour: 0 }])
    await world.commitSpilled('numbers')
    await world.homeLosing(numbersOnly)
    expect(world.astray().map((path) => path.startsWith('numbers/'))).toEqual([true, false])
    const done = await refill(world)
    expect(kinds(done), refusals(done)).toEqual(['refilled'])
    await world.finish()
    expect(await world.rows()).toEqual({ numbers: ['0:0', '0:1', '0:2'], letters: [] })
    expect(world.astray()).toEqual([])
    expect(world.staged()).toEqual([])
    expect(await refill(world)).toEqual([])
  })

  test('are not given up while the file stands that the lost one is a copy of', async () => {
    const world = await RefillWorld.open()
    await world.produce(0, [{ hour: 0 }])
    await world.commitSpilled('numbers')
    await world.homeLosing(numbersOnly)
    const [home = ''] = world.lost.keys()
    const spilled = world.astray().find((path) => path !== home) ?? ''
    expect(await world.giveUp()).toMatchObject([
      {
        kind: 'refused',
        because: `"${spilled}" holds the rows of "${home}": copy it there, or refill without --lost`,
      },
    ])
    // The operator does as he is told.
    const copy = world.store.get(spilled)
    if (copy !== undefined) world.store.set(home, copy)
    expect(await world.giveUp()).toEqual([])
    await world.finish()
    expect(await world.rows()).toEqual({ numbers: ['0:0'], letters: [] })
    expect(world.astray()).toEqual([])
  })

  test('are given up where the spilled file is gone as well, or is another by now', async () => {
    for (const isDamaged of [false, true]) {
      const world = await RefillWorld.open()
      await world.produce(0, [{ hour: 0 }])
      await world.commitSpilled('numbers')
      await world.homeLosing(numbersOnly)
      const [home = ''] = world.lost.keys()
      const spilled = world.astray().find((path) => path !== home) ?? ''
      const { body, ...stored } = present(world.store.get(spilled), 'the spilled file stands')
      if (isDamaged) world.store.set(spilled, { ...stored, body: body.map((byte) => byte ^ 1) })
      else world.store.delete(spilled)
      expect(await world.giveUp()).toMatchObject([{ kind: 'given-up' }])
      await world.finish()
      expect(await world.rows()).toEqual({ numbers: [], letters: [] })
    }
  })

  test('are read again as they were, whatever was announced meanwhile and whoever reads on', async () => {
    const world = await lossyWorld()
    const { state } = judgeLog(world.store, pipeline)
    await refill(world)
    await world.finish()
    const after = judgeLog(world.store, pipeline).state
    expect(after.positions).toEqual(state.positions)
    const counts = [state, after].map(({ streams }) =>
      [...(streams.get('numbers')?.partitions.values() ?? [])].map((at) => at.counts),
    )
    expect(counts[1]).toEqual(counts[0])
  })
})

describe('what cannot be read again is refused, and put nothing in its place', () => {
  const refused = async (world: RefillWorld): Promise<string> => {
    const before = judgeLog(world.store, pipeline).entries.length
    const done = await refill(world)
    expect(new Set(kinds(done))).toEqual(new Set(['refused']))
    expect(judgeLog(world.store, pipeline).entries.length).toBe(before)
    return refusals(done)
  }

  test('records that retention passed', async () => {
    const world = await lossyWorld()
    world.kafka.truncate({ topic: 'events', partition: 0 }, 6n)
    expect(await refused(world)).toContain(
      '"events/0" [3, 8): Kafka begins at 6, 3 offsets are gone',
    )
  })

  test('late rows of an announced partition; a copy at its place is taken for published', async () => {
    const late = { name: 'numbers', more: ['late: { policy: append }'] }
    const world = await RefillWorld.open({ config: await numbersConfig([late]) })
    await world.produce(0, [{ hour: 0 }, { hour: 1 }])
    await world.produce(1, [{ hour: 1 }])
    await world.writer.commits.commitNow()
    for (let rounds = 0; rounds < 5; rounds++) await world.writer.announcer.round()
    await world.produce(1, [{ hour: 0 }])
    await world.commitLosing(numbersOnly)
    expect(await refused(world)).toContain('it is announced: restore its files from a copy')
    expect(world.astray()).toEqual([...world.lost.keys()])
    for (const [path, copy] of world.lost) world.store.set(path, copy)
    await world.finish()
    expect(judgeLog(world.store, pipeline).state.unpublished.size).toBe(0)
    expect(world.astray()).toEqual([])
  })

  test('a topic that was made anew', async () => {
    const world = await lossyWorld()
    world.kafka.createTopic('events', 2)
    expect(await refused(world)).toContain('the brokers have no topic id')
  })

  test('a partition without a leader', async () => {
    const world = await lossyWorld()
    world.kafka.loseLeader({ topic: 'events', partition: 1 })
    expect(await refused(world)).toContain('"events/1" [1, 3): no leader answers')
  })

  test('batches that do not end where the commit ended', async () => {
    const world = await lossyWorld()
    const log = world.kafka.log({ topic: 'events', partition: 1 })
    const [first, second] = [log?.batches[0], log?.batches[1]]
    if (first === undefined || second === undefined) throw new Error('there are two batches')
    // As a broker that writes batches anew: [1, 3) has become a part of [1, 4).
    log?.batches.splice(1, 2, { ...second, next: 4n, bytes: threeRecordsAt(1n) })
    if (log !== undefined) log.end = 4n
    await expect(refill(world)).rejects.toMatchObject({
      code: 'KAFKA_BATCHES_REWRITTEN',
      message: expect.stringContaining('"events/1" was read in batches that ended at offset 3'),
    })
  })

  test('an entry that another configuration made', async () => {
    const world = await lossyWorld()
    const other = await numbersConfig([{ name: 'numbers', more: ['file: { level: 2 }'] }])
    Object.assign(world, { config: other })
    const told = await refused(world)
    expect(told).toContain(`of checksum ${world.writer.config.checksum}, this one has`)
    expect(told).toContain('--config')
  })

  test('an entry that was deleted with the old ones', async () => {
    const world = await lossyWorld()
    const run = await world.refill(undefined, undefined, new Map())
    expect(refusals(await world.clock.run(run.done))).toMatch(/entry \d+ is deleted/)
  })
})

describe('brokers that', () => {
  test('deliver what was delivered before: it is taken once', async () => {
    const world = await lossyWorld()
    const open = world.kafka.source.bind(world.kafka)
    world.kafka.source = (topics, group) => {
      const source = open(topics, group)
      const begin = source.open.bind(source)
      source.open = async (reader) => {
        let isFirst = true
        const at = { topic: 'events', partition: 0 }
        world.kafka.hold(at, 6n)
        const take = reader.onFetched.bind(reader)
        reader.onFetched = async (answer) => {
          await take(answer)
          if (!isFirst) return
          isFirst = false
          source.rewind(3n)
          world.kafka.hold(at, undefined)
        }
        await begin(reader)
      }
      return source
    }
    expect(new Set(kinds(await refill(world)))).toEqual(new Set(['refilled']))
    await world.finish()
    expect(await world.rows()).toEqual(allRows)
  })

  test('have another topic under the name once reading has begun: told as such', async () => {
    const world = await lossyWorld()
    const open = world.kafka.source.bind(world.kafka)
    world.kafka.source = (topics, group) => {
      const source = open(topics, group)
      const begin = source.open.bind(source)
      source.open = async (reader) => {
        await begin(reader)
        const [at] = world.sources
        if (at === undefined) throw new Error('the topic has partitions')
        const ids = { topicPartition: 'events/0', logHas: at.topicId, brokerHas: at.topicId }
        reader.onRefused(at, new Fault('KAFKA_TOPIC_RECREATED', ids))
      }
      return source
    }
    await expect(refill(world)).rejects.toMatchObject({ code: 'KAFKA_TOPIC_RECREATED' })
  })
})

test('who gives up waiting ends it, and the log is as it was', async () => {
  const world = await lossyWorld()
  const open = world.kafka.source.bind(world.kafka)
  world.kafka.source = (topics, group) =>
    Object.assign(open(topics, group), { open: async () => {} })
  const before = judgeLog(world.store, pipeline).entries.length
  const ending = new AbortController()
  const run = await world.refill(undefined, ending.signal)
  const stop = world.clock.sleep(durationMs(60_000)).then(() => ending.abort(new Error('stopped')))
  await expect(world.clock.run(Promise.all([run.done, stop]))).rejects.toThrow('stopped')
  expect(judgeLog(world.store, pipeline).entries.length).toBe(before)
})

test('a module that makes other rows than before: nothing is put', async () => {
  let rowsEach = 1
  const module: EtlModule = {
    run: async ({ payloads, payloadNext }) => {
      const rowNext = payloadNext.slice()
      const eventRowNext = Int32Array.from(rowNext, (_, at) => (at + 1) * rowsEach)
      const rows = payloads.slice()
      if (rowsEach === 0)
        return {
          kind: 'done',
          result: { rows: new Uint8Array(), rowNext: new Int32Array(), eventRowNext, failures: [] },
        }
      return { kind: 'done', result: { rows, rowNext, eventRowNext, failures: [] } }
    },
    close: async () => {},
  }
  const world = await RefillWorld.open({ modules: new Map([[0, module]]) })
  await world.produce(0, [{ hour: 0 }, { hour: 0 }])
  await world.commitLosing(everything)
  rowsEach = 0
  expect(refusals(await refill(world))).toBe('reading again gave 0 rows, the entry has 2')
  rowsEach = 1
  expect(kinds(await refill(world))).toEqual(['refilled'])
})

/** Two rows whose files are gone; small, for each is made anew for each call that fails. */
const losses: readonly (readonly [string, () => Promise<RefillWorld>])[] = [
  ['of an entry', lostByTheirEntry],
  ['of a swap', lostOnTheirWayHome],
]

async function lostByTheirEntry(): Promise<RefillWorld> {
  const world = await RefillWorld.open()
  await world.produce(0, [{ hour: 0 }, { hour: 0 }])
  await world.commitLosing(everything)
  return world
}

async function lostOnTheirWayHome(): Promise<RefillWorld> {
  const world = await RefillWorld.open()
  await world.produce(0, [{ hour: 0 }, { hour: 0 }])
  await world.commitSpilled('numbers')
  await world.homeLosing(numbersOnly)
  const { entries } = judgeLog(world.store, pipeline)
  expect(entries.at(-1)).toMatchObject({ entry: { kind: 'swap' }, decided: true })
  return world
}

const moments = ['before-effect', 'after-effect', 'lands-late'] as const
const faults = moments.flatMap((moment) => losses.map(([of, lossy]) => ({ moment, of, lossy })))

describe.each(faults)('files $of, fault $moment', ({ moment, lossy }) => {
  test('at any one call: it ends right, or the operator asks again', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const world = await lossy()
      const run = await world.refill({ failAt, moment, lasting: 'once' })
      await world.clock.run(run.done.catch(() => []))
      run.lake.settle()
      await refill(world)
      await expectWhole(world, `failAt=${failAt}`)
      if (run.lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(10)
  })

  test('from any call on: the process ends, another finishes it or begins anew', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const world = await lossy()
      const isReached = await refillUntilKilled(world, { failAt, moment, lasting: 'forever' })
      await world.finish()
      await refill(world)
      await expectWhole(world, `failAt=${failAt}`)
      if (!isReached) break
    }
    expect(failAt).toBeGreaterThan(10)
  })
})

async function expectWhole(world: RefillWorld, message: string): Promise<void> {
  await world.finish()
  expect(await world.rows(), message).toEqual({ numbers: ['0:0', '0:1'], letters: [] })
  expect(world.astray(), message).toEqual([])
  expect(world.staged(), message).toEqual([])
}

/** @returns whether the fault was reached. */
async function refillUntilKilled(world: RefillWorld, fault: LakeFault): Promise<boolean> {
  const ending = new AbortController()
  const { clock } = world
  const run = await world.refill(fault, ending.signal)
  const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
  await clock.run(Promise.all([run.done.catch(() => undefined), killer]))
  run.lake.settle()
  return run.lake.calls >= fault.failAt
}
