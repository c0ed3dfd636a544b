import { describe, expect, test } from 'vitest'
import { readyConfig, targetName } from '../../../src/readiness/config.ts'

const plain = { name: 'tell', argv: ['/opt/tell', '', '--queue'] }
const read = (keys: object) => {
  const found = readyConfig.safeParse({ notify: [{ command: { ...plain, ...keys } }] })
  return found.success ? [] : found.error.issues.map(({ message }) => message)
}

describe('the keys of a command', () => {
  test('have their defaults, and come back as they were written', () => {
    const config = readyConfig.parse({ notify: [{ command: plain }] })
    const defaults = { environment: {}, timeout: 10_000, atOnce: 4 }
    expect(config.notify).toEqual([{ kind: 'command', ...plain, ...defaults }])
    expect(config.notify.map(targetName)).toEqual(['command:tell'])
    expect(readyConfig.parse(readyConfig.encode(config))).toEqual(config)
    const more = { environment: { A: '1', TOKEN: 'env:TOKEN' }, timeout: '2s', atOnce: 1 }
    const full = readyConfig.parse({ notify: [{ command: { ...plain, ...more } }] })
    expect(full.notify).toEqual([{ kind: 'command', ...plain, ...more, timeout: 2_000 }])
    expect(readyConfig.parse(readyConfig.encode(full))).toEqual(full)
  })

  test.each([
    [{ name: 'Tell me' }, /has another form/],
    [{ argv: [] }, /an empty list/],
    [{ argv: ['', 'word'] }, /the program is empty/],
    [{ argv: '/opt/tell --queue' }, /is not a list/],
    [{ argv: ['/opt/tell', 7] }, /is not text/],
    [{ argv: ['/opt/tell', 'a\0b'] }, /holds a zero character/],
    [{ argv: ['/opt/tell', 'x'.repeat(4_097)] }, /is too long/],
    [{ argv: Array.from({ length: 65 }, () => 'x') }, /too many words/],
    [{ environment: { LAKEWARD_ID: 'mine' } }, /./],
    [{ environment: { '1A': 'x' } }, /./],
    [{ environment: { A: 'env:' } }, /is not a reference/],
    [{ environment: { A: 'hunter2\0' } }, /holds a zero character/],
    [{ environment: { A: 7 } }, /is not text/],
    [{ timeout: '11s' }, /is more than 10s/],
    [{ timeout: 10 }, /has no unit/],
    [{ atOnce: 9 }, /is more than 8/],
    [{ atOnce: 0 }, /is less than 1/],
    [{ shell: true }, /./],
  ])('%j is refused', (keys, because) => {
    const messages = read(keys).join()
    expect(messages).toMatch(because)
    expect(messages).not.toContain('hunter2')
  })
})

test.each([
  [{ topic: 'a', format: 'avro' }, /is not one of the accepted words/],
  [{ topic: 'a', transactional: 'yes' }, /is neither true nor false/],
])('a topic as a target with %j is refused', (keys, because) => {
  const found = readyConfig.safeParse({ notify: [{ kafka: keys }] })
  expect(found.error?.issues.map(({ message }) => message).join()).toMatch(because)
})

test('a topic as a target is JSON without transactions, unless told', () => {
  const config = readyConfig.parse({
    notify: [
      { kafka: { topic: 'a' } },
      { kafka: { topic: 'b', format: 'protobuf', transactional: true } },
    ],
  })
  expect(config.notify).toEqual([
    { kind: 'kafka', topic: 'a', format: 'json', transactional: false },
    { kind: 'kafka', topic: 'b', format: 'protobuf', transactional: true },
  ])
  expect(readyConfig.parse(readyConfig.encode(config))).toEqual(config)
})
