/** The log of a world in which files grow: entries as the product puts them, and their fold. */
import { present } from '../../src/base/assert.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import type { FoldedPartition, FoldState } from '../../src/model/fold-state.ts'
import { parseCommitId } from '../../src/model/ids.ts'
import type { AppendEntry, EntryBase, LogEntry } from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import { sourceKey } from '../../src/model/topic-partition.ts'
import { emptyFold, foldEntry } from '../../src/protocol/fold.ts'
import { foldAppend } from '../../src/protocol/fold-append.ts'
import { brokenReliance } from '../../src/protocol/reliance.ts'
import { baseOf, commitOf, hour, lane, manifest, pathOf, sourceOf, stream } from './entry.ts'
import type { Piece } from './growing.ts'
import type { GrowthRule } from './rules.ts'

type Off = ReadonlySet<GrowthRule>

export const pathOfRoot = (root: number): string => pathOf(root, 0)

/** The piece that begins the file at a path. */
export const rootIn = ({ path }: Pick<DataFile, 'path'>): number =>
  Number(/f(\d+)\.parquet$/.exec(path)?.[1])

/** The piece that is staged under a name. */
export const pieceIn = ({ stagedPath }: Pick<DataFile, 'stagedPath'>): number =>
  Number(/(\d+)\.staged$/.exec(stagedPath)?.[1])

export const partitionIn = ({ streams }: FoldState): FoldedPartition | undefined =>
  streams.get(stream)?.partitions.get(hour.path)

const source = sourceOf(0)
const startWriter = 0xffff

/** A file as it is with a piece at its end, each row being a byte. */
function fileOf(piece: number, root: number, rowCount: number): DataFile {
  const base = rowCount - 1
  const file: DataFile = {
    stream,
    table: 'events',
    partitionPath: hour.path,
    path: pathOfRoot(root),
    stagedPath: `events/_staging/${piece}.staged`,
    sizeBytes: rowCount,
    rowCount,
    crc32c: '00000000',
    schemaVersion: 1,
    eventTimeMs: { min: hour.startMs, max: hour.startMs },
  }
  return piece === root ? file : { ...file, base: { sizeBytes: base, rowCount: base } }
}

interface Told {
  readonly published: readonly string[]
}

/** Entries by small numbers. */
export class Table {
  readonly #entries: LogEntry[] = []
  readonly #numbers = new Map<string, number>()
  readonly folds = new Map<string, Fold>()

  entry(number: number): LogEntry {
    return present(this.#entries[number], 'an entry that is named was made')
  }

  /** An append of one record. */
  append(
    { row, root, base, writer }: Piece,
    piece: number,
    told: Told & { late: boolean },
  ): number {
    const place = { stream, partition: hour, ...(told.late ? { late: true as const } : {}) }
    const range = {
      lane,
      source,
      expected: nextOffset(BigInt(row)),
      first: offset(BigInt(row)),
      next: nextOffset(BigInt(row + 1)),
      leaderEpoch: -1,
    }
    const body = { files: [fileOf(piece, root, base + 1)], counts: [], progress: [], evidence: [] }
    const entry = { ranges: [range], places: [place], configVersion: 0, body }
    return this.#numberOf({ kind: 'append', ...head(writer, piece, told), ...entry })
  }

  /** The record that everything begins with: its position. */
  start(): number {
    const [first, next] = [offset(0n), nextOffset(0n)]
    const range = { lane, source, expected: undefined, first, next, leaderEpoch: -1 }
    const body = { files: [], counts: [], progress: [], evidence: [] }
    const entry = { ranges: [range], places: [], configVersion: 0, body }
    return this.#numberOf({ kind: 'append', ...head(startWriter, 0, { published: [] }), ...entry })
  }

  merge(
    writer: number,
    piece: number,
    { inputs, rowCount, ...told }: Told & { inputs: readonly string[]; rowCount: number },
  ): number {
    const file = { ...fileOf(piece, piece, rowCount) }
    return this.#numberOf({
      kind: 'swap',
      ...head(writer, piece, told),
      why: 'merge',
      reason: '',
      stream,
      partition: hour,
      place: 'open',
      version: undefined,
      inputs,
      restored: [],
      location: pathOfRoot(0).replace(/\/[^/]*$/, ''),
      lostRowCount: 0,
      body: { files: [file] },
    })
  }

  ready(
    writer: number,
    counter: number,
    { version, files }: FoldedPartition,
    published: readonly string[],
  ): number {
    const named = files.map(({ path, sizeBytes, rowCount, crc32c }) => {
      return { path, bytes: sizeBytes, rows: rowCount, crc32c }
    })
    const told = { ...manifest, files: named }
    const announcement = { stream, partition: hour, version, manifest: told, targets: [] }
    const entry = { ...head(writer, counter, { published }), announcements: [announcement] }
    return this.#numberOf({ kind: 'ready', ...entry })
  }

  /** Whether an entry would hold, as far as the rules that are on ask for it. */
  holds(state: FoldState, number: number, off: Off): boolean {
    return brokenReliance(state, relaxed(state, this.entry(number), off)) === undefined
  }

  #numberOf(entry: LogEntry): number {
    const key = JSON.stringify(entry, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#entries.push(entry) - 1
    this.#numbers.set(key, number)
    return number
  }
}

