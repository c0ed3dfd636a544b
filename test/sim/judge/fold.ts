/** What a decided entry changes, by docs/protocol.md and by none of the product's code. */
import {
  type FoldedPartition,
  type FoldedStream,
  isTold,
  type LogState,
  noCounts,
  streamOf,
} from './fold-state.ts'
import { noteGap } from './gaps.ts'
import {
  type AppendEntry,
  type ClosedEntry,
  type ConfigEntry,
  type Counts,
  type DataFile,
  type DeliveredEntry,
  type Entry,
  type ForgetEntry,
  type HomeEntry,
  keyOf,
  type Partition,
  type Progress,
  type Range,
  type ReadyEntry,
  type SourceEntry,
  sha256Of,
  type VoidEntry,
} from './log-entry.ts'
import { holds } from './reliance.ts'

const voidsKept = 100
/** A week. */
const writerKeptMs = 7 * 24 * 3_600_000

/** Folds the next entry into the state. @returns whether it is decided. */
export function foldInto(state: LogState, entry: Entry, head: Uint8Array): boolean {
  const decided = holds(state, entry)
  const index = state.next
  state.next += 1
  state.checksum = sha256Of(state.checksum + sha256Of(head))
  see(state, entry)
  if (!decided) {
    leaveVoid(state, entry, index)
    return false
  }
  believe(state, entry)
  change(state, entry, index)
  return true
}

function leaveVoid(state: LogState, { commitId }: Entry, index: number): void {
  state.voidCount += 1
  state.voids = [...state.voids, { entry: index, commitId }].slice(-voidsKept)
}

/** Only where it stands does it stand for anything. */
function stepOver(state: LogState, entry: VoidEntry, index: number): void {
  if (entry.entry !== index) return
  state.steppedOver = [...state.steppedOver, index]
  leaveVoid(state, entry, index)
}

const counterOf = (commitId: string): number => Number(commitId.slice(33))

function see({ writers }: LogState, { writerId, commitId, stagedAtMs, discarded }: Entry): void {
  const known = writers.get(writerId)
  writers.set(writerId, {
    counterNext: Math.max(known?.counterNext ?? 0, counterOf(commitId) + 1),
    publishedNext: known?.publishedNext ?? 0,
    unpublished: known?.unpublished ?? [],
    lastEntryAtMs: stagedAtMs,
    discardedCount: (known?.discardedCount ?? 0) + discarded.length,
  })
}

/** Takes the writer's word for what is published. */
function believe(state: LogState, { writerId, publishedNext, published }: Entry): void {
  const writer = state.writers.get(writerId)
  if (writer === undefined) return
  state.writers.set(writerId, { ...writer, publishedNext })
  const own = writer.unpublished.filter((id) => counterOf(id) < publishedNext)
  for (const id of [...own, ...published]) settle(state, id)
}

function change(state: LogState, entry: Entry, index: number): void {
  switch (entry.kind) {
    case 'append':
      return append(state, entry, index)
    case 'ready':
      return announce(state, entry, index)
    case 'delivered':
      return deliver(state, entry)
    case 'config':
      return configure(state, entry)
    case 'closed-late':
      return close(state, entry)
    case 'swap':
      return bringHome(state, entry, index)
    case 'source':
      return moveSources(state, entry)
    case 'forget':
      return forget(state, entry)
    case 'void':
      return stepOver(state, entry, index)
  }
}

function append(state: LogState, entry: AppendEntry, index: number): void {
  const { ranges, places, body, commitId, stagedAtMs, writerId } = entry
  for (const range of ranges) move(state, range, entry)
  for (const progress of body.progress) advance(state, progress, stagedAtMs)
  for (const evidence of body.evidence) {
    const known = state.evidence.get(keyOf(evidence.source))
    if (known !== undefined && known.askedAtMs > evidence.askedAtMs) continue
    state.evidence.set(keyOf(evidence.source), evidence)
  }
  for (const { stream, partition } of places) add(state, stream, partition, { commitId })
  for (const file of body.files) {
    const place = places.find(
      ({ stream, partition }) => stream === file.stream && partition.path === file.partitionPath,
    )
    if (place !== undefined) add(state, file.stream, place.partition, { commitId, file })
  }
  for (const { stream, partition, counts } of body.counts) {
    const withRows = body.files.some(
      (file) => file.stream === stream && file.partitionPath === partition.path,
    )
    add(state, stream, partition, { commitId, counts, withRows })
    const key = `${stream} ${partition.path}`
    state.cells.set(key, sum(state.cells.get(key) ?? noCounts, counts))
  }
  if (body.files.length === 0) return
  state.unpublished.set(commitId, { commitId, entry: index, stagedAtMs, files: body.files })
  owe(state, writerId, commitId)
}

