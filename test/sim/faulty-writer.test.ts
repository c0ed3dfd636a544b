import { zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { repeatedEntry } from './faulty-writer.ts'
import { sha256Of } from './judge/log-entry.ts'
import { entryAt } from './judge/paths.ts'
import { SimRandom } from './random.ts'

const pipeline = 'sim'
const writerId = 'a'.repeat(32)
const source = { clusterId: 'c', topicId: 't', topic: 'numbers', partition: 0 }
const base = { format: 1, writerId, stagedAtMs: 0, publishedNext: 0, published: [], discarded: [] }
const nothing = { inline: { files: [], counts: [], progress: [], evidence: [] } }

const config = {
  kind: 'config',
  fromVersion: 0,
  version: 1,
  checksum: 'c',
  body: { inline: { streams: [] } },
}

const storedBytes = zstdCompressSync(JSON.stringify({ streams: [] }))
const sha256 = sha256Of(storedBytes)
const storedAt = { path: 'body', sizeBytes: storedBytes.byteLength, sha256 }

const append = (expected: string | null, first: string, next: string) => {
  const range = { lane: 'lake', source, expected, first, next, leaderEpoch: -1 }
  return { kind: 'append', ranges: [range], places: [], configVersion: 1, body: nothing }
}

interface Repeating {
  readonly entries: readonly object[]
  readonly inlineOnly: boolean
}

/** Numbers of the entries of such a log that are put once more, by many writers. */
function repeatedOf({ entries, inlineOnly }: Repeating): readonly string[] {
  const lake = new Map<string, Uint8Array>([[storedAt.path, storedBytes]])
  for (const [index, fields] of entries.entries()) {
    const head = JSON.stringify({ ...base, commitId: `${writerId}-${index}`, ...fields })
    lake.set(entryAt(pipeline, index), Buffer.from(head))
  }
  const repeated = new Set<string>()
  for (let seed = 1; seed <= 64; seed++) {
    const facts = { pipeline, random: new SimRandom(seed), read: (path: string) => lake.get(path) }
    const made = repeatedEntry(facts, { inlineOnly })
    if (made === undefined) continue
    expect(made.index).toBe(entries.length)
    repeated.add(/"commitId":"\w+-(\d+)"/.exec(Buffer.from(made.head).toString())?.[1] ?? '')
  }
  return [...repeated].sort()
}

test('an entry that was void and would hold by now is not put once more', () => {
  const inlineOnly = false
  const below = [config, append(null, '0', '0'), append('1', '1', '2')]
  expect(repeatedOf({ entries: below, inlineOnly })).toEqual(['0', '1', '2'])
  const entries = [...below, append('0', '0', '1')]
  expect(repeatedOf({ entries, inlineOnly })).toEqual(['0', '1', '3'])
})

test('where bodies are trimmed, only an entry that holds its own is put once more', () => {
  const entries = [{ ...config, body: storedAt }, append(null, '0', '0')]
  expect(repeatedOf({ entries, inlineOnly: false })).toEqual(['0', '1'])
  expect(repeatedOf({ entries, inlineOnly: true })).toEqual(['1'])
})
