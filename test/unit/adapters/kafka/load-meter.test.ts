import { expect, test } from 'vitest'
import { LoadMeter } from '../../../../src/adapters/kafka/load-meter.ts'
import {
  type DurationMs,
  type MonotonicMs,
  monotonicMs,
  unixMs,
} from '../../../../src/base/time.ts'
import { bytesPerSecondMax } from '../../../../src/codec/kafka/group-protocol.ts'
import type { Clock } from '../../../../src/ports/clock.ts'

/** A clock that a test sets. */
class HandClock implements Clock {
  seconds = 0
  nowMs = () => unixMs(0)
  monotonicMs = (): MonotonicMs => monotonicMs(this.seconds * 1_000)
  sleep = async (_span: DurationMs): Promise<void> => {}
}

const t0 = { topic: 't', partition: 0 }
const t1 = { topic: 't', partition: 1 }

function observing() {
  const clock = new HandClock()
  const meter = new LoadMeter(clock)
  /** Every second so many bytes. */
  const run = (seconds: number, bytesPerSecond: number): void => {
    for (let second = 0; second < seconds; second++) {
      clock.seconds++
      meter.add(t0, bytesPerSecond)
    }
  }
  const loadOf = (at: typeof t0): number | undefined =>
    meter.loads().find(({ partition }) => partition === at.partition)?.bytesPerSecond
  return { clock, meter, run, loadOf }
}

test('a steady partition is told with its bytes a second, after a minute as after an hour', () => {
  const { meter, run, loadOf } = observing()
  meter.begin([t0])
  for (const seconds of [60, 540, 3_000]) {
    run(seconds, 5_000)
    expect(loadOf(t0)).toBeGreaterThan(4_950)
    expect(loadOf(t0)).toBeLessThan(5_050)
  }
})

test('nothing is told of the first minute, and a quiet partition is told as quiet then', () => {
  const { clock, meter, run, loadOf } = observing()
  meter.begin([t0, t1])
  run(59, 5_000)
  expect(meter.loads()).toEqual([])
  clock.seconds += 1
  expect(loadOf(t1)).toBe(0)
  expect(loadOf(t0)).toBeGreaterThan(4_000)
})

test('the past counts less the older it is', () => {
  const { meter, run, loadOf } = observing()
  meter.begin([t0])
  run(1_800, 9_000)
  run(300, 0)
  // To a third in the first five minutes: 9,000 / e.
  expect(loadOf(t0)).toBeGreaterThan(3_200)
  expect(loadOf(t0)).toBeLessThan(3_400)
  run(1_800, 0)
  expect(loadOf(t0)).toBeLessThan(20)
})

test('what was given up is told for ten minutes, as it was, and then forgotten', () => {
  const { clock, meter, run, loadOf } = observing()
  meter.begin([t0])
  run(120, 5_000)
  const known = loadOf(t0)
  meter.end([t0])
  meter.add(t0, 1_000_000)
  clock.seconds += 600
  expect(loadOf(t0)).toBe(known)
  clock.seconds += 1
  expect(meter.loads()).toEqual([])
})

test('what was given up before it was observed is not told', () => {
  const { meter, run } = observing()
  meter.begin([t0])
  run(10, 5_000)
  meter.end([t0])
  expect(meter.loads()).toEqual([])
})

test('what is taken back is told as it was until it is observed anew', () => {
  const { meter, run, loadOf } = observing()
  meter.begin([t0])
  run(600, 5_000)
  const known = loadOf(t0)
  meter.end([t0])
  meter.begin([t0])
  run(59, 0)
  expect(loadOf(t0)).toBe(known)
  run(1, 0)
  expect(loadOf(t0)).toBe(0)
})

test('a load beyond what can be told is told as the most that can', () => {
  const { meter, run, loadOf } = observing()
  meter.begin([t0])
  run(60, 2 ** 40)
  expect(loadOf(t0)).toBe(bytesPerSecondMax)
})