/** The writer has something to do, until somebody says that it is done. */
function owe({ writers }: LogState, writerId: string, commitId: string): void {
  const writer = writers.get(writerId)
  if (writer === undefined) return
  writers.set(writerId, { ...writer, unpublished: [...writer.unpublished, commitId] })
}

/** What is taken is given up: nobody publishes it any more, and it goes once the others stand. */
function bringHome(state: LogState, entry: HomeEntry, index: number): void {
  const { stream, partition, inputs, body, commitId, stagedAtMs, writerId } = entry
  const { partitions } = streamOf(state, stream)
  const known = partitions.get(partition.path)
  if (known === undefined) return
  const taken = new Set(inputs)
  const kept = known.files.filter(({ path }) => !taken.has(path))
  const gone = known.files.filter(({ path }) => taken.has(path))
  const files = [...kept, ...body.files]
  partitions.set(partition.path, { ...known, files, version: commitId })
  for (const commit of state.unpublished.values()) forgo(state, commit.commitId, taken)
  const removals = gone.map((file) => {
    const { path, stagedPath } = file
    return { stream: file.stream, partitionPath: file.partitionPath, path, stagedPath }
  })
  const deeds = { commitId, entry: index, stagedAtMs, files: body.files, removals }
  state.unpublished.set(commitId, deeds)
  owe(state, writerId, commitId)
}

/** A commit has no more to do with these files. */
function forgo(state: LogState, commitId: string, taken: ReadonlySet<string>): void {
  const commit = state.unpublished.get(commitId)
  const files = commit?.files.filter(({ path }) => !taken.has(path)) ?? []
  if (commit === undefined || files.length === commit.files.length) return
  if (files.length > 0 || commit.removals !== undefined) {
    state.unpublished.set(commitId, { ...commit, files })
    return
  }
  settle(state, commitId)
}

function settle({ unpublished, writers }: LogState, commitId: string): void {
  if (!unpublished.delete(commitId)) return
  const author = writers.get(commitId.slice(0, 32))
  if (author === undefined) return
  const left = author.unpublished.filter((other) => other !== commitId)
  writers.set(commitId.slice(0, 32), { ...author, unpublished: left })
}

function move(state: LogState, range: Range, { commitId, stagedAtMs }: AppendEntry): void {
  const { lane, source, first, next, leaderEpoch } = range
  const ofLane = state.positions.get(lane) ?? new Map<string, never>()
  state.positions.set(lane, ofLane)
  const known = state.positions.get(lane)?.get(keyOf(source))
  const moved = known === undefined || BigInt(next) > BigInt(first)
  state.positions.get(lane)?.set(keyOf(source), {
    source,
    next,
    leaderEpoch: leaderEpoch === -1 ? (known?.leaderEpoch ?? -1) : leaderEpoch,
    commitId,
    sinceMs: known?.sinceMs ?? stagedAtMs,
    movedAtMs: moved ? stagedAtMs : known.movedAtMs,
    eventWatermarkMs: known?.eventWatermarkMs ?? null,
    ...(known?.resetEpoch === undefined ? {} : { resetEpoch: known.resetEpoch }),
    ...(known?.ended === undefined ? {} : { ended: known.ended }),
  })
}

