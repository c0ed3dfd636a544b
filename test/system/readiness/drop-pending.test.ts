/** Announcements wait for a target that an operator takes out of the configuration. */
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { writeNumbersConfig } from '../../support/numbers.ts'
import { hourMs, NumbersBroker } from '../../support/numbers-broker.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'

const startMs = Math.floor(Date.now() / hourMs) * hourMs - 24 * hourMs
const hour = new Date(startMs).toISOString().slice(0, 13)
/** Nobody listens there. */
const target =
  'notify: [ { webhook: { url: "http://127.0.0.1:9/gone", secret: "env:HOOK_SECRET" } } ]'

let numbers: NumbersBroker

beforeAll(async () => {
  numbers = await NumbersBroker.open()
})
afterAll(() => numbers.close())

const run = (config: string, ...words: readonly string[]): LakewardProcess => {
  const daemon = new LakewardProcess(['run', '-c', config, ...words], {
    env: { HOOK_SECRET: 'of nobody' },
  })
  onTestFinished(() => daemon.kill())
  return daemon
}

test('a start is refused with what waits, and --drop-pending gives it up, by workers too', async () => {
  const topic = 'pending'
  numbers.broker.createTopic(topic, 1)
  const ready = `commit: { interval: 250ms }\nready: { delay: 0s, idle: 1h, ${target} }`
  const options = { brokerPort: numbers.broker.port, topic, more: ready }
  const config = await writeNumbersConfig(numbers.place(topic), options)
  const first = run(config)
  await first.line('"event":"started"')
  await numbers.send({ topic, partition: 0, n: 0, atMs: startMs })
  await numbers.send({ topic, partition: 0, n: 1, atMs: startMs + 2 * hourMs })
  const waited = await lakeward([
    'ready',
    'wait',
    'numbers',
    hour,
    '--timeout',
    '120s',
    '-c',
    config,
  ])
  expect(waited.code, waited.stdout).toBe(0)
  expect(await first.stop()).toBe(0)

  const text = await readFile(config, 'utf8')
  await writeFile(config, text.replace(`, ${target}`, ''))
  const refused = run(config)
  expect(await refused.exited()).toBe(2)
  const told = /"webhook:http:\/\/127.0.0.1:9\/gone" is not configured, and \d announcements wait/
  expect(refused.stderr.join('\n')).toMatch(told)

  const workers = run(config, '--workers', '1', '--drop-pending')
  await workers.line('"event":"started"')
  const listed = await lakeward(['log', 'ls', '-c', config])
  expect(listed.stdout).toMatch(/delivered .*dropped for webhook:http:\/\/127.0.0.1:9\/gone/)
  expect(await workers.stop()).toBe(0)
  const again = run(config)
  await again.line('"event":"started"')
  expect(await again.stop()).toBe(0)
})
