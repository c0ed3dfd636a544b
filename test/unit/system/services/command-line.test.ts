/** `npm run services` as its user meets it, without anything that is fetched or started. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { serviceNames } from '../../../system/services/catalogue.ts'
import { readRecord, writeRecord } from '../../../system/services/instance-record.ts'
import { runServices } from '../../../system/services/services-command.ts'

const script = new URL('../../../system/services/run.ts', import.meta.url).pathname
const record = {
  service: 'kafka-4',
  version: '4.3.1',
  ports: { plain: 1, controller: 2 },
  pids: {},
}

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Runs it on folders of its own, in which an instance "kafka-4" that is down is known. */
async function services(...words: readonly string[]) {
  await using folder = await temporaryFolder()
  const said: string[] = []
  const runRoot = join(folder.path, 'run')
  const down = join(runRoot, 'kafka-4')
  mkdirSync(down, { recursive: true })
  writeRecord(down, record)
  const places = { runRoot, cacheRoot: folder.path }
  const options = { ...places, say: (line: string) => said.push(line) }
  const ended = await runServices(words, () => options)
  return { ended, said, left: readRecord(down) }
}

test.each(['up', 'down', 'logs', 'fetch', 'kill', 'pause', 'resume', 'lock'])(
  '%s refuses a name that is not known, with the list, before it does anything',
  async (command) => {
    const { ended, said } = await services(command, 'kafka-4', 'kafka-5')
    const because = `there is no service "kafka-5"; accepted: ${serviceNames.join(', ')}`
    expect(ended).toEqual({ kind: 'refused', because })
    expect(said).toEqual([])
  },
)

test.each([
  [['start', 'kafka-4'], '"start" is no command; accepted: up, down, status, logs,'],
  [['status', '--fast'], "Unknown option '--fast'"],
  [['status', 'kafka-4'], 'no name goes with it, given kafka-4'],
  [['up', '--wipe', 'kafka-4'], '--wipe goes with down'],
  [['up'], `name a service: ${serviceNames.join(', ')}`],
])('%j is refused', async (words, because) => {
  const { ended } = await services(...words)
  expect(ended.kind).toBe('refused')
  expect(ended.kind === 'refused' ? ended.because : '').toContain(because)
})

test('status tells what is down, and its version', async () => {
  const { ended, said } = await services('status')
  expect(said).toEqual(['kafka-4  4.3.1  down'])
  expect(ended.kind === 'done' ? ended.services.map(({ state }) => state) : []).toEqual(['down'])
})

test('down keeps data and says so; with --wipe nothing is left', async () => {
  const kept = await services('down')
  expect(kept.said).toEqual(['kafka-4: down, data kept'])
  expect(kept.left).toEqual(record)
  const wiped = await services('down', '--wipe')
  expect(wiped.said).toEqual(['kafka-4: down, data removed'])
  expect(wiped.left).toBeUndefined()
})

test('what was never started is down already', async () => {
  const { ended, said } = await services('down', 'kafka-3')
  expect(ended.kind).toBe('done')
  expect(said).toEqual([])
})

test('a registry’s client that is missing is told', async () => {
  vi.stubEnv('PATH', '/nowhere')
  const { ended } = await services('fetch', 'kafka-4')
  expect(ended.kind).toBe('failed')
  expect(ended.kind === 'failed' ? ended.because : '').toMatch(/^fetching kafka-4 .*ENOENT/)
})

test('the exit code says whose trouble it is', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'up', 'kafka-5'], {
    encoding: 'utf8',
  })
  expect(status).toBe(2)
  expect(stdout).toBe('')
  const accepted = serviceNames.join(', ')
  expect(stderr).toBe(`there is no service "kafka-5"; accepted: ${accepted}\n`)
})

test.each([
  ['is refused where it is relative', 'here', 2, 'must be an absolute path, given "here"'],
  ['is told where nothing can be kept', script, 3, `mkdir '${script}'`],
  ['is told where no folder can be made', '/proc/lakeward/services', 3, "mkdir '/proc/lakeward'"],
])('LAKEWARD_SERVICES %s', (_, place, exit, because) => {
  const env = { ...process.env, LAKEWARD_SERVICES: place }
  const words = [script, 'fetch', 'kafka-4']
  const options = { encoding: 'utf8', env, timeout: 30_000 } as const
  const { status, stderr } = spawnSync(process.execPath, words, options)
  expect([status, stderr]).toEqual([exit, expect.stringContaining(because)])
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('a record that is torn is told with its path, and what to do', async () => {
  await using folder = await temporaryFolder()
  const runRoot = join(folder.path, 'run')
  mkdirSync(join(runRoot, 's3'), { recursive: true })
  const path = join(runRoot, 's3', 'service.json')
  writeFileSync(path, '{"service":"s3"')
  const options = { runRoot, cacheRoot: folder.path, say: () => {} }
  const because = expect.stringMatching(`^${path} cannot be read: .*; remove ${runRoot}/s3 to`)
  expect(await runServices(['status'], () => options)).toEqual({ kind: 'failed', because })
})