/** What was known of event time and of idleness was known of the reading before. */
function moveSources(state: LogState, { moves, commitId, stagedAtMs }: SourceEntry): void {
  for (const { lane, source, expected, resetEpoch, next } of moves) {
    const key = keyOf(source)
    const ofLane: NonNullable<ReturnType<LogState['positions']['get']>> =
      state.positions.get(lane) ?? new Map()
    state.positions.set(lane, ofLane)
    const known = ofLane.get(key)
    for (const { progress } of state.streams.values()) progress.delete(key)
    state.evidence.delete(key)
    if (next === null) {
      if (known !== undefined) ofLane.set(key, { ...known, ended: true })
      continue
    }
    const leaderEpoch = next === expected ? (known?.leaderEpoch ?? -1) : -1
    const times = { sinceMs: stagedAtMs, movedAtMs: stagedAtMs, eventWatermarkMs: null }
    const moved = known === undefined ? {} : { resetEpoch: resetEpoch + 1 }
    ofLane.set(key, { source, next, leaderEpoch, commitId, ...times, ...moved })
  }
}

function forget(state: LogState, { commits }: ForgetEntry): void {
  for (const commitId of commits) state.forgotten.add(commitId)
}

/** A watermark never goes back. */
function advance(state: LogState, { stream, source, eventWatermarkMs }: Progress, atMs: number) {
  const key = keyOf(source)
  const { progress } = streamOf(state, stream)
  const highest = Math.max(
    progress.get(key)?.eventWatermarkMs ?? eventWatermarkMs,
    eventWatermarkMs,
  )
  progress.set(key, { source, eventWatermarkMs: highest, rowsAtMs: atMs })
  for (const ofLane of state.positions.values()) {
    const known = ofLane.get(key)
    if (known === undefined) continue
    const passed = Math.max(known.eventWatermarkMs ?? eventWatermarkMs, eventWatermarkMs)
    ofLane.set(key, { ...known, eventWatermarkMs: passed })
  }
}

interface Addition {
  readonly commitId: string
  readonly file?: DataFile
  readonly counts?: Counts
  /** The same entry has files for it. */
  readonly withRows?: boolean
}

/**
 * A partition gets a version with whatever is added, but for counts alone that come to one whose
 * files are all announced.
 */
function add(state: LogState, name: string, partition: Partition, addition: Addition): void {
  const { commitId, file, counts = noCounts, withRows } = addition
  const stream = streamOf(state, name)
  const known = stream.partitions.get(partition.path)
  const { closed } = stream
  const isClosed = closed !== undefined && known === undefined && partition.nextMs <= closed.nextMs
  if (isClosed && file === undefined && withRows !== true) {
    stream.closed = { ...closed, counts: sum(closed.counts, counts) }
    return
  }
  const table = state.config.streams.find((one) => one.name === name)?.table ?? ''
  const hasNew = file !== undefined || withRows === true
  const keeps = known?.place === 'announced' && !hasNew && isTold(known)
  stream.partitions.set(partition.path, {
    table: file?.table ?? known?.table ?? table,
    partition: known?.partition ?? partition,
    place: known?.place ?? 'open',
    version: keeps ? known.version : commitId,
    files: withFile(known?.files ?? [], file),
    counts: sum(known?.counts ?? noCounts, counts),
    revision: known?.revision ?? 0,
    manifest: known?.manifest ?? null,
    ...firstOf(known),
  })
}

/** A file that grew stands where it stood. */
function withFile(files: readonly DataFile[], file: DataFile | undefined): readonly DataFile[] {
  if (file === undefined) return files
  if (file.base === undefined) return [...files, file]
  return files.map((one) => (one.path === file.path ? file : one))
}

const firstOf = (known: FoldedPartition | undefined) =>
  known?.firstAnnouncedAtMs === undefined ? {} : { firstAnnouncedAtMs: known.firstAnnouncedAtMs }

function sum(one: Counts, other: Counts): Counts {
  const byReason = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) => {
    const summed = { ...a }
    for (const [reason, count] of Object.entries(b)) summed[reason] = (summed[reason] ?? 0) + count
    return summed
  }
  return {
    read: one.read + other.read,
    written: one.written + other.written,
    filtered: byReason(one.filtered, other.filtered),
    late: one.late + other.late,
    deadLettered: byReason(one.deadLettered, other.deadLettered),
    lateAppended: one.lateAppended + other.lateAppended,
  }
}

