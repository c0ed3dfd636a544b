/** Events that users' modules have while a lane seals or starts over. */
import { expect, test } from 'vitest'
import type { EtlModule, EtlOutcome } from '../../../src/ports/etl-module.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  fetchedNumbers,
  type LaneWorld,
  openLaneWorld,
  owning,
  pipeline,
  settle,
} from '../../support/lane-world.ts'

/** A module that gives each event back as one row, when it is told to. */
class PatientModule implements EtlModule {
  readonly #waiting: (() => void)[] = []

  run({ payloads, payloadNext }: Parameters<EtlModule['run']>[0]): Promise<EtlOutcome> {
    const bytes = payloads.slice()
    const rowNext = payloadNext.slice()
    const eventRowNext = Int32Array.from(rowNext, (_, at) => at + 1)
    const result = { rows: bytes, rowNext, eventRowNext, failures: [] }
    return new Promise((resolve) => this.#waiting.push(() => resolve({ kind: 'done', result })))
  }

  finish(): void {
    for (const done of this.#waiting.splice(0)) done()
  }

  async close(): Promise<void> {}
}

async function patientWorld(): Promise<{ world: LaneWorld; module: PatientModule }> {
  const module = new PatientModule()
  const world = await openLaneWorld({ modules: new Map([[0, module]]) })
  await owning(world, 0)
  return { world, module }
}

/** Rows and read events of all decided appends. */
const committed = ({ store }: LaneWorld): readonly string[] =>
  judgeLog(store, pipeline).entries.flatMap(({ entry, decided }) => {
    if (!decided || entry.kind !== 'append' || entry.body.counts.length === 0) return []
    const rows = entry.body.files.reduce((sum, { rowCount }) => sum + rowCount, 0)
    return [`${rows} rows of ${entry.body.counts.reduce((sum, at) => sum + at.counts.read, 0)}`]
  })

test('a seal waits for rows under way, and lets nothing in meanwhile', async () => {
  const { world, module } = await patientWorld()
  await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 2)])
  const commit = world.commits.commitNow()
  await settle(world.clock)
  let isTaken = false
  const next = world.lane.onFetched([fetchedNumbers(world.at(0), 2, 5)]).then(() => {
    isTaken = true
  })
  await settle(world.clock)
  expect(isTaken).toBe(false)
  module.finish()
  await Promise.all([commit, next])
  expect(committed(world)).toEqual(['2 rows of 2'])
  await settle(world.clock)
  module.finish()
  await world.commits.commitNow()
  expect(committed(world)).toEqual(['2 rows of 2', '3 rows of 3'])
})

test('rows of events that are read again come once', async () => {
  const { world, module } = await patientWorld()
  const commit = world.lane.commit.bind(world.lane)
  await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 1)])
  await settle(world.clock)
  module.finish()
  world.lane.commit = async () => {
    await world.lane.onFetched([fetchedNumbers(world.at(0), 1, 4)])
    return { kind: 'discarded', because: 'range-moved: for a test' }
  }
  await world.commits.commitNow()
  world.lane.commit = commit
  expect(world.source.takeCalls()).toEqual(['seek events/0 0'])
  await settle(world.clock)
  module.finish()
  await settle(world.clock)
  expect(world.lane.bufferedBytes).toBe(0)
  await world.lane.onFetched([fetchedNumbers(world.at(0), 0, 4)])
  await settle(world.clock)
  module.finish()
  await world.commits.commitNow()
  expect(committed(world)).toEqual(['4 rows of 4'])
  expect(world.fatal).toEqual([])
})
