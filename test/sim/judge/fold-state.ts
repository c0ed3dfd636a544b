/** What a log says, as the judge keeps it: the values of the entries as they are written. */
import type { Counts, DataFile, Evidence, Manifest, Partition, Source } from './log-entry.ts'

interface Position {
  readonly source: Source
  readonly next: string
  readonly leaderEpoch: number
  readonly commitId: string
  readonly sinceMs: number
  readonly movedAtMs: number
  readonly eventWatermarkMs: number | null
  /** How often an operator moved it; left out where nobody did. */
  readonly resetEpoch?: number
  /** It is not read any more. */
  readonly ended?: true
}

export interface FoldedPartition {
  readonly table: string
  readonly partition: Partition
  readonly place: 'open' | 'announced'
  readonly version: string
  readonly files: readonly DataFile[]
  readonly counts: Counts
  readonly revision: number
  readonly manifest: (Manifest & { readonly logEntry: number }) | null
  /** When revision 1 was decided, where a later one stands. */
  readonly firstAnnouncedAtMs?: number
}

/** True for an announced partition whose newest manifest names its files and no others. */
export const isTold = ({ manifest, files }: FoldedPartition): boolean => {
  const named = new Set(manifest?.files.map(({ path }) => path))
  return manifest !== null && named.size === files.length && files.every((at) => named.has(at.path))
}

/** Up to there all is announced: rows of what ends before, or was announced itself, are late. */
export const isLate = (stream: FoldedStream | undefined, { path, nextMs }: Partition): boolean =>
  stream?.partitions.get(path)?.place === 'announced' || nextMs <= (stream?.announcedNextMs ?? -1)

/** It has left the state. */
export const isGone = (stream: FoldedStream | undefined, { path, nextMs }: Partition): boolean =>
  stream?.closed !== undefined && !stream.partitions.has(path) && nextMs <= stream.closed.nextMs

interface Closed {
  readonly firstMs: number
  readonly nextMs: number
  readonly partitionCount: number
  readonly fileCount: number
  readonly rowCount: number
  readonly counts: Counts
  readonly checksum: string
}

export interface FoldedStream {
  readonly progress: Map<string, { source: Source; eventWatermarkMs: number; rowsAtMs: number }>
  readonly partitions: Map<string, FoldedPartition>
  announcedNextMs: number | null
  closed: Closed | undefined
  /** Gaps of which nothing is announced, the newest of them. */
  skipped?: readonly Skip[]
}

interface Skip {
  readonly firstMs: number
  readonly nextMs: number
  readonly partitionCount: number
  readonly emptyRunMax: number
  readonly entry: number
}

interface Writer {
  readonly counterNext: number
  readonly publishedNext: number
  readonly unpublished: readonly string[]
  readonly lastEntryAtMs: number
  readonly discardedCount: number
}

/** A file that a swap gave up. */
type Removal = Pick<DataFile, 'stream' | 'partitionPath' | 'path' | 'stagedPath'>

interface Unpublished {
  readonly commitId: string
  readonly entry: number
  readonly stagedAtMs: number
  readonly files: readonly DataFile[]
  readonly removals?: readonly Removal[]
}

interface Undelivered {
  readonly entry: number
  readonly decidedAtMs: number
  readonly manifest: Manifest & { readonly logEntry: number }
  readonly targets: readonly string[]
}

export interface LogState {
  next: number
  checksum: string
  config: {
    readonly version: number
    readonly checksum: string
    readonly streams: readonly { readonly name: string; readonly table: string }[]
    readonly putAtMs: number | null
  }
  /** By lane, then by topic-partition. */
  readonly positions: Map<string, Map<string, Position>>
  readonly streams: Map<string, FoldedStream>
  readonly evidence: Map<string, Evidence>
  readonly writers: Map<string, Writer>
  readonly unpublished: Map<string, Unpublished>
  undelivered: readonly Undelivered[]
  voids: readonly { readonly entry: number; readonly commitId: string }[]
  voidCount: number
  /** Indexes of entries that nobody can read. */
  steppedOver: readonly number[]
  readonly forgotten: Set<string>
  /** Sums of all cells that decided entries have, by stream and hour: no state keeps them. */
  readonly cells: Map<string, Counts>
  /** Those that have left the state, as they were. */
  readonly closedPartitions: Map<string, FoldedPartition[]>
}

/** Every partition that ever had anything, closed ones as they were. */
export const partitionsEver = (
  state: LogState,
): readonly { readonly name: string; readonly folded: FoldedPartition }[] =>
  [...state.streams].flatMap(([name, { partitions }]) => {
    const all = [...partitions.values(), ...(state.closedPartitions.get(name) ?? [])]
    return all.map((folded) => ({ name, folded }))
  })

export const noCounts: Counts = {
  read: 0,
  written: 0,
  filtered: {},
  late: 0,
  deadLettered: {},
  lateAppended: 0,
}

export const total = (byReason: Readonly<Record<string, number>>): number =>
  Object.values(byReason).reduce((sum, count) => sum + count, 0)

/** Each event that was read has one fate. */
export const addUp = ({ read, written, filtered, late, deadLettered }: Counts): boolean =>
  read === written + total(filtered) + late + total(deadLettered)

export const newState = (): LogState => ({
  next: 0,
  checksum: '0'.repeat(64),
  config: { version: 0, checksum: '', streams: [], putAtMs: null },
  positions: new Map(),
  streams: new Map(),
  evidence: new Map(),
  writers: new Map(),
  unpublished: new Map(),
  undelivered: [],
  voids: [],
  voidCount: 0,
  steppedOver: [],
  forgotten: new Set(),
  cells: new Map(),
  closedPartitions: new Map(),
})

export function streamOf(state: LogState, name: string): FoldedStream {
  const known = state.streams.get(name)
  if (known !== undefined) return known
  const progress: FoldedStream['progress'] = new Map()
  const made = { progress, partitions: new Map(), announcedNextMs: null, closed: undefined }
  state.streams.set(name, made)
  return made
}
