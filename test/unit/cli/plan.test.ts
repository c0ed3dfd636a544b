import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { commandLine } from '../../support/command-line.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

async function configured(lake: string, { lakeKeys = '', streamKeys = '' } = {}): Promise<string> {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  mkdirSync(join(folder.path, 'lake'))
  writeFileSync(
    join(folder.path, 'app_event.proto'),
    readFileSync('config/app_event.proto', 'utf8'),
  )
  const path = join(folder.path, 'lakeward.yaml')
  const stream = (name: string): string =>
    `  - { name: ${name}, topic: ${name}, schema: { file: app_event.proto, message: growth.AppEvent }` +
    `${streamKeys} }\n`
  writeFileSync(
    path,
    `pipeline: p\nkafka: { brokers: ["a:1"] }\nlake: { url: "${lake}"${lakeKeys} }\n` +
      `streams:\n${stream('one')}${stream('two')}`,
  )
  return path
}

const plan = async (lake: string, ...words: string[]) =>
  commandLine(['plan', '-c', await configured(lake), ...words])

test('a plan within limits is told for people and machines, and exits 0', async () => {
  const told = await plan('file:./lake', '--rate', '100')
  expect([told.exit, told.error]).toEqual([0, ''])
  expect(told.out).toMatch(/events +17,280,000 a day/)
  expect(told.out).not.toMatch(/requests {2}/)
  const { exit, out } = await plan('s3://bucket/p', '--json', '--rate', 'one=100,two=0')
  const answer = JSON.parse(out) as Record<string, unknown>
  expect([exit, answer['ok'], answer['over']]).toEqual([0, true, []])
  expect(answer['day']).toMatchObject({ events: 8_640_000, commits: 1_440, files: 2_880 })
})

test('a plan on HDFS tells calls to the namenode, and tails where files grow', async () => {
  const { exit, out } = await plan('hdfs://nn1:9870/p', '--rate', '100')
  expect([exit, out]).toEqual([0, expect.stringMatching(/namenode +[\d,]+ calls a day, \d+\.\d a/)])
  expect(out).not.toMatch(/^tails/m)
  const path = await configured('hdfs://nn1:9870/p', {
    lakeKeys: ', hdfs: { blockSize: 128MiB }',
    streamKeys: ', file: { mode: continue }',
  })
  const grown = await commandLine(['plan', '-c', path, '--rate', '100'])
  expect([grown.exit, grown.error]).toEqual([0, ''])
  expect(grown.out).toMatch(/^tails +[\d,]+ that make a file longer/m)
})

test('a plan above a limit exits 1 with the remedy', async () => {
  const { exit, out } = await plan('s3://bucket/p', '--rate', '500000')
  expect(exit).toBe(1)
  expect(out).toMatch(/cores: .* at most 0.8; run --workers \d+/)
})

test('a plan knows the share of a stream, and what a process takes by itself', async () => {
  const { exit, out } = await plan('file:./lake', '--rate', 'one=9000,two=0')
  expect([exit, out]).toEqual([1, expect.stringMatching(/memory: .* of stream "one" .* its share/)])
  const most = await plan('file:./lake', '--rate', 'one=9000,two=9000')
  expect(most.out).toMatch(/memory: .* memory.buffers, 1GiB, leaves for rows, 748,241,824 bytes/)
})

test.each([
  [['--rate', 'one=5'], /--rate lacks two; 0 where nothing comes/],
  [['--rate', 'one=5,other=6'], /stream "other" is not configured; known: one, two/],
  [['--rate', 'many'], /"many" is not STREAM=EVENTS/],
  [['--rate', '5', '--event', '330'], /"330" is not a size/],
  [['--rate', '5', '--workers', '0'], /--workers: at least 1/],
  [[], /--rate is missing/],
])('%j is refused', async (words, told) => {
  const { exit, error } = await plan('file:./lake', ...words)
  expect([exit, error]).toEqual([2, expect.stringMatching(told)])
})
