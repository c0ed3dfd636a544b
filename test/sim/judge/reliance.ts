/** Whether an entry holds over what stands below it: the rules of docs/protocol.md, once more. */
import { addUp, type FoldedPartition, isGone, isLate, isTold, type LogState } from './fold-state.ts'
import {
  type AppendEntry,
  type ClosedEntry,
  type DataFile,
  type Entry,
  type HomeEntry,
  keyOf,
  type Manifest,
  type Partition,
  type ReadyEntry,
  type Source,
  type SourceEntry,
} from './log-entry.ts'

const noList = '0'.repeat(64)

export function holds(state: LogState, entry: Entry): boolean {
  if (entry.commitId.slice(0, 32) !== entry.writerId) return false
  if (state.forgotten.has(entry.commitId)) return false
  switch (entry.kind) {
    case 'append':
      return appendHolds(state, entry)
    case 'ready':
      return readyHolds(state, entry)
    case 'delivered':
      return entry.deliveries.every(
        ({ stream, partitionPath, revision }) =>
          state.streams.get(stream)?.partitions.get(partitionPath)?.revision === revision,
      )
    case 'config':
      return entry.fromVersion === state.config.version && entry.version === entry.fromVersion + 1
    case 'closed-late':
      return closedHolds(state, entry)
    case 'swap':
      return homeHolds(state, entry)
    case 'source':
      return sourceHolds(state, entry)
    case 'void':
      return entry.entry === state.next || state.steppedOver.includes(entry.entry)
    case 'forget':
      return entry.commits.every((commitId) => !state.unpublished.has(commitId))
  }
}

/** Each topic-partition stands where the operator saw it, and a reason is given. */
function sourceHolds(state: LogState, { why, moves }: SourceEntry): boolean {
  const named = new Set(moves.map(({ lane, source }) => `${lane} ${keyOf(source)}`))
  return (
    why.trim() !== '' &&
    moves.length > 0 &&
    named.size === moves.length &&
    moves.every(({ lane, source, expected, resetEpoch, next }) => {
      const known = state.positions.get(lane)?.get(keyOf(source))
      const isSeen = (known?.next ?? null) === expected && (known?.resetEpoch ?? 0) === resetEpoch
      const isRead = known !== undefined && known.ended !== true
      return isSeen && (next === null ? isRead : BigInt(next) >= 0n)
    })
  )
}

function appendHolds(state: LogState, { ranges, places, configVersion, body }: AppendEntry) {
  if (configVersion !== state.config.version) return false
  const covered = new Set(ranges.map(({ lane, source }) => `${lane} ${keyOf(source)}`))
  const here = new Set(places.map(({ stream, partition }) => `${stream} ${partition.path}`))
  const late = new Set(
    places.flatMap(({ stream, partition, late: is }) =>
      is ? [`${stream} ${partition.path}`] : [],
    ),
  )
  return (
    covered.size === ranges.length &&
    ranges.every(({ lane, source, expected, first, next, resetEpoch }) => {
      const position = state.positions.get(lane)?.get(keyOf(source))
      const known = position?.next ?? null
      const isOfEpoch = (resetEpoch ?? 0) === (position?.resetEpoch ?? 0)
      const begins = expected ?? next
      const isForward = BigInt(first) >= 0n && BigInt(next) >= BigInt(first)
      if (expected === null && isAnotherRead(state, lane, source)) return false
      return known === expected && isOfEpoch && first === begins && isForward
    }) &&
    places.every((place) => takesRows(state, place)) &&
    body.files.every(({ stream, partitionPath }) => here.has(`${stream} ${partitionPath}`)) &&
    body.files.every((file) => file.base === undefined || goesOn(state, file)) &&
    body.counts.every(({ stream, partition, counts }) => {
      const { written, lateAppended } = counts
      const wanted = late.has(`${stream} ${partition.path}`) ? written : 0
      return addUp(counts) && lateAppended === wanted
    })
  )
}

/** Under the name of the topic another id is read, and no operator ended that. */
const isAnotherRead = (state: LogState, lane: string, { topic, topicId }: Source): boolean =>
  [...(state.positions.get(lane)?.values() ?? [])].some(
    ({ source, ended }) => ended !== true && source.topic === topic && source.topicId !== topicId,
  )

/** An open partition has the file just as it is gone on with. */
function goesOn({ streams }: LogState, file: DataFile): boolean {
  const known = streams.get(file.stream)?.partitions.get(file.partitionPath)
  const live = known?.files.find(({ path }) => path === file.path)
  return (
    known?.place === 'open' &&
    live !== undefined &&
    live.sizeBytes === file.base?.sizeBytes &&
    live.rowCount === file.base.rowCount &&
    file.rowCount > live.rowCount &&
    file.sizeBytes > live.sizeBytes
  )
}

/** Late rows are taken by what was announced and has not left the state. */
function takesRows(state: LogState, { stream, partition, late }: AppendEntry['places'][number]) {
  if (late !== true) return isOpen(state, stream, partition)
  const known = state.streams.get(stream)
  return isLate(known, partition) && !isGone(known, partition)
}

function isOpen({ streams }: LogState, stream: string, { path, startMs, nextMs }: Partition) {
  const known = streams.get(stream)
  if (nextMs <= startMs || known?.partitions.get(path)?.place === 'announced') return false
  const announcedNextMs = known?.announcedNextMs ?? null
  return announcedNextMs === null || nextMs > announcedNextMs
}

