import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import {
  type ApiEvent,
  ApiServer,
  type ApiServerOptions,
  jsonAnswer,
} from '../../../../src/adapters/http/api-server.ts'

const opened: ApiServer[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close()
})

async function serve(options: Partial<ApiServerOptions> = {}): Promise<string> {
  const server = new ApiServer({
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    routes: [
      {
        method: 'GET',
        path: '/livez',
        isOpen: true,
        answer: () => jsonAnswer(200, { alive: true }),
      },
      {
        method: 'GET',
        path: '/things/:name/parts/:part',
        answer: ({ parameters, query }) =>
          jsonAnswer(200, { ...parameters, limit: query.get('limit'), big: 2n ** 60n }),
      },
      {
        method: 'GET',
        path: '/broken',
        answer: () => {
          throw new Error('it broke')
        },
      },
    ],
    events: { path: '/events', subscribe: () => () => {} },
    ...options,
  })
  opened.push(server)
  return server.listen()
}

test('a route gets the parts of its path, decoded, and 64-bit numbers are text', async () => {
  const address = await serve()
  const response = await fetch(`${address}/things/a%2Fb/parts/dt=2026-11-20?limit=5`)
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    name: 'a/b',
    part: 'dt=2026-11-20',
    limit: '5',
    big: '1152921504606846976',
  })
})

test('who has a tagged answer is told that nothing has changed, and gets no body', async () => {
  let body = 'one'
  const answer = () => ({ status: 200, contentType: 'text/plain', body, isTagged: true }) as const
  const address = await serve({ routes: [{ method: 'GET', path: '/tagged', answer }] })
  const first = await fetch(`${address}/tagged`)
  const tag = first.headers.get('etag') ?? ''
  expect(tag).toMatch(/^"[0-9a-f]{32}"$/)
  expect(first.headers.get('cache-control')).toBe('no-cache')
  expect(await first.text()).toBe('one')
  const asked = (given: string) =>
    fetch(`${address}/tagged`, { headers: { 'If-None-Match': given } })
  for (const given of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const again = await asked(given)
    expect(again.status, given).toBe(304)
    expect(again.headers.get('etag')).toBe(tag)
    expect(await again.text()).toBe('')
  }
  expect((await asked('"other"')).status).toBe(200)
  // Whatever of the answer is another: its end, its beginning, its length.
  for (const other of ['onf', 'tne', 'one ', 'one"why":1', 'one"why":2']) {
    const before = (await asked('')).headers.get('etag') ?? ''
    body = other
    const changed = await asked(before)
    expect(changed.status, other).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(before)
  }
})

test('a path that nobody serves is 404, another method 405, a failure 500 with its reason', async () => {
  const address = await serve()
  const statuses = await Promise.all([
    fetch(`${address}/nothing`),
    fetch(`${address}/livez`, { method: 'POST' }),
    fetch(`${address}/broken`),
    fetch(`${address}/things/%/parts/one`),
  ])
  expect(statuses.map(({ status }) => status)).toEqual([404, 405, 500, 404])
  expect(await statuses[2]?.json()).toEqual({ error: 'it broke' })
})

test('without the token only open routes answer', async () => {
  const address = await serve({ token: 'secret' })
  const ask = async (path: string, token?: string): Promise<number> => {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    return (await fetch(`${address}${path}`, { headers })).status
  }
  expect(await ask('/livez')).toBe(200)
  expect(await ask('/things/a/parts/b')).toBe(401)
  expect(await ask('/things/a/parts/b', 'wrong!')).toBe(401)
  expect(await ask('/nothing')).toBe(401)
  expect(await ask('/events')).toBe(401)
  expect(await ask('/things/a/parts/b', 'secret')).toBe(200)
})

test('who listens gets events as they happen, and is forgotten when gone', async () => {
  const listeners = new Set<(event: ApiEvent) => void>()
  const address = await serve({
    events: {
      path: '/events',
      subscribe: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
  })
  const stop = new AbortController()
  const response = await fetch(`${address}/events`, { signal: stop.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = (await reader?.read())?.value ?? ''
  for (const listener of listeners) listener({ event: 'committed', fields: { entry: 7 } })
  while (!text.includes('\n\nevent')) text += (await reader?.read())?.value ?? ''
  expect(text).toContain('event: committed\ndata: {"entry":7}\n\n')
  stop.abort()
  await expect.poll(() => listeners.size).toBe(0)
})

test('a port that is taken is a fault that names it', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  await expect(serve({ port })).rejects.toMatchObject({ code: 'HTTP_PORT_TAKEN', facts: { port } })
  await new Promise((resolve) => taken.close(resolve))
})
