/** A partition with files, before and after its announcement, and swaps of them. */
import type { DataFile } from '../../src/model/data-file.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import { type CommitId, commitIdOf, writerId } from '../../src/model/ids.ts'
import type { LogEntry, ReadyEntry } from '../../src/model/log-entry.ts'
import type { ForgetEntry } from '../../src/model/repair-entry.ts'
import type { SwapEntry } from '../../src/model/swap-entry.ts'
import { swappedLocation } from '../../src/protocol/log-paths.ts'
import { brokenReliance } from '../../src/protocol/reliance.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  namedFiles,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleRange,
  startRange,
  stream,
  table,
} from './log-samples.ts'

const writer = writerId('a'.repeat(32))
const swapper = writerId('c'.repeat(32))

export const writerCommit = (counter: number): CommitId => commitIdOf(writer, counter)
export const swapCommit = (counter: number): CommitId => commitIdOf(swapper, counter)

export const hour = sampleHour(13)
export const home = `${table}/${hour.path}`

const fileOf = (ordinal: number): DataFile => sampleFile(writerCommit(1), 13, ordinal)
export const one = fileOf(0)
export const two = fileOf(1)

/** Two files of one commit, which the next entry tells as published. */
export const begun: readonly LogEntry[] = [
  appendEntry(writerCommit(0), { ranges: [startRange(0, 0)] }),
  appendEntry(writerCommit(1), {
    ranges: [sampleRange(0, 0, 20)],
    places: [{ stream, partition: hour }],
    body: { files: [one, two] },
  }),
]
export const told: LogEntry = appendEntry(writerCommit(2), { publishedNext: 2 })

export function readyOf(
  counter: number,
  version: CommitId,
  changes: { readonly files?: readonly DataFile[]; readonly revision?: number } = {},
  targets: readonly string[] = [],
): ReadyEntry {
  const { files = [one, two], revision = 1 } = changes
  const before = revision === 1 ? undefined : namedFiles([one, two])
  const manifest = { ...sampleManifest(13, revision), ...namedFiles(files, before) }
  const commitId = writerCommit(counter)
  const announcement = { stream, partition: hour, version, manifest, targets }
  return { kind: 'ready', ...entryBase(commitId), announcements: [announcement] }
}

export const announced: readonly LogEntry[] = [...begun, told, readyOf(3, writerCommit(1))]

/** One file with the rows of `rowCount`, in a location. */
export const outputOf = (counter: number, location: string, rowCount = 20): DataFile => {
  const commitId = swapCommit(counter)
  const name = `growth-${commitId.slice(0, 16)}-${counter}-0.parquet`
  return { ...sampleFile(commitId, 13), path: `${location}/${name}`, rowCount }
}

export function mergeOf(counter: number, changes: Partial<SwapEntry> = {}): SwapEntry {
  return {
    kind: 'swap',
    ...entryBase(swapCommit(counter)),
    why: 'merge',
    reason: '',
    stream,
    partition: hour,
    place: 'open',
    version: undefined,
    inputs: [one.path, two.path],
    restored: [],
    location: home,
    lostRowCount: 0,
    body: { files: [outputOf(counter, home)] },
    ...changes,
  }
}

export const away = (counter: number): string =>
  swappedLocation(table, hour.path, swapCommit(counter))

/** After the announcement. */
export const replaceOf = (counter: number, version: CommitId, rowCount = 30): SwapEntry =>
  mergeOf(counter, {
    why: 'replace',
    place: 'announced',
    version,
    location: away(counter),
    body: { files: [outputOf(counter, away(counter), rowCount)] },
  })

/** Takes `replaceOf(of, …)` back. */
export const undoOf = (counter: number, of: number): SwapEntry =>
  mergeOf(counter, {
    why: 'undo',
    place: 'announced',
    version: swapCommit(of),
    inputs: [outputOf(of, away(of)).path],
    restored: [one.path, two.path],
    location: home,
    body: { files: [] },
  })

export const why = (state: FoldState, entry: LogEntry): string | undefined =>
  brokenReliance(state, entry)?.because

export const forgetOf = (
  version: ForgetEntry['files'][number]['version'],
  ...paths: readonly string[]
): ForgetEntry => ({
  kind: 'forget',
  ...entryBase(swapCommit(8)),
  why: 'gc',
  commits: [],
  files: [{ stream, partitionPath: hour.path, version, paths }],
})

/** Two files that are told, the same announced, and those swapped for one of thirty rows. */
export const open = foldAll([...begun, told])
export const ready = foldAll(announced)
export const replaced = foldAll([...announced, replaceOf(0, writerCommit(3))])
