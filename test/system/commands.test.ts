/** Every other reading command on what a short demo leaves. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { present } from '../../src/base/assert.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../src/codec/log/checkpoint.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { commandLine } from '../support/command-line.ts'
import type { DamagedLake } from '../support/damage.ts'
import {
  type Answered,
  DemoLake,
  type DemoLine,
  type Verdict,
  wrongIn,
} from '../support/demo-lake.ts'
import { duck } from '../support/duck.ts'
import { type JobEnded, scheduledJob } from '../support/scheduled-job.ts'

let made: DemoLake
let lake: DamagedLake
let demo: DemoLine
/** The first announced hour of page views, as people write it. */
let hour = ''

beforeAll(async () => {
  made = await DemoLake.make()
  lake = made.lake
  demo = made.demo
  hour = made.hour
})

afterAll(() => made.close())

const run: DemoLake['run'] = (...words) => made.run(...words)
const json = <T>(...words: readonly string[]): Promise<Answered<T>> => made.json<T>(...words)
const openFile: DemoLake['openFile'] = (stream, rows) => made.openFile(stream, rows)

const pathOf = (found: { readonly path: string } | undefined): string =>
  present(found, 'there is such a file').path

const scheduled = (partition: string, timeout: string, job: string): Promise<JobEnded> =>
  scheduledJob({ config: made.config, stream: 'page_views', partition, timeout, job })

test.each([
  ['verify nothing', 'stream "nothing" is not configured; known: page_views, sessions, purchases'],
  ['verify --hours 2026-11-20', 'write A..B'],
  ['verify --hours 2026-11-20..2026-11-20', 'the end is not after the beginning'],
  ['verify --hours 2026-13-20..2026-11-20', 'there is no such date or hour'],
  ['why nothing 2026-11-20T00', 'stream "nothing" is not configured'],
  ['why page_views 2026-11-20', 'the stream is partitioned by hour'],
  ['ready ls nothing', 'stream "nothing" is not configured'],
  ['ready show page_views 2026-11-20T00 --revision 0', 'revisions begin with 1'],
  ['ready resend page_views 2026-11-20T00 --target x', '"x" is none; accepted: webhook:'],
  ['ready wait page_views 2026-11-20T00 --timeout 5', '"5" has no unit'],
  ['ready wait page_views 2026-11-20T00 --revision 0', 'revisions begin with 1'],
  ['files page_views 2026-11-20T00 --format csv', 'accepted: paths, symlink, json'],
  ['log show x', '"x" is not an index'],
  ['log ls --limit many', '"many" is not a whole number'],
  ['status nothing', 'stream "nothing" is not configured'],
  ['status --watch', '--watch: not supported by this version'],
  ['dlq ls nothing', 'stream "nothing" is not configured'],
  ['dlq show nothing', 'accepted: a fingerprint of 16 hex digits'],
])('"%s" is refused with exit code 2: %s', async (line, message) => {
  const { exit, out, error } = await run(...line.split(' '))
  expect({ exit, out }).toEqual({ exit: 2, out: '' })
  expect(error).toContain(message)
})

