import { expect, test } from 'vitest'
import type { ApiEvent } from '../../../src/adapters/http/api-server.ts'
import { EventFeed } from '../../../src/daemon/event-feed.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'

test('who listens hears of announcements and of gaps that are skipped, and of nothing else', () => {
  const feed = new EventFeed()
  const telemetry = new SimTelemetry()
  const { log } = feed.over(telemetry)
  const heard: ApiEvent[] = []
  const leave = feed.subscribe((event) => heard.push(event))
  log.info('partition-announced', { id: 'a/b/c/1' })
  log.warn('partitions-skipped', { stream: 'app_events', partitions: 800 })
  log.info('drained', {})
  leave()
  log.warn('partitions-skipped', { stream: 'app_events', partitions: 900 })
  expect(heard).toEqual([
    { event: 'partition-announced', fields: { id: 'a/b/c/1' } },
    { event: 'partitions-skipped', fields: { stream: 'app_events', partitions: 800 } },
  ])
  expect(telemetry.events.map(({ event }) => event)).toEqual([
    'partition-announced',
    'partitions-skipped',
    'drained',
    'partitions-skipped',
  ])
})