/** What is announced is announced again only when files came, and then all are named. */
function readyHolds({ streams }: LogState, { announcements, body }: ReadyEntry): boolean {
  const named = new Set(announcements.map(({ stream, partition }) => `${stream} ${partition.path}`))
  return (
    named.size === announcements.length &&
    body.manifests.length === announcements.length &&
    skipsHold(streams, announcements, body.manifests) &&
    announcements.every(({ stream, partition, version }, at) => {
      const known = streams.get(stream)
      const folded = known?.partitions.get(partition.path)
      const manifest = body.manifests[at]
      const isNext = manifest?.revision === (folded?.revision ?? 0) + 1
      if (!isNext || isGone(known, partition) || (folded?.version ?? null) !== version) return false
      return folded?.place !== 'announced' || tellsChange(folded, manifest)
    })
  )
}

/** A gap begins where its stream was announced up to, and ends with the partition. */
function skipsHold(
  streams: LogState['streams'],
  announcements: ReadyEntry['announcements'],
  manifests: readonly Manifest[],
): boolean {
  const upTo = new Map<string, number>()
  return announcements.every(({ stream, partition }, at) => {
    const known = streams.get(stream)
    const reachedMs = upTo.get(stream) ?? known?.announcedNextMs ?? null
    upTo.set(stream, Math.max(reachedMs ?? partition.nextMs, partition.nextMs))
    const { revision = 0, skipped } = manifests[at] ?? {}
    if (revision > 1) {
      const before = known?.partitions.get(partition.path)?.manifest?.skipped
      return before?.first === skipped?.first && before?.next === skipped?.next
    }
    if (skipped === undefined) return true
    const [firstMs, nextMs] = [Date.parse(skipped.first), Date.parse(skipped.next)]
    const isGap = firstMs < nextMs && nextMs === partition.startMs
    return isGap && (reachedMs === null || reachedMs === firstMs)
  })
}

/** A later revision names every live file, and adds those that the one before does not name. */
function tellsChange(folded: FoldedPartition, manifest: Manifest): boolean {
  const live = folded.files.map(({ path }) => path)
  const old = new Set(folded.manifest?.files.map(({ path }) => path))
  const added = live.filter((path) => !old.has(path))
  const removed = [...old].filter((path) => !live.includes(path))
  return (
    !isTold(folded) &&
    isSame(
      manifest.files.map(({ path }) => path),
      live,
    ) &&
    isSame(manifest.added, added) &&
    isSame(manifest.removed, removed)
  )
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  [...a].sort().join() === [...b].sort().join()

function closedHolds({ streams, unpublished, undelivered }: LogState, { closings }: ClosedEntry) {
  const newest = new Map<string, string>()
  const waiting = new Set<string>()
  for (const { files, removals = [] } of unpublished.values()) {
    for (const { stream, partitionPath } of [...files, ...removals])
      waiting.add(`${stream} ${partitionPath}`)
  }
  for (const { manifest } of undelivered)
    waiting.add(`${manifest.stream} ${manifest.partitionPath}`)
  const named = new Set(closings.map(({ stream, partition }) => `${stream} ${partition.path}`))
  return (
    named.size === closings.length &&
    closings.every(({ stream, partition, version, list }) => {
      const known = streams.get(stream)
      const folded = known?.partitions.get(partition.path)
      const follows = newest.get(stream) ?? known?.closed?.checksum ?? noList
      newest.set(stream, list.sha256)
      const isOver = (folded !== undefined && isTold(folded)) || stream.startsWith('_')
      const isHeard = !waiting.has(`${stream} ${partition.path}`)
      return folded?.version === version && isOver && isHeard && list.previous === follows
    })
  )
}

/**
 * As many rows out as in, but for those that are lost, from live files to new ones in the folder
 * that readers look into.
 */
function homeHolds({ streams }: LogState, entry: HomeEntry): boolean {
  const { stream, partition, inputs, location, body } = entry
  const known = streams.get(stream)?.partitions.get(partition.path)
  if (known === undefined || known.place !== entry.place) return false
  const told = new Set(known.manifest?.files.map(({ path }) => path))
  const isUntold = known.version === entry.version && inputs.every((path) => !told.has(path))
  if (known.place === 'announced' && !(isUntold && entry.why === 'move')) return false
  if (entry.lostRowCount > 0 && entry.why !== 'refill') return false
  const live = new Map(known.files.map((file) => [file.path, file]))
  const taken = [...new Set(inputs)].flatMap((path) => live.get(path) ?? [])
  return (
    inputs.length > 0 &&
    taken.length === inputs.length &&
    location === `${known.table}/${partition.path}` &&
    new Set(body.files.map(({ path }) => path)).size === body.files.length &&
    body.files.every((file) => {
      const { path, table, partitionPath } = file
      const isHere = file.stream === stream && table === known.table
      const isOfIt = isHere && partitionPath === partition.path
      return isOfIt && path.startsWith(`${location}/`) && !live.has(path)
    }) &&
    rowsOf(taken) === rowsOf(body.files) + entry.lostRowCount
  )
}

const rowsOf = (files: readonly DataFile[]): number =>
  files.reduce((rows, { rowCount }) => rows + rowCount, 0)
