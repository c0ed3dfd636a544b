import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import { apiRoutes, eventsPath, partitionPath } from '../../../src/daemon/api.ts'
import { apiDocument } from '../../../src/daemon/api-document.ts'
import type { Daemon } from '../../../src/daemon/daemon.ts'
import { openLaneWorld } from '../../support/lane-world.ts'

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
