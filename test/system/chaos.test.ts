import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { commitText } from '../../bench/measure/machine.ts'
import { wantsHdfs } from '../support/real-hdfs.ts'
import { hasKafka } from '../support/real-kafka.ts'
import { hasS3 } from '../support/real-s3.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function chaos(...args: string[]) {
  const child = spawn(process.execPath, ['test/chaos/run.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await ended) as [number | null]
  return { code, stdout, stderr }
}

interface Summary {
  readonly kills: number
  readonly phases: Readonly<Record<string, number>>
  readonly kinds: Readonly<Record<string, number>>
  readonly events: number
  readonly announced: number
}

const summaryOf = (stdout: string): Summary =>
  JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Summary

/** So much at least flows and is announced meanwhile, on a quick machine too. */
function expectWork({ events, announced }: Summary): void {
  expect(events).toBeGreaterThan(500)
  expect(announced).toBeGreaterThanOrEqual(5)
}

const unharmed = { lost: 0, doubled: 0, earlyReady: 0 }

test('a worker and its broker, killed and paused, lose, double and announce nothing', {
  timeout: 600_000,
}, async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'sums.json')
  const { code, stdout, stderr } = await chaos('--kills', '6', '--resume', file)
  expect(code, stdout + stderr).toBe(0)
  const summary = summaryOf(stdout)
  expect(summary).toMatchObject({ ...unharmed, kills: 6, kinds: { kill: 4, pause: 1, broker: 1 } })
  expect(Object.values(summary.phases).filter((hits) => hits > 0).length).toBeGreaterThan(1)
  expectWork(summary)

  // Whoever works in the tree may have committed since.
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { run: object }
  writeFileSync(file, JSON.stringify({ ...kept, run: { ...kept.run, commit: commitText() } }))
  const again = await chaos('--kills', '6', '--resume', file)
  expect(again.code, again.stderr).toBe(0)
  expect(summaryOf(again.stdout)).toMatchObject({ ...unharmed, kills: 6, events: summary.events })
  expect(existsSync(join(folder.path, 'round-1'))).toBe(false)

  const other = await chaos('--kills', '6', '--seed', '5', '--resume', file)
  expect(other.code).toBe(2)
  expect(other.stderr).toContain('take another file')
})

test('three workers of a group, killed and paused, lose, double and announce nothing', {
  timeout: 600_000,
}, async () => {
  const { code, stdout, stderr } = await chaos('--kills', '4', '--workers', '3')
  expect(code, stdout + stderr).toBe(0)
  expect(summaryOf(stdout)).toMatchObject({ ...unharmed, kills: 4 })
})

/** Each is asked for: what is missing is named, and fails where it is required. */
const hasServers = [hasKafka('kafka-4'), hasS3('s3')].every(Boolean)

describe.skipIf(!hasServers)('with a real broker and a real store', () => {
  test('SIGKILLs of worker, broker and store lose, double and announce nothing', {
    timeout: 600_000,
  }, async () => {
    const services = ['--broker', 'kafka-4', '--lake', 's3']
    const { code, stdout, stderr } = await chaos('--kills', '6', ...services)
    expect(code, stdout + stderr).toBe(0)
    const summary = summaryOf(stdout)
    expect(summary).toMatchObject({ ...unharmed, kinds: { kill: 2, broker: 2, store: 2 } })
    expectWork(summary)
  })
})

describe.skipIf(!wantsHdfs())('with a real HDFS', () => {
  test.each(['new', 'continue'])(
    'SIGKILLs of worker, datanode and namenode, file.mode %s',
    {
      timeout: 900_000,
    },
    async (mode) => {
      const lake = ['--lake', 'hdfs', '--file-mode', mode]
      const { code, stdout, stderr } = await chaos('--kills', '6', ...lake)
      expect(code, stdout + stderr).toBe(0)
      const summary = summaryOf(stdout)
      expect(summary).toMatchObject({ ...unharmed, kinds: { kill: 2, datanode: 2, namenode: 2 } })
      expectWork(summary)
    },
  )
})

test('flags that cannot be are refused with what is accepted', async () => {
  const { code, stderr } = await chaos('--kills', 'many')
  expect(code).toBe(2)
  expect(stderr).toContain('--kills is "many", accepted is a whole number from 1 to 1000000')
})
