/** Tamperings with an announced partition: `lakeward ready verify` finds and names each. */
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import { DemoLake, type Verdict, wrongIn } from '../../support/demo-lake.ts'

let made: DemoLake
let manifest: ReadyManifest

beforeAll(async () => {
  made = await DemoLake.make()
  manifest = await made.json<ReadyManifest>('ready', 'show', 'page_views', made.hour)
  expect(manifest.files.length).toBeGreaterThan(1)
})

afterAll(() => made.close())

const manifestPath = (): string =>
  `_lakeward/shop/ready/page_views/${manifest.partitionPath}/${manifest.revision}.json`

const fileAt = (index: number): string =>
  present(manifest.files[index], 'the partition has as many files').path

/** Changes the manifest that stands on the lake. */
async function editManifest(change: (text: string) => string): Promise<void> {
  const file = join(made.lake.folder, manifestPath())
  await made.lake.keep(file)
  await writeFile(file, change(await readFile(file, 'utf8')))
}

type LoggedManifest = Omit<ReadyManifest, 'rows' | 'files' | 'counts'> & {
  rows: number
  files: ReadyManifest['files'][number][]
  counts: { written: number }
}

/** Changes the announcement in the log too, and takes away what still knows what it was. */
async function editEverywhere(change: (told: LoggedManifest) => void): Promise<void> {
  await made.lake.edit(made.lake.entryFile(manifest.logEntry), (entry) => {
    const { inline } = entry['body'] as { inline: { manifests: LoggedManifest[] } }
    for (const told of inline.manifests) {
      const isThat = told.stream === 'page_views' && told.partitionPath === manifest.partitionPath
      if (isThat) change(told)
    }
  })
  await made.lake.removeCheckpoints()
  await editManifest((text) => {
    const told = JSON.parse(text) as LoggedManifest
    change(told)
    return `${JSON.stringify(told)}\n`
  })
}

/** What is done, the check that fails, and what it says. */
const tamperings: readonly [string, () => Promise<void>, string, RegExp][] = [
  [
    'a row is removed from a file',
    () => made.lake.rewrite(fileAt(0), 'SELECT * FROM rows WHERE nth > 1'),
    'rows',
    /parquet": \d+ rows, \d+ in the manifest/,
  ],
  [
    'a file is swapped for another of equal size',
    () => made.lake.flip(fileAt(0)),
    'checksums',
    /parquet": crc32c [0-9a-f]{8}, [0-9a-f]{8} in the manifest/,
  ],
  [
    'a footer is rewritten: the file is the same but for its end',
    async () => {
      const file = join(made.lake.folder, fileAt(0))
      await made.lake.keep(file)
      await truncate(file, (await made.lake.sizeOf(fileAt(0))) - 4)
    },
    'files',
    /parquet": \d+ bytes, \d+ in the manifest/,
  ],
  [
    'a file is removed',
    () => made.lake.remove(fileAt(1)),
    'files',
    /parquet": missing on the lake/,
  ],
  [
    'a file is added to the folder',
    () => made.lake.copy(fileAt(0), fileAt(0).replace(/-\d+\.parquet$/, '-98.parquet')),
    'folder',
    /-98\.parquet" of \d+ bytes is not in the log/,
  ],
  [
    'a file is put in the place of another',
    async () => {
      const file = join(made.lake.folder, fileAt(0))
      await made.lake.keep(file)
      await copyFile(join(made.lake.folder, fileAt(1)), file)
    },
    'checksums',
    /crc32c/,
  ],
  [
    'a count is edited in the manifest',
    () => editManifest((text) => text.replace(/"written":(\d+)/, '"written":1$1')),
    'manifest',
    /says something else than log entry \d+/,
  ],
  [
    'the manifest is removed',
    () => made.lake.remove(manifestPath()),
    'manifest',
    /1\.json" is missing/,
  ],
  [
    'the rows are edited in manifest and log alike',
    () => editEverywhere((told) => Object.assign(told, { rows: told.rows + 1 })),
    'counts',
    /says \d+ rows, its files have \d+/,
  ],
  [
    'the events written are edited in manifest and log alike',
    () =>
      editEverywhere((told) => {
        told.counts.written += 1
      }),
    'counts',
    /the events read do not each have one fate/,
  ],
  [
    'a file is left out of manifest and log alike',
    () =>
      editEverywhere((told) => {
        const dropped = told.files.pop()
        told.rows -= dropped?.rows ?? 0
      }),
    'counts',
    /\d+ files? announced, \d+ in the log/,
  ],
  [
    'offsets that nobody read are claimed, in manifest and log alike',
    () =>
      editEverywhere(({ sources }) => {
        for (const source of sources) Object.assign(source, { next: `${source.next}0` })
      }),
    'sources',
    /up to \d+0 in the manifest, \d+ in the log/,
  ],
]

test.each(tamperings)('%s', async (_, tamper, check, finding) => {
  await tamper()
  const verdict = await made.json<Verdict>('ready', 'verify', 'page_views', made.hour)
  expect(verdict.exit).toBe(1)
  expect(wrongIn(verdict)).toMatchObject({ [check]: 'failed' })
  const found = verdict.checks.find(({ name }) => name === check)
  expect(found?.findings.join('\n')).toMatch(finding)
})

test('nothing of it is left when each is taken back', async () => {
  const verdict = await made.json<Verdict>('ready', 'verify', 'page_views', made.hour)
  expect(wrongIn(verdict)).toEqual({})
  expect(tamperings.length).toBeGreaterThanOrEqual(12)
})
