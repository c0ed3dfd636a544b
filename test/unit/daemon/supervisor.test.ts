import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { partitionPath } from '../../../src/daemon/api.ts'
import { supervisedRoutes } from '../../../src/daemon/supervised-api.ts'
import { restartDelayMs, Supervisor } from '../../../src/daemon/supervisor.ts'
import type {
  Worker,
  WorkerAnswer,
  WorkerEnd,
  WorkerEvent,
  WorkerQuestion,
  Workers,
} from '../../../src/ports/workers.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'

/** A worker that a test ends and has answer. */
class HandWorker implements Worker {
  readonly pid = 1
  readonly index: number
  readonly onEvent: (event: WorkerEvent) => void
  readonly asked: WorkerQuestion[] = []
  isStopped = false
  answer: WorkerAnswer | undefined
  readonly #end = Promise.withResolvers<WorkerEnd>()

  constructor(index: number, onEvent: (event: WorkerEvent) => void) {
    this.index = index
    this.onEvent = onEvent
  }

  get ended(): Promise<WorkerEnd> {
    return this.#end.promise
  }

  end(code: number | null, signal: string | null = null): void {
    this.#end.resolve({ code, signal })
  }

  async ask(question: WorkerQuestion): Promise<WorkerAnswer | undefined> {
    this.asked.push(question)
    return this.answer
  }

  stop(): void {
    this.isStopped = true
    this.end(0)
  }
}

class HandWorkers implements Workers {
  readonly started: HandWorker[] = []

  start(index: number, onEvent: (event: WorkerEvent) => void): Worker {
    const worker = new HandWorker(index, onEvent)
    this.started.push(worker)
    return worker
  }

  /** The newest of a place. */
  at(index: number): HandWorker {
    const worker = this.started.findLast((each) => each.index === index)
    if (worker === undefined) throw new Error(`worker ${index} was not started`)
    return worker
  }
}

function world(workerCount: number) {
  const clock = new SimClock()
  const workers = new HandWorkers()
  const telemetry = new SimTelemetry()
  const supervisor = new Supervisor({ workerCount, workers, clock, log: telemetry.log })
  supervisor.start()
  const pass = (ms: number): Promise<void> => clock.run(clock.sleep(durationMs(ms)))
  return { clock, workers, telemetry, supervisor, pass }
}

const json = (status: number, value: unknown): WorkerAnswer => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify(value),
})

test('delays double from a quarter of a second to a minute', () => {
  const delays = [1, 2, 3, 8, 9, 500].map(restartDelayMs)
  expect(delays).toEqual([250, 500, 1_000, 32_000, 60_000, 60_000])
})

describe('a worker that ends', () => {
  test('is started again after a while, and the others stay', async () => {
    const { workers, supervisor, pass } = world(2)
    expect(workers.started.map(({ index }) => index)).toEqual([0, 1])
    workers.at(1).end(1)
    await pass(249)
    expect(supervisor.states.map(({ worker }) => worker !== undefined)).toEqual([true, false])
    await pass(1)
    expect(workers.started.map(({ index }) => index)).toEqual([0, 1, 1])
    expect(supervisor.states[1]).toMatchObject({ restarts: 1, lastEnd: { code: 1 } })
  })

  test('waits longer each time, and begins anew after a minute of life or a commit', async () => {
    const { workers, pass } = world(1)
    const startsAfter = async (ms: number): Promise<boolean> => {
      const before = workers.started.length
      await pass(ms - 1)
      expect(workers.started).toHaveLength(before)
      await pass(1)
      return workers.started.length === before + 1
    }
    workers.at(0).end(1)
    expect(await startsAfter(250)).toBe(true)
    workers.at(0).end(0)
    expect(await startsAfter(500)).toBe(true)
    await pass(59_999)
    workers.at(0).end(null, 'SIGKILL')
    expect(await startsAfter(1_000)).toBe(true)
    await pass(60_000)
    workers.at(0).end(1)
    expect(await startsAfter(250)).toBe(true)
    workers.at(0).end(1)
    expect(await startsAfter(500)).toBe(true)
    workers.at(0).onEvent({ event: 'committed', fields: {} })
    workers.at(0).end(1)
    expect(await startsAfter(250)).toBe(true)
    workers.at(0).end(1)
    expect(await startsAfter(500)).toBe(true)
  })

  test('is told as an error, with how it ended', async () => {
    const { workers, telemetry, pass } = world(1)
    workers.at(0).end(null, 'SIGKILL')
    await pass(1)
    expect(telemetry.events).toContainEqual(
      expect.objectContaining({
        level: 'error',
        event: 'worker ended',
        fields: expect.objectContaining({ worker: 0, signal: 'SIGKILL', restartMs: 250 }),
      }),
    )
  })
})