describe('ready', () => {
  test('ls lists every announcement of a stream', async () => {
    const { out, exit } = await run('ready', 'ls', 'page_views')
    expect(exit).toBe(0)
    expect(out.trimEnd().split('\n')).toHaveLength(
      demo.ready.filter((id) => id.includes('/page_views/')).length,
    )
    const { announced } = await json<{ announced: { partitionPath: string }[] }>(
      'ready',
      'ls',
      'page_views',
    )
    for (const { partitionPath } of announced) {
      expect(demo.ready).toContain(`shop/page_views/${partitionPath}/1`)
    }
  })

  test('show gives the manifest that stands on the lake', async () => {
    const { exit: _, ...shown } = await json<ReadyManifest>('ready', 'show', 'page_views', hour)
    const path = join(lake.folder, '_lakeward/shop/ready/page_views', shown.partitionPath, '1.json')
    expect(shown).toEqual(JSON.parse(await readFile(path, 'utf8')))
    const text = await run('ready', 'show', 'page_views', shown.partitionPath, '--revision', '1')
    expect(JSON.parse(text.out)).toEqual(shown)
  })

  test('show of what is not announced is a no', async () => {
    const other = await run('ready', 'show', 'page_views', hour, '--revision', '2')
    expect(other).toMatchObject({ exit: 1, out: expect.stringContaining('has no revision 2') })
    const none = await run('ready', 'show', 'page_views', '2020-01-01T00')
    expect(none).toMatchObject({ exit: 1, out: expect.stringContaining('is not announced') })
  })

  test('wait answers at once with the manifest of what is announced', async () => {
    const { exit, ...shown } = await json<ReadyManifest>('ready', 'wait', 'page_views', hour)
    expect(exit).toBe(0)
    expect(shown).toMatchObject({ kind: 'partition-ready', stream: 'page_views', revision: 1 })
    const text = await run('ready', 'wait', 'page_views', hour)
    expect(text.out).toMatch(/^"page_views" \S+ is ready: revision 1, \d+ rows, complete\n$/)
  })

  test('wait gives up after its time, and says so', async () => {
    const none = await run('ready', 'wait', 'page_views', '2020-01-01T00', '--timeout', '50ms')
    expect(none).toMatchObject({
      exit: 1,
      out: expect.stringContaining('is not announced after 50ms; lakeward why tells'),
    })
  })

  test('resend delivers once more, and tells of each target what became of it', async () => {
    const path = `${(await json<ReadyManifest>('ready', 'show', 'page_views', hour)).partitionPath}`
    const success = join(lake.folder, 'page_views', path, '_SUCCESS')
    await rm(success, { force: true })
    const again = await run('ready', 'resend', 'page_views', hour, '--target', 'success-file')
    expect(again).toMatchObject({ exit: 0, out: 'success-file  delivered\n' })
    expect(JSON.parse(await readFile(success, 'utf8'))).toMatchObject({ revision: 1 })
    // The demo has ended, and its receiver with it.
    const all = await run('ready', 'resend', 'page_views', hour)
    expect(all.exit).toBe(3)
    expect(all.out).toMatch(/^webhook:\S+ +could not deliver .*\nsuccess-file +delivered\n$/)
    const none = await run('ready', 'resend', 'page_views', '2020-01-01T00')
    expect(none).toMatchObject({ exit: 1, out: expect.stringContaining('is not announced') })
  })

  test('a job is run by the example for schedulers with the files of the hour', async () => {
    const job = 'cat "$LAKEWARD_FILES"; grep -c partition-ready "$LAKEWARD_MANIFEST"'
    const started = await scheduled(hour, '5s', job)
    const files = await run('files', 'page_views', hour)
    expect(started).toMatchObject({ code: 0, stdout: `${files.out}1\n` })
    expect((await scheduled(hour, '5s', 'exit 9')).code).toBe(9)
    const late = await scheduled('2020-01-01T00', '50ms', 'echo never')
    expect(late).toMatchObject({ code: 75, stdout: '' })
  })

  const verifyHour = (): Promise<Verdict & { exit: number }> =>
    json<Verdict>('ready', 'verify', 'page_views', hour)

  test('verify proves a sound announcement', async () => {
    const told = await verifyHour()
    expect(wrongIn(told)).toEqual({})
    expect(told.exit).toBe(0)
    expect(told.checks.map(({ name }) => name)).toEqual([
      'manifest',
      'files',
      'checksums',
      'rows',
      'folder',
      'counts',
      'revisions',
      'sources',
      'kafka',
    ])
  })

  test('verify finds a byte, a file and a manifest that are not as announced', async () => {
    const { files, partitionPath } = await json<ReadyManifest>('ready', 'show', 'page_views', hour)
    await lake.flip(pathOf(files[0]))
    expect(wrongIn(await verifyHour())).toMatchObject({ checksums: 'failed' })
    await lake.remove(pathOf(files[1]))
    expect(wrongIn(await verifyHour())).toMatchObject({ checksums: 'failed', files: 'failed' })
    await lake.remove(`_lakeward/shop/ready/page_views/${partitionPath}/1.json`)
    expect(wrongIn(await verifyHour())).toMatchObject({ manifest: 'failed' })
  })

  test('verify finds a file beside the announced ones, and offsets of nobody’s', async () => {
    const { files, logEntry } = await json<ReadyManifest>('ready', 'show', 'page_views', hour)
    const path = pathOf(files[0])
    await lake.copy(path, path.replace(/-\d+\.parquet$/, '-99.parquet'))
    await lake.edit(lake.entryFile(logEntry), (entry) => {
      const { inline } = entry['body'] as {
        inline: { manifests: { sources: { next: string }[] }[] }
      }
      for (const { sources } of inline.manifests) for (const source of sources) source.next += '0'
    })
    // The checkpoints above the entry still know what it was.
    expect(wrongIn(await verifyHour())).toMatchObject({ folder: 'failed', manifest: 'failed' })
    await lake.removeCheckpoints()
    expect(wrongIn(await verifyHour())).toMatchObject({
      folder: 'failed',
      sources: 'failed',
      kafka: 'failed',
    })
  })
})

