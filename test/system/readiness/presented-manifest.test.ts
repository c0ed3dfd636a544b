/** A stranger's proof: `ready verify --manifest FILE` in an empty folder, with no configuration. */
import { copyFile, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../../src/adapters/embedded/broker.ts'
import { present } from '../../../src/base/assert.ts'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import { DemoLake, type Verdict, wrongIn } from '../../support/demo-lake.ts'
import { lakeward } from '../../support/processes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

let made: DemoLake
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let manifest: ReadyManifest

beforeAll(async () => {
  made = await DemoLake.make()
  folder = await temporaryFolder()
  const { exit, ...shown } = await made.json<ReadyManifest>('ready', 'show', ...partition())
  expect(exit).toBe(0)
  manifest = shown
})

afterAll(async () => {
  await made.close()
  await folder[Symbol.asyncDispose]()
})

const partition = (): readonly [string, string] => ['page_views', made.hour]
const inLake = (path: string): string => join(made.lake.folder, path)
const fileAt = (index: number): string => present(manifest.files[index], 'it has files').path
const manifestPath = (): string =>
  `_lakeward/shop/ready/page_views/${manifest.partitionPath}/${manifest.revision}.json`

/** What the command says of a manifest that lies alone in its folder. */
async function proof(
  told: unknown,
  words: readonly string[] = [],
  broker?: EmbeddedBroker,
): Promise<Verdict & { exit: number }> {
  await writeFile(join(folder.path, 'presented.json'), JSON.stringify(told))
  const named = /brokers: \[(.*?)\]/.exec(await readFile(made.config, 'utf8'))?.[1] ?? ''
  const brokers = broker === undefined ? named : `127.0.0.1:${broker.port}`
  const where = ['--lake', `file:${made.lake.folder}`, '--brokers', brokers]
  const all = ['ready', 'verify', '--manifest', 'presented.json', ...where, ...words, '--json']
  const { code, stdout, stderr } = await lakeward(all, { cwd: folder.path })
  expect(stdout, stderr).not.toBe('')
  return { ...(JSON.parse(stdout) as Verdict), exit: code ?? -1 }
}

const findingsOf = ({ checks }: Verdict, name: string): string =>
  (checks.find((check) => check.name === name)?.findings ?? []).join('\n')

test('what was announced is proved, every row of it, by manifest, lake and brokers', async () => {
  const verdict = await proof(manifest, ['--deep'])
  expect(wrongIn(verdict)).toEqual({})
  expect(verdict).toMatchObject({ verdict: 'ok', exit: 0 })
  const names = verdict.checks.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining(['presented', 'checksums', 'decoded', 'offsets', 'duplicates', 'kafka']),
  )
})

type Edited = { -readonly [Key in keyof ReadyManifest]: ReadyManifest[Key] }

const edited = (change: (told: Edited) => void): ReadyManifest => {
  const told = structuredClone(manifest) as Edited
  change(told)
  return told
}

/** What is presented, and the finding. */
const forgeries: readonly [string, (told: Edited) => void, RegExp][] = [
  [
    'counts that add up, with a row more',
    (told) => {
      const { counts } = told
      told.counts = { ...counts, read: counts.read + 1, written: counts.written + 1 }
    },
    /^counts: .*presented, .*announced$/m,
  ],
  [
    'rows that were moved from one topic-partition to another',
    (told) => {
      const [one, other, ...rest] = told.sources
      const [first, second] = [present(one, 'sources'), present(other, 'sources')]
      const moved = [
        { ...first, next: String(BigInt(first.next) - 1n) },
        { ...second, next: String(BigInt(second.next) + 1n) },
      ]
      told.sources = [...moved, ...rest]
    },
    /^sources: /m,
  ],
  [
    'a gap before it that nobody told of',
    (told) => {
      const times = { first: '2026-01-01T00:00:00.000Z', next: '2026-01-02T00:00:00.000Z' }
      Object.assign(told, { skipped: { ...times, partitions: 24, emptyRunMax: 1 } })
    },
    /^skipped: .*presented, undefined announced$/m,
  ],
  [
    'another pipeline',
    (told) => {
      told.pipeline = 'another'
    },
    /the log of pipeline "another" on this lake has no such announcement/,
  ],
  [
    'an hour that was not announced',
    (told) => {
      told.partitionPath = told.partitionPath.replace(/dt=\d{4}/, 'dt=1999')
    },
    /has no such announcement/,
  ],
  [
    'a revision that is to come',
    (told) => {
      told.revision += 1
    },
    /has no such announcement/,
  ],
]