describe('stopping', () => {
  test('drains all, and is well when each ended with 0', async () => {
    const { clock, workers, supervisor } = world(3)
    expect(await clock.run(supervisor.stop())).toBe(true)
    expect(workers.started.map(({ isStopped }) => isStopped)).toEqual([true, true, true])
  })

  test('is not well when one fails while it drains', async () => {
    const { clock, workers, supervisor } = world(2)
    workers.at(1).stop = () => workers.at(1).end(1)
    expect(await clock.run(supervisor.stop())).toBe(false)
  })

  test('starts nothing any more of what waits to be started', async () => {
    const { clock, workers, supervisor, pass } = world(1)
    workers.at(0).end(1)
    await pass(10)
    expect(await clock.run(supervisor.stop())).toBe(true)
    await pass(120_000)
    expect(workers.started).toHaveLength(1)
  })
})

test('events of all are passed on with the worker they come from, until nobody listens', () => {
  const { workers, supervisor } = world(2)
  const heard: WorkerEvent[] = []
  const stop = supervisor.subscribe((event) => heard.push(event))
  workers.at(1).onEvent({ event: 'committed', fields: { rows: 3 } })
  stop()
  workers.at(0).onEvent({ event: 'committed', fields: { rows: 4 } })
  expect(heard).toEqual([{ event: 'committed', fields: { worker: 1, rows: 3 } }])
})

