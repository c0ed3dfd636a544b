import { expect, test } from 'vitest'
import { durationMs, monotonicMs, unixMs } from '../../../src/base/time.ts'
import { commitIdOf } from '../../../src/model/ids.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { type DeliveryFacts, planDeliveries } from '../../../src/readiness/delivery-plan.ts'
import { sampleHour, sampleManifest, stream, table } from '../../support/log-samples.ts'
import { writerA } from '../../support/readiness-world.ts'

const target = 'webhook:http://a/'
const hour = sampleHour(13)
const waiting = (revision: number) => ({
  manifest: { ...sampleManifest(13, revision), logEntry: revision },
  entry: revision,
  targets: [target],
  decidedAtMs: unixMs(revision),
})

/** Both revisions wait, the second one is announced. */
function facts(more: Partial<DeliveryFacts> = {}): DeliveryFacts {
  const folded = {
    table,
    partition: hour,
    place: 'announced',
    version: commitIdOf(writerA, 2),
    files: [],
    counts: sampleManifest(13).counts,
    revision: 2,
    manifest: waiting(2).manifest,
  } as const
  const partitions = new Map([[hour.path, folded]])
  const streams = new Map([
    [stream, { progress: new Map(), partitions, announcedNextMs: hour.nextMs }],
  ])
  return {
    target,
    fold: { ...emptyFold(), streams, undelivered: [waiting(1), waiting(2)] },
    writerId: writerA,
    lakeNowMs: unixMs(10),
    nowMs: monotonicMs(0),
    takeOverAfterMs: durationMs(1),
    deadlineMs: durationMs(60_000),
    lingersMs: durationMs(0),
    acknowledged: new Set(),
    seenAtMs: new Map(),
    sent: new Set(),
    isHeld: () => false,
    ...more,
  }
}

test('a revision that was overtaken before it was sent is left out, and never read back', () => {
  const sent = ({ sends }: { sends: readonly { revision: number }[] }) =>
    sends.map(({ revision }) => revision)
  expect(planDeliveries(facts()).map(sent)).toEqual([[2]])
  const first = waiting(1).manifest.id
  const seenAtMs = new Map([[first, monotonicMs(0)]])
  const late = { sent: new Set([first]), seenAtMs, nowMs: monotonicMs(600_000) }
  const [plan] = planDeliveries(facts(late))
  expect(plan?.readBacks).toEqual([])
})