function announce(state: LogState, entry: ReadyEntry, index: number): void {
  const { announcements, body, commitId, stagedAtMs } = entry
  for (const [at, announcement] of announcements.entries()) {
    const told = body.manifests[at]
    if (told === undefined) continue
    const stream = streamOf(state, announcement.stream)
    const { partition, targets } = announcement
    const known = stream.partitions.get(partition.path)
    const config = state.config.streams.find(({ name }) => name === announcement.stream)
    const manifest = { ...told, logEntry: index }
    const announced: FoldedPartition = {
      table: known?.table ?? config?.table ?? '',
      partition: known?.partition ?? partition,
      place: 'announced',
      version: commitId,
      files: known?.files ?? [],
      counts: known?.counts ?? noCounts,
      revision: manifest.revision,
      manifest,
      ...firstOf(known),
    }
    const before = known?.manifest?.decidedAt
    const since = before === undefined ? {} : { firstAnnouncedAtMs: Date.parse(before) }
    stream.partitions.set(partition.path, { ...since, ...announced })
    const { nextMs } = announced.partition
    stream.announcedNextMs = Math.max(stream.announcedNextMs ?? nextMs, nextMs)
    if (manifest.revision === 1) noteGap(stream, manifest, index)
    if (targets.length === 0) continue
    const waiting = { entry: index, decidedAtMs: stagedAtMs, manifest, targets }
    state.undelivered = [...state.undelivered, waiting]
  }
}

function deliver(state: LogState, { deliveries }: DeliveredEntry): void {
  state.undelivered = state.undelivered.flatMap((waiting) => {
    const { manifest } = waiting
    const reached = new Set(
      deliveries
        .filter(({ stream, partitionPath, revision }) => {
          const isSame = stream === manifest.stream && partitionPath === manifest.partitionPath
          return isSame && revision >= manifest.revision
        })
        .map(({ target }) => target),
    )
    const targets = waiting.targets.filter((target) => !reached.has(target))
    return targets.length === 0 ? [] : [{ ...waiting, targets }]
  })
}

function configure(state: LogState, { version, checksum, stagedAtMs, body }: ConfigEntry): void {
  const since = new Map(
    state.config.streams.map((one) => [one.name, 'sinceMs' in one ? one.sinceMs : stagedAtMs]),
  )
  const streams = body.streams.map((one) => ({
    ...one,
    sinceMs: since.get(one.name) ?? stagedAtMs,
  }))
  state.config = { version, checksum, streams, putAtMs: stagedAtMs }
}

function close(state: LogState, { closings, stagedAtMs }: ClosedEntry): void {
  for (const { stream: name, partition, list } of closings) {
    const stream = streamOf(state, name)
    const folded = stream.partitions.get(partition.path)
    if (folded === undefined) continue
    const { closed: known } = stream
    const { startMs, nextMs } = folded.partition
    stream.partitions.delete(partition.path)
    const before = state.closedPartitions.get(name) ?? []
    state.closedPartitions.set(name, [...before, folded])
    stream.closed = {
      firstMs: Math.min(known?.firstMs ?? startMs, startMs),
      nextMs: Math.max(known?.nextMs ?? nextMs, nextMs),
      partitionCount: (known?.partitionCount ?? 0) + 1,
      fileCount: (known?.fileCount ?? 0) + folded.files.length,
      rowCount:
        (known?.rowCount ?? 0) + folded.files.reduce((rows, { rowCount }) => rows + rowCount, 0),
      counts: sum(known?.counts ?? noCounts, folded.counts),
      checksum: list.sha256,
    }
  }
  for (const name of new Set(closings.map(({ stream }) => stream)))
    leaveRowless(streamOf(state, name))
  for (const [id, { unpublished, lastEntryAtMs }] of state.writers) {
    const isSilent = lastEntryAtMs + writerKeptMs < stagedAtMs
    if (unpublished.length === 0 && isSilent) state.writers.delete(id)
  }
}

/** Open ones without rows before the newest closed one: nothing will ever be announced of them. */
function leaveRowless(stream: FoldedStream): void {
  for (const [path, { place, files, partition, counts }] of stream.partitions) {
    const { closed } = stream
    if (closed === undefined || place !== 'open' || files.length > 0) continue
    if (partition.nextMs > closed.nextMs) continue
    stream.partitions.delete(path)
    stream.closed = { ...closed, counts: sum(closed.counts, counts) }
  }
}