describe('over HTTP', () => {
  const routes = [
    { method: 'GET', path: '/readyz', isOpen: true },
    { method: 'GET', path: '/metrics' },
    { method: 'GET', path: '/api/v1/streams/:name' },
    { method: 'GET', path: partitionPath },
    { method: 'GET', path: '/api/v1/streams' },
    { method: 'GET', path: '/api/v1/log' },
    { method: 'GET', path: '/api/v1/openapi.json' },
  ] as const
  const request = { parameters: { name: 'a b' }, query: new URLSearchParams('x=1') }

  function asked(path: string, at: ReturnType<typeof world>) {
    const route = supervisedRoutes(at.supervisor, routes).find((each) => each.path === path)
    if (route === undefined) throw new Error(`no route ${path}`)
    return route.answer(request)
  }

  test('all are ready or nobody is, with the reasons of each', async () => {
    const at = world(3)
    for (const worker of at.workers.started) worker.answer = json(200, { ready: true, reasons: [] })
    expect(await asked('/readyz', at)).toMatchObject({ status: 200 })
    at.workers.at(0).answer = json(503, { ready: false, reasons: ['the lake is away'] })
    at.workers.at(1).answer = undefined
    at.workers.at(2).end(null, 'SIGKILL')
    await at.pass(1)
    const { status, body } = await asked('/readyz', at)
    expect(status).toBe(503)
    expect(JSON.parse(body).reasons).toEqual([
      'worker 0: the lake is away',
      'worker 1: no answer',
      'worker 2: ended by SIGKILL, is started again',
    ])
  })

  test('metrics are those of all that answer, and which workers run', async () => {
    const at = world(2)
    at.workers.at(1).answer = { status: 200, contentType: 'text/x', body: '# TYPE m gauge\nm 4\n' }
    at.workers.at(0).end(1)
    await at.pass(1)
    const { contentType, body } = await asked('/metrics', at)
    expect(contentType).toBe('text/x')
    expect(body.split('\n').filter((line) => !line.startsWith('#'))).toEqual([
      'm{worker="1"} 4',
      'lakeward_worker_up{worker="0"} 0',
      'lakeward_worker_up{worker="1"} 1',
      'lakeward_worker_restarts_total{worker="0"} 1',
      'lakeward_worker_restarts_total{worker="1"} 0',
      '',
    ])
  })

  test('what a worker says of a partition is tagged, as its own server would tag it', async () => {
    const at = world(1)
    at.workers.at(0).answer = json(200, { stream: 'a' })
    expect(await asked(partitionPath, at)).toMatchObject({ status: 200, isTagged: true })
    expect(await asked('/api/v1/streams/:name', at)).not.toHaveProperty('isTagged')
  })

  test('one worker answers for all: the first that is not in trouble', async () => {
    const at = world(3)
    at.workers.at(1).answer = json(503, { error: 'the commit log is not open yet' })
    at.workers.at(2).answer = json(200, { name: 'a b' })
    expect(await asked('/api/v1/streams/:name', at)).toMatchObject({ status: 200 })
    expect(at.workers.at(2).asked).toEqual([
      { method: 'GET', path: '/api/v1/streams/:name', parameters: { name: 'a b' }, query: 'x=1' },
    ])
    at.workers.at(2).answer = undefined
    expect((await asked('/api/v1/streams/:name', at)).body).toContain('not open yet')
    at.workers.at(1).answer = undefined
    const none = await asked('/api/v1/streams/:name', at)
    expect([none.status, none.body]).toEqual([503, '{"error":"no worker answers"}\n'])
  })

  describe('of a log with shards', () => {
    const groups = [
      { name: 'first', streams: ['a b'], first: 0, next: 2 },
      { name: 'clicks', streams: ['clicks'], first: 2, next: 4 },
    ]
    function of(path: string, at: ReturnType<typeof world>, parameters = {}) {
      const all = supervisedRoutes(at.supervisor, routes, groups)
      const route = all.find((each) => each.path === path)
      if (route === undefined) throw new Error(`no route ${path}`)
      return route.answer({ parameters, query: new URLSearchParams() })
    }

    test('a worker of the shard of the stream answers', async () => {
      const at = world(4)
      at.workers.at(0).answer = json(200, { name: 'a b' })
      at.workers.at(3).answer = json(200, { name: 'clicks' })
      const path = '/api/v1/streams/:name'
      expect((await of(path, at, { name: 'clicks' })).body).toContain('clicks')
      expect((await of(path, at, { name: 'a b' })).body).toContain('a b')
      expect(at.workers.at(0).asked).toHaveLength(1)
      const none = await of(path, at, { name: 'other' })
      expect([none.status, JSON.parse(none.body).known]).toEqual([404, ['a b', 'clicks']])
    })

    test('lists are one list, all else stands under its shard, what is the same once', async () => {
      const at = world(4)
      at.workers.at(1).answer = json(200, [{ name: 'a b' }])
      at.workers.at(2).answer = json(200, [{ name: 'clicks' }])
      const list = await of('/api/v1/streams', at)
      expect(JSON.parse(list.body)).toEqual([{ name: 'a b' }, { name: 'clicks' }])
      at.workers.at(1).answer = json(200, { next: 4 })
      at.workers.at(2).answer = json(200, { next: 9 })
      const logs = { shards: { first: { next: 4 }, clicks: { next: 9 } } }
      expect(JSON.parse((await of('/api/v1/log', at)).body)).toEqual(logs)
      at.workers.at(2).answer = json(200, { next: 4 })
      const same = await of('/api/v1/openapi.json', at)
      expect(JSON.parse(same.body)).toEqual({ next: 4 })
    })

    test('a shard of which nobody answers is no answer of all', async () => {
      const at = world(4)
      at.workers.at(0).answer = json(200, [{ name: 'a b' }])
      expect((await of('/api/v1/streams', at)).status).toBe(503)
    })
  })
})