test.each(forgeries)('presented is %s', async (_, change, finding) => {
  const verdict = await proof(edited(change))
  expect(verdict.exit).toBe(1)
  expect(wrongIn(verdict)).toMatchObject({ presented: 'failed' })
  expect(findingsOf(verdict, 'presented')).toMatch(finding)
})

/** Changes the bytes of a file, and puts them back when the test ends. */
async function change(path: string, edit: (bytes: Buffer) => void): Promise<void> {
  await made.lake.keep(inLake(path))
  const bytes = await readFile(inLake(path))
  edit(bytes)
  await writeFile(inLake(path), bytes)
}

const flip = (bytes: Buffer, at: number): void => {
  bytes[at] = (bytes[at] ?? 0) ^ 1
}

/** What is done on the lake, and the check that fails. */
const tamperings: readonly [string, () => Promise<void>, string][] = [
  [
    'two files were swapped between streams',
    async () => {
      const other = await made.json<ReadyManifest>('ready', 'show', 'sessions', made.hour)
      const [one, two] = [fileAt(0), present(other.files[0], 'it has files').path].map(inLake)
      const [here, there] = [present(one, 'a path'), present(two, 'a path')]
      await made.lake.keep(here)
      await made.lake.keep(there)
      await rename(here, `${here}.aside`)
      await copyFile(there, here)
      await rename(`${here}.aside`, there)
    },
    'checksums',
  ],
  [
    'a footer was cut short',
    async () => {
      await made.lake.keep(inLake(fileAt(0)))
      await truncate(inLake(fileAt(0)), (await made.lake.sizeOf(fileAt(0))) - 1)
    },
    'rows',
  ],
  [
    'a byte of a page was changed',
    () => change(fileAt(0), (bytes) => flip(bytes, 40)),
    'checksums',
  ],
  [
    'a byte of the footer was changed, where statistics are',
    () => change(fileAt(0), (bytes) => flip(bytes, bytes.length - 300)),
    'checksums',
  ],
  [
    'a file stands there under a second name',
    () => made.lake.copy(fileAt(0), fileAt(0).replace(/-\d+\.parquet$/, '-97.parquet')),
    'folder',
  ],
  ['the manifest was taken from the lake', () => made.lake.remove(manifestPath()), 'manifest'],
  [
    'the rows of a file are there twice',
    () => made.lake.rewrite(fileAt(0), 'SELECT * FROM rows UNION ALL SELECT * FROM rows'),
    'duplicates',
  ],
  [
    'the rows of a file stand in another order',
    () => made.lake.rewrite(fileAt(0), 'SELECT * FROM rows ORDER BY nth DESC'),
    'order',
  ],
  [
    'the offsets of a file lie behind where it was read',
    () => made.lake.rewrite(fileAt(0), 'SELECT * REPLACE (_offset + 1000000 AS _offset) FROM rows'),
    'offsets',
  ],
  [
    'the rows of a file are of a topic that is none of its sources',
    () => made.lake.rewrite(fileAt(0), "SELECT * REPLACE ('other' AS _topic) FROM rows"),
    'offsets',
  ],
]

test.each(tamperings)('%s', async (_, tamper, check) => {
  await tamper()
  const verdict = await proof(manifest, ['--deep'])
  expect(verdict.exit).toBe(1)
  expect(wrongIn(verdict)).toMatchObject({ [check]: 'failed' })
})