const head = (writer: number, counter: number, { published }: Told): EntryBase =>
  baseOf({ commitId: commitOf(writer, counter), published: published.map(parseCommitId) })

export const begunLog = (table: Table): readonly number[] => [table.start()]

/** Without what an append relies on of the files that it goes on with. */
function relaxed(state: FoldState, entry: LogEntry, off: Off): LogEntry {
  if (entry.kind !== 'append') return entry
  const isAnnounced = partitionIn(state)?.place === 'announced'
  const isLoose = off.has('growLive') || off.has('growBase')
  if (!isLoose && !(off.has('growOpen') && isAnnounced)) return entry
  const files = entry.body.files.map(({ base: _base, ...file }) => file)
  return { ...entry, body: { ...entry.body, files } } satisfies AppendEntry
}

/** What the log says, and what an oracle wants to know of it. */
export interface Fold {
  readonly state: FoldState
  /** Next record to be committed. */
  readonly next: number
  /** Files of decided commits that nobody told of as published. */
  readonly open: readonly DataFile[]
  /** Numbers of the entries that are decided. */
  readonly decided: ReadonlySet<number>
  /** By root: the pieces that were decided of the file, in order. */
  readonly piecesOf: ReadonlyMap<number, readonly number[]>
}

/** @param log numbers of its entries. */
export function foldLog(table: Table, log: readonly number[], off: Off): Fold {
  const key = log.join(' ')
  const known = table.folds.get(key)
  if (known !== undefined) return known
  let state = emptyFold()
  const decided = new Set<number>()
  const piecesOf = new Map<number, readonly number[]>()
  for (const number of log) {
    const entry = table.entry(number)
    const holds = table.holds(state, number, off)
    const { next } = state
    const step = foldEntry(state, next, entry, `${number}`)
    state = step.state
    if (!holds) continue
    if (step.verdict.kind === 'void' && entry.kind === 'append') {
      state = foldAppend(state, next, entry)
    }
    decided.add(number)
    if (entry.kind !== 'append' && entry.kind !== 'swap') continue
    for (const file of entry.body.files) {
      const root = rootIn(file)
      piecesOf.set(root, [...(piecesOf.get(root) ?? []), pieceIn(file)])
    }
  }
  const open = [...state.unpublished.values()].flatMap(({ files }) => files)
  const next = Number(state.positions.get(lane)?.get(sourceKey(source))?.next ?? 0n)
  const fold = { state, next, open, decided, piecesOf }
  table.folds.set(key, fold)
  return fold
}
