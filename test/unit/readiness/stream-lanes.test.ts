import { expect, test } from 'vitest'
import { StreamLanes } from '../../../src/readiness/stream-lanes.ts'

/** Jobs that end when they are told to. */
class Jobs {
  readonly begun: string[] = []
  idleCount = 0
  readonly lanes = new StreamLanes(() => {
    this.idleCount += 1
  })
  readonly #ends = new Map<string, (error?: Error) => void>()

  of(stream: string, isSuspect = false) {
    const run = (): Promise<void> => {
      this.begun.push(stream)
      return new Promise((resolve, reject) => {
        this.#ends.set(stream, (error) => (error === undefined ? resolve() : reject(error)))
      })
    }
    return { stream, isSuspect, run }
  }

  async end(stream: string, error?: Error): Promise<void> {
    this.#ends.get(stream)?.(error)
    // What follows an end comes within a few turns of the microtask queue.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }
}

const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`)

test('a stream has one job at a time, and a job that ends lets the next begin', async () => {
  const jobs = new Jobs()
  const names = named(10, 's')
  jobs.lanes.offer(names.map((name) => jobs.of(name)))
  expect(jobs.begun).toEqual(names.slice(0, 8))
  expect(jobs.lanes.isBusy('s0')).toBe(true)
  expect(jobs.lanes.hasRoom({ stream: 's9', isSuspect: false })).toBe(false)
  await jobs.end('s3')
  expect(jobs.begun.slice(8)).toEqual(['s8'])
  expect(jobs.idleCount).toBe(0)
  jobs.lanes.offer([jobs.of('s0'), jobs.of('s9')])
  await jobs.end('s4')
  expect(jobs.begun.slice(9)).toEqual(['s9'])
  await jobs.end('s5')
  // s0 waits for itself.
  expect(jobs.begun).toHaveLength(10)
  expect(jobs.idleCount).toBe(1)
})

test('streams whose deliveries fail never take all places', async () => {
  const jobs = new Jobs()
  const suspects = named(20, 'hanging').map((name) => jobs.of(name, true))
  jobs.lanes.offer(suspects)
  expect(jobs.begun).toHaveLength(4)
  jobs.lanes.offer([...suspects, jobs.of('well')])
  expect(jobs.begun.slice(4)).toEqual(['well'])
  await jobs.end('hanging0')
  expect(jobs.begun.slice(5)).toEqual(['hanging4'])
})

test('the stream that was served longest ago comes first', async () => {
  const jobs = new Jobs()
  const names = named(9, 's')
  const all = (): void => jobs.lanes.offer(names.map((name) => jobs.of(name)))
  all()
  for (const name of names.slice(0, 8)) await jobs.end(name)
  // The ninth has begun; the others begin in the order in which they did before.
  jobs.begun.length = 0
  all()
  expect(jobs.begun).toEqual(names.slice(0, 7))
  await jobs.end('s8')
  expect(jobs.begun).toEqual(names.slice(0, 8))
  jobs.lanes.keep(new Set())
})

test('what a job throws is thrown to who asks, and others end in peace', async () => {
  const jobs = new Jobs()
  jobs.lanes.offer([jobs.of('a'), jobs.of('b')])
  jobs.lanes.rethrow()
  await jobs.end('a', new Error('our mistake'))
  expect(() => jobs.lanes.rethrow()).toThrow('our mistake')
  let isOver = false
  const over = jobs.lanes.end().then(() => {
    isOver = true
  })
  await Promise.resolve()
  expect(isOver).toBe(false)
  await jobs.end('b')
  await over
})