test('brokers that have another topic, or end before what was read, are found', async () => {
  const source = present(
    manifest.sources.find(({ next }) => next !== '0'),
    'something was read',
  )
  const { topic, partition, next } = source
  const empty = await temporaryFolder()
  const another = await startBroker({ directory: empty.path })
  another.createTopic(topic, manifest.sources.length)
  const strange = await proof(manifest, [], another)
  await another.close()
  await empty[Symbol.asyncDispose]()
  expect(wrongIn(strange)).toEqual({ kafka: 'failed' })
  expect(findingsOf(strange, 'kafka')).toContain(`have no topic id ${source.topicId}`)
  await made.stopBroker()
  const broker = await startBroker({ directory: join(made.config, '..', 'broker') })
  broker.faults.hold({ topic, partition }, BigInt(next) - 1n)
  const short = await proof(manifest, [], broker)
  await broker.close()
  await made.startBroker()
  expect(wrongIn(short)).toEqual({ kafka: 'failed' })
  const ends = `read up to ${next}, the broker ends at ${BigInt(next) - 1n}`
  expect(findingsOf(short, 'kafka')).toContain(ends)
})

test('what cannot be used is refused by name', async () => {
  const ask = (...words: readonly string[]) =>
    lakeward(['ready', 'verify', ...words], { cwd: folder.path })
  await writeFile(join(folder.path, 'm.json'), JSON.stringify(manifest))
  await writeFile(join(folder.path, 'none.json'), '{}')
  const escaping = edited((told) => {
    told.pipeline = '../up'
  })
  await writeFile(join(folder.path, 'escaping.json'), JSON.stringify(escaping))
  const nowhere = edited((told) => {
    told.location = `file:./lake/${told.table}/${told.partitionPath}`
  })
  await writeFile(join(folder.path, 'nowhere.json'), JSON.stringify(nowhere))
  const refused: readonly [readonly string[], RegExp][] = [
    [[], /STREAM PARTITION are missing, or --manifest FILE/],
    [['s', '2026-11-20T13', '--lake', 'file:/x'], /--lake: goes with --manifest/],
    [['s', '2026-11-20T13', '--manifest', 'm.json'], /leave STREAM PARTITION out/],
    [['--manifest', 'm.json', '--revision', '1'], /--revision: --manifest says which/],
    [['--manifest', 'm.json', '-c', made.config, '--lake', 'file:/x'], /--lake: -c says it/],
    [['--manifest', 'gone.json'], /there is no file "gone.json"/],
    [['--manifest', 'none.json'], /"none.json" is no manifest/],
    [['--manifest', 'escaping.json'], /names no pipeline and stream/],
    [['--manifest', 'nowhere.json'], /does not say where the lake is; --lake URL/],
  ]
  for (const [words, message] of refused) {
    const { code, stderr } = await ask(...words)
    expect([code, stderr], words.join(' ')).toEqual([2, expect.stringMatching(message)])
  }
})

test('with a configuration its lake and brokers are taken; without brokers none are asked', async () => {
  await writeFile(join(folder.path, 'm.json'), JSON.stringify(manifest))
  const words = ['ready', 'verify', '--manifest', join(folder.path, 'm.json')]
  expect(wrongIn(await made.json<Verdict>(...words))).toEqual({})
  const lake = ['--lake', `file:${made.lake.folder}`, '--json']
  const alone = await lakeward([...words, ...lake], { cwd: folder.path })
  expect(alone.code).toBe(1)
  expect(wrongIn(JSON.parse(alone.stdout) as Verdict)).toEqual({ kafka: 'not-checkable' })
})

test('a topic that was made anew and accepted tells nothing of what was read of it before', async () => {
  const { topic } = present(manifest.sources[0], 'it has sources')
  await made.stopBroker()
  const broker = await startBroker({ directory: join(made.config, '..', 'broker') })
  expect(broker.deleteTopic(topic)).toBe(true)
  broker.createTopic(topic, manifest.sources.length)
  await broker.close()
  await made.startBroker()
  expect(findingsOf(await proof(manifest), 'kafka')).toContain('have no topic id')
  expect((await made.run('source', 'accept', topic, '--why', 'made anew')).exit).toBe(0)
  const verdict = await proof(manifest)
  expect(wrongIn(verdict)).toEqual({ kafka: 'not-checkable' })
  const told = verdict.checks.find(({ name }) => name === 'kafka')?.detail
  expect(told).toContain(`"${topic}/0" was made anew since, and accepted by an operator`)
})
