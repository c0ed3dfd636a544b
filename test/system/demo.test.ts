import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { present } from '../../src/base/assert.ts'
import type { DemoResult } from '../../src/demo/demo.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { duck } from '../support/duck.ts'
import { LakewardProcess } from '../support/processes.ts'
import { hasPyarrow, python } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const timeout = 240_000
const ran = promisify(execFile)

interface DemoRun {
  readonly result: DemoResult
  readonly manifests: readonly ReadyManifest[]
  readonly lines: readonly string[]
}

async function demo(folder: string, ...flags: readonly string[]): Promise<DemoRun> {
  const running = new LakewardProcess(['demo', '--exit-when-ready', '--folder', folder, ...flags])
  const code = await running.exited()
  expect(code, [...running.stdout, ...running.stderr].slice(-30).join('\n')).toBe(0)
  const result = JSON.parse(present(running.stdout.at(-1), 'a demo ends with a line')) as DemoResult
  const manifests = result.manifests.map(
    (path) => JSON.parse(readFileSync(path, 'utf8')) as ReadyManifest,
  )
  return { result, manifests, lines: running.stdout }
}

const folderGlob = (folder: string, { table, partitionPath }: ReadyManifest): string =>
  join(folder, 'lake', table, partitionPath, '*.parquet')

// Demos wait most of their time: the tests run beside each other.
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let first: Promise<DemoRun>

beforeAll(async () => {
  folder = await temporaryFolder()
  first = demo(folder.path, '--seed', '7')
  // Whoever awaits it hears of it.
  first.catch(() => undefined)
})
afterAll(() => folder[Symbol.asyncDispose]())

test.concurrent('a demo ends with every cell as produced, and can be started again there', {
  timeout,
}, async () => {
  const { result, manifests } = await first
  const { produced, read, written, filtered, late, deadLettered } = result
  expect(read).toBe(produced)
  expect(written + filtered + late + deadLettered).toBe(produced)
  expect(Math.min(filtered, late, deadLettered)).toBeGreaterThan(0)
  expect(manifests.length).toBeGreaterThanOrEqual(9)
  for (const manifest of manifests.filter(({ rows }) => rows > 0)) {
    const glob = folderGlob(folder.path, manifest)
    const [found] = await duck(`SELECT count(*) AS rows FROM read_parquet('${glob}')`)
    expect(found?.['rows'], manifest.id).toBe(BigInt(manifest.rows))
  }
  const second = await demo(folder.path)
  expect(second.result.produced).toBeGreaterThan(produced)
  expect(second.result.read).toBe(second.result.produced)
})

test.skipIf(!hasPyarrow()).concurrent(
  'pyarrow counts every announced partition as its manifest does',
  {
    timeout,
  },
  async () => {
    const { manifests } = await first
    const script = `import glob, sys, pyarrow.parquet as pq
for pattern in sys.argv[1:]:
    print(sum(pq.read_metadata(path).num_rows for path in glob.glob(pattern)))`
    const patterns = manifests.map((manifest) => folderGlob(folder.path, manifest))
    const { stdout } = await ran(python, ['-c', script, ...patterns])
    const counts = stdout.trim().split('\n').map(Number)
    expect(counts).toEqual(manifests.map(({ rows }) => rows))
    expect(counts.length).toBeGreaterThanOrEqual(9)
  },
)

test.concurrent('nothing of an hour is announced while its last events are held back', {
  timeout,
}, async () => {
  await using held = await temporaryFolder()
  const { lines } = await demo(held.path, '--hold', '20s')
  const at = (text: string): number => lines.findIndex((line) => line.includes(text))
  const heldAt = at('held back')
  const released = at('released')
  expect(heldAt).toBeGreaterThan(0)
  expect(released).toBeGreaterThan(heldAt)
  const hour = present(/of (dt=\S+)/.exec(lines[heldAt] ?? '')?.[1], 'the line names its hour')
  const announced = lines.findIndex((line) => line.startsWith('announced') && line.includes(hour))
  expect(announced).toBeGreaterThan(released)
})
