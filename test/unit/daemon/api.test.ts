import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { closeLate } from '../../../src/committer/late-closer.ts'
import { apiRoutes, eventsPath, partitionPath } from '../../../src/daemon/api.ts'
import { apiDocument } from '../../../src/daemon/api-document.ts'
import type { Daemon } from '../../../src/daemon/daemon.ts'
import { openLaneWorld, pipeline } from '../../support/lane-world.ts'
import {
  appendDraft,
  namedFiles,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
} from '../../support/log-samples.ts'

/** A daemon whose log is not open yet: all that the routes may ask of it then. */
const starting = {
  config: { streams: [], ready: { notify: [] } },
  running: undefined,
  health: () => ({ ready: false, reasons: ['could not put "x": no space'] }),
} as unknown as Daemon

const metrics = { contentType: 'text/plain', text: () => Promise.resolve('lakeward_up 1\n') }
const routes = apiRoutes(starting, metrics)

test('what is said of a partition is tagged, and says the same while nothing changes', async () => {
  const { config, running, clock } = await laneWithApi()
  const { answer } = apiRoutes({ config, running } as unknown as Daemon, metrics).find(
    ({ path }) => path === partitionPath,
  ) ?? { answer: () => undefined }
  const parameters = { name: 'numbers', partition: '2026-11-20T13' }
  const asked = async () => await answer({ parameters, query: new URLSearchParams() })
  const first = await asked()
  expect(first).toMatchObject({ status: 200, isTagged: true })
  await clock.run(clock.sleep(durationMs(60_000)))
  expect(await asked()).toEqual(first)
})

test('a partition that was closed is told as announced, for those who ask late', async () => {
  const world = await openLaneWorld()
  const { config, log, lake, clock, telemetry } = world
  const stream = 'numbers'
  const id = log.nextCommitId()
  const partition = sampleHour(13)
  const files = [{ ...sampleFile(id, 13), stream }]
  const body = { files, counts: [{ ...sampleCell(13, 10), stream }] }
  const configVersion = log.state.config.version
  const append = appendDraft(id, { configVersion, places: [{ stream, partition }], body })
  expect((await clock.run(log.put(append))).kind).toBe('decided')
  log.markPublished(id)
  const decidedAt = '1970-01-01T00:00:00.000Z'
  const manifest = { ...sampleManifest(13), decidedAt, stream, ...namedFiles(files) }
  const announcement = { stream, partition, version: id, targets: [], manifest }
  const commitId = log.nextCommitId()
  const ready = { kind: 'ready', commitId, announcements: [announcement] } as const
  expect((await clock.run(log.put(ready))).kind).toBe('decided')
  const { answer } = apiRoutes({ config, running: world } as unknown as Daemon, metrics).find(
    ({ path }) => path === partitionPath,
  ) ?? { answer: () => undefined }
  const parameters = { name: stream, partition: '2026-11-20T13' }
  const asked = async () => {
    const answered = await clock.run(
      Promise.resolve(answer({ parameters, query: new URLSearchParams() })),
    )
    const { place, files, why } = JSON.parse(answered?.body ?? '')
    return { place, files, why }
  }
  const before = await asked()
  expect(before).toMatchObject({ place: 'announced', why: { rule: 'announced' } })
  const closeAfterMs = () => durationMs(0)
  await clock.run(clock.sleep(durationMs(60_000)))
  const closed = await clock.run(closeLate({ lake, log, pipeline, telemetry, closeAfterMs }))
  expect(closed?.kind).toBe('decided')
  expect(log.state.streams.get(stream)?.partitions.size).toBe(0)
  expect(await asked()).toEqual(before)
})

async function laneWithApi() {
  const world = await openLaneWorld()
  return { config: world.config, running: world, clock: world.clock }
}

async function ask(path: string, method = 'GET') {
  const route = routes.find((each) => each.path === path && each.method === method)
  const answer = await route?.answer({
    parameters: { name: 'a', partition: 'b' },
    query: new URLSearchParams(),
  })
  return { status: answer?.status, body: answer?.body ?? '' }
}

test('the OpenAPI document has every path that answers, and no other', () => {
  const answering = routes.filter(({ method, path }) => {
    const documented = path.replaceAll(/:(\w+)/g, '{$1}')
    return method === 'GET' && documented in apiDocument.paths
  })
  const built = routes.filter(({ path }) => !['/', '/api/v1/merge', '/api/v1/cdc'].includes(path))
  const reading = built.filter(({ method }) => method === 'GET')
  expect(answering.length).toBe(reading.length)
  expect(Object.keys(apiDocument.paths).length).toBe(reading.length + 1)
  expect(Object.keys(apiDocument.paths)).toContain(eventsPath)
})

test('readiness is red with its reasons while the log is not open', async () => {
  const { status, body } = await ask('/readyz')
  expect(status).toBe(503)
  expect(JSON.parse(body)).toEqual({ ready: false, reasons: ['could not put "x": no space'] })
  expect((await ask('/livez')).status).toBe(200)
  expect((await ask('/api/v1/log')).status).toBe(503)
})

test('an unknown stream is named together with the known ones', async () => {
  const { status, body } = await ask('/api/v1/streams/:name')
  expect(status).toBe(404)
  expect(JSON.parse(body)).toEqual({ error: 'stream "a" is not configured', known: [] })
})

test('what is not built is refused by name', async () => {
  const { status, body } = await ask('/api/v1/backfills', 'POST')
  expect(status).toBe(501)
  expect(body).toContain('not supported by this version')
})

test('every path of the contract is a route', () => {
  const contract = readFileSync('docs/interfaces.md', 'utf8')
  const section = contract.slice(contract.indexOf('## 5. HTTP'), contract.indexOf('## 6.'))
  for (const path of ['/livez', '/metrics', '/api/v1/openapi.json']) {
    expect(section).toContain(path)
    expect(routes.some((route) => route.path === path)).toBe(true)
  }
  const names = ['streams', 'log', 'ready', 'dlq', 'merge', 'cdc']
  for (const name of names) {
    expect(section).toContain(`/${name}`)
    expect(routes.some((route) => route.path === `/api/v1/${name}`)).toBe(true)
  }
})