describe('files', () => {
  test('are exactly those that make up the partition, for any reader', async () => {
    const { rows } = await json<ReadyManifest>('ready', 'show', 'page_views', hour)
    const { exit, out } = await run('files', 'page_views', hour)
    expect(exit).toBe(0)
    const paths = out
      .trimEnd()
      .split('\n')
      .map((path) => `'${path}'`)
    const [found] = await duck(`SELECT count(*) AS rows FROM read_parquet([${paths.join()}])`)
    expect(found).toEqual({ rows: BigInt(rows) })
    const symlinks = await run('files', 'page_views', hour, '--format', 'symlink')
    expect(
      symlinks.out
        .trimEnd()
        .split('\n')
        .map((url) => `'${new URL(url).pathname}'`),
    ).toEqual(paths)
    const listed = await run('files', 'page_views', hour, '--format', 'json')
    const { files } = JSON.parse(listed.out) as { files: { file: string; rows: number }[] }
    expect(files.map(({ file }) => `'${file}'`)).toEqual(paths)
    expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(rows)
  })

  test('of an hour that is not announced are listed, with exit code 1', async () => {
    const { partitionPath } = await openFile('page_views')
    const { exit, out, error } = await run('files', 'page_views', partitionPath)
    expect(exit).toBe(1)
    expect(out).toContain(`/page_views/${partitionPath}/shop-`)
    expect(error).toContain('is not announced')
  })
})

describe('log', () => {
  test('ls shows the newest entries, oldest first', async () => {
    const { entries, next } = await json<{
      entries: { index: number; kind: string }[]
      next: number
    }>('log', 'ls', '--limit', '4')
    expect(entries.map(({ index }) => index)).toEqual([next - 4, next - 3, next - 2, next - 1])
    const { out } = await run('log', 'ls', '--limit', '1000')
    expect(out.trimEnd().split('\n')).toHaveLength(next)
    expect(out).toMatch(/^0 +\S+ +config +[0-9a-f]{8} +version 1, 3 streams\n/)
    expect(out).toMatch(/\n1 +\S+ +append +[0-9a-f]{8} +start positions of 4 topic-partitions\n/)
  })

  test('show prints one entry whole with its verdict', async () => {
    const { entry, verdict } = await json<{ entry: { kind: string }; verdict: { kind: string } }>(
      'log',
      'show',
      '0',
    )
    expect(entry.kind).toBe('config')
    expect(verdict.kind).toBe('decided')
    const { out } = await run('log', 'show', '1')
    expect(out).toMatch(/^entry 1 append, decided, /)
    expect(await run('log', 'show', '100000')).toMatchObject({ exit: 1 })
  })

  test('an entry that is void is said to be', async () => {
    const list = (): Promise<{ entries: { index: number; kind: string; void?: string }[] }> =>
      json('log', 'ls', '--limit', '1000')
    const last = (await list()).entries.findLast(({ kind }) => kind === 'append')?.index ?? -1
    await lake.removeCheckpoints()
    await lake.edit(lake.entryFile(last), (entry) => Object.assign(entry, { configVersion: 7 }))
    const because = 'config-changed: made under version 7, in force is 1'
    expect((await list()).entries.find(({ index }) => index === last)?.void).toBe(because)
    expect((await run('log', 'ls')).out).toContain(`void (${because})`)
    const told = await json<{ voids: { entry: number; because: string }[] }>('log', 'verify')
    expect(told.voids).toContainEqual({ entry: last, because })
    expect((await run('log', 'show', String(last))).out).toContain(`void: ${because}`)
  })

  test('verify folds from zero and from each checkpoint, and finds one that lies', async () => {
    const store = new LocalLake(`file:${lake.folder}`)
    const [clock, random, telemetry] = [new SystemClock(), new SystemRandom(), new SimTelemetry()]
    await lake.removeCheckpoints()
    const options = { lake: store, pipeline: 'shop', clock, random, telemetry, checkpointEvery: 7 }
    await openCommitLog(options)
    const [checkpoint] = await store.list('_lakeward/shop/checkpoints')
    const path = pathOf(checkpoint)
    onTestFinished(() => store.remove(path))
    const sound = await json<Verdict>('log', 'verify')
    expect(wrongIn(sound)).toEqual({})
    expect(sound.checks.find(({ name }) => name === 'checkpoints')?.detail).toContain(
      '1 checkpoint',
    )

    const bytes = (await store.read(path)) ?? new Uint8Array()
    const state = parseCheckpoint(bytes, path)
    await store.put(path, encodeCheckpoint({ ...state, voidCount: state.voidCount + 1 }))
    const lying = await json<Verdict>('log', 'verify')
    expect(lying.exit).toBe(1)
    expect(wrongIn(lying)).toEqual({ checkpoints: 'failed' })
    await store.put(path, new Uint8Array(8))
    expect(wrongIn(await json<Verdict>('log', 'verify'))).toEqual({ checkpoints: 'failed' })
  })

  test('verify finds a published file that is gone', async () => {
    const { path } = await openFile('purchases', 1)
    await lake.remove(path)
    const told = await json<Verdict>('log', 'verify')
    expect(told.exit).toBe(1)
    expect(wrongIn(told)).toEqual({ files: 'failed' })
  })
})

