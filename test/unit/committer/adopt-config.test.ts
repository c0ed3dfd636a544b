import { expect, test } from 'vitest'
import { adoptOrPutConfig } from '../../../src/committer/adopt-config.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'

const streams = [{ name: 'app_events', table: 'ods_app_events', topics: ['growth.events'] }]
const proposal = (checksum: string): Parameters<typeof adoptOrPutConfig>[1] => ({
  checksum,
  streams,
})

function opener(): (seed: number) => Promise<CommitLog> {
  const clock = new SimClock()
  const lake = new SimLake({ clock })
  return (seed) => {
    const shared = { clock, random: new SimRandom(seed), telemetry: new SimTelemetry() }
    return openCommitLog({ lake, pipeline: 'growth', ...shared })
  }
}

test('the first configuration is put, an equal one is adopted, a change follows it', async () => {
  const open = opener()
  const [a, b] = [await open(1), await open(2)]
  expect(await adoptOrPutConfig(a, proposal('x'))).toEqual({ kind: 'put', version: 1 })
  expect(await adoptOrPutConfig(b, proposal('x'))).toEqual({ kind: 'adopted', version: 1 })
  expect(b.state.config).toMatchObject({ version: 1, checksum: 'x', streams })
  expect(await adoptOrPutConfig(b, proposal('y'))).toEqual({ kind: 'put', version: 2 })
  expect(b.state.next).toBe(2)
})

test('two hosts that start at once with one file put it once', async () => {
  const open = opener()
  const logs = [await open(1), await open(2), await open(3)]
  const outcomes = await Promise.all(logs.map((log) => adoptOrPutConfig(log, proposal('x'))))
  const kinds = outcomes.map(({ kind }) => kind).sort()
  expect(kinds).toEqual(['adopted', 'adopted', 'put'])
  expect((await open(4)).state.next).toBe(1)
})

test('of two hosts that start at once with different files, one is told so', async () => {
  const open = opener()
  const [a, b] = [await open(1), await open(2)]
  const outcomes = await Promise.all([
    adoptOrPutConfig(a, proposal('x')),
    adoptOrPutConfig(b, proposal('y')),
  ])
  expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['conflict', 'put'])
  const [put, conflict] = outcomes[0]?.kind === 'put' ? ['x', 'y'] : ['y', 'x']
  expect(conflict).not.toBe(put)
  expect(outcomes.find(({ kind }) => kind === 'conflict')).toMatchObject({ checksum: put })
})