describe('status', () => {
  test('tells of each stream where it stands and what waits', async () => {
    const told = await json<{
      streams: {
        name: string
        lagRecords: string
        deadLetters: number
        late: number
        waiting?: object
      }[]
    }>('status')
    expect(told.exit).toBe(0)
    expect(told.streams.map(({ name }) => name)).toEqual(['page_views', 'sessions', 'purchases'])
    expect(told.streams.every(({ lagRecords }) => lagRecords === '0')).toBe(true)
    expect(told.streams.reduce((sum, { late }) => sum + late, 0)).toBe(demo.late)
    const { out } = await run('status', 'sessions')
    expect(out).toMatch(/^pipeline shop: \d+ log entries/)
    expect(out).toContain('stream sessions, table sessions')
    expect(out).not.toContain('stream purchases')
  })
})

describe('dlq', () => {
  interface Group {
    readonly stream: string
    readonly reason: string
    readonly fingerprint: string
    readonly count: number
    readonly firstSeen: string
    readonly lastSeen: string
  }

  test('ls groups by stream, reason and fingerprint, and leaves none out', async () => {
    const { groups } = await json<{ groups: Group[] }>('dlq', 'ls')
    const total = groups.reduce((sum, { count }) => sum + count, 0)
    expect(total).toBe(demo.late + demo.deadLettered)
    expect(new Set(groups.map(({ fingerprint }) => fingerprint)).size).toBe(groups.length)
    for (const { firstSeen, lastSeen } of groups) expect(firstSeen <= lastSeen).toBe(true)
    const own = await json<{ groups: Group[] }>('dlq', 'ls', 'sessions')
    expect(own.groups).toEqual(groups.filter(({ stream }) => stream === 'sessions'))
    expect((await run('dlq', 'ls', '_unknown')).out).toContain('envelope-malformed')
  })

  test('show prints one letter whole, by fingerprint and by place', async () => {
    const { groups } = await json<{ groups: Group[] }>('dlq', 'ls', 'sessions')
    const broken = groups.find(({ reason }) => reason !== 'late')
    const { fingerprint, count } = present(broken, 'the demo breaks an event of each stream')
    const shown = await json<{
      letter: Record<string, unknown> & { value: { hex: string } }
      count: number
    }>('dlq', 'show', fingerprint)
    expect(shown.count).toBe(count)
    expect(shown.letter).toMatchObject({ stream: 'sessions', fingerprint })
    expect(shown.letter.value.hex).toMatch(/^([0-9a-f]{2})+$/)
    const { topic, partition, offset, index } = shown.letter
    const place = [topic, partition, offset, index].map(String).join('/')
    const same = await json<typeof shown>('dlq', 'show', place)
    expect(same.letter).toEqual(shown.letter)
    const { out } = await run('dlq', 'show', place)
    expect(out).toContain(shown.letter.value.hex)
    expect(await run('dlq', 'show', 'shop.events/0/99999999/0')).toMatchObject({ exit: 1 })
  })

  test('a damaged file of letters is named, with what to do', async () => {
    const file = (await lake.files()).find(({ file: at }) => at.stream === '_dead_letters')?.file
    const path = pathOf(file)
    await lake.keep(join(lake.folder, path))
    await writeFile(join(lake.folder, path), 'no Parquet')
    const { exit, error } = await run('dlq', 'ls')
    expect(exit).toBe(1)
    expect(error).toContain(`file "${path}" of the lake cannot be read`)
    expect(error).toMatch(/hint: Run "lakeward verify --deep"/)
  })
})

test('why tells of an announced hour when it was', async () => {
  const told = await json<{ rule: string; since: string }>('why', 'page_views', hour)
  const { decidedAt } = await json<ReadyManifest>('ready', 'show', 'page_views', hour)
  expect(told).toMatchObject({ exit: 0, rule: 'announced', since: decidedAt })
})

test('a configuration that is not there is exit code 2 for every command', async () => {
  for (const words of ['verify', 'status', 'log ls', 'log verify', 'dlq ls', 'ready ls x']) {
    const { exit } = await commandLine([...words.split(' '), '-c', `${made.config}.none`])
    expect(exit, words).toBe(2)
  }
})
