/**
 * What must hold of the order of things, and of what entries say, judged by what was produced.
 *
 * First the entry, then the deed: nothing is published, announced or delivered before the entry
 * that orders it stood. What an entry claims of Kafka must be true of Kafka.
 */
import { zstdDecompressSync } from 'node:zlib'
import type { Received } from '../receiver.ts'
import { canonical, linesIn, linesOf } from './checkpoints.ts'
import { type FoldedPartition, type LogState, noCounts, total } from './fold-state.ts'
import { wrongGaps } from './gaps.ts'
import type { Judged } from './lake-oracle.ts'
import type { JudgedEntry, JudgedLog, Passed } from './log.ts'
import {
  type AppendEntry,
  type ClosedEntry,
  type Counts,
  type DataFile,
  keyOf,
  type Manifest,
  type ReadyEntry,
  sha256Of,
} from './log-entry.ts'
import { checkpointNext, entryAt, hourEnd, manifestAt } from './paths.ts'
import { type Announced, wrongOrder } from './receipts.ts'
import { lateBegin } from './rows.ts'

export function wrongPromises(judged: Judged, log: JudgedLog): readonly string[] {
  return [...wrongDeliveries(judged, log), ...wrongStaging(judged, log)]
}

interface Standing extends JudgedEntry {
  readonly index: number
  /** Of all up to the entry. */
  readonly state: LogState
  readonly passed: Passed
  /** The lake's clock of the newest entry below it. */
  readonly belowMs: number
}

/** What is wrong with an entry, given all below it. */
export function wrongEntry(judged: Judged, standing: Standing): readonly string[] {
  const { entry, decided, index } = standing
  if (decided && entry.kind === 'append') return wrongAppend(judged, standing, entry)
  if (decided && entry.kind === 'ready') {
    const gaps = wrongGaps(standing.state, entry, judged.emptyRunMax)
    return [
      ...wrongReady(judged, standing, entry),
      ...gaps.map((text) => `entry ${index}: ${text}`),
    ]
  }
  if (decided && entry.kind === 'closed-late') return wrongClosings(judged, standing, entry)
  if (decided && entry.kind === 'swap') return earlyFiles(judged, entry.body.files, index)
  return []
}

function wrongAppend(
  judged: Judged,
  { state, belowMs, index }: Standing,
  { body, ranges }: AppendEntry,
): readonly string[] {
  const { events, outOfOrdernessMs, lakeBehindMs } = judged
  const ahead = body.progress.filter(({ stream, source, eventWatermarkMs }) => {
    const range = ranges.find((at) => keyOf(at.source) === keyOf(source))
    const times = events
      .filter((event) => event.stream === stream && event.partition === source.partition)
      .filter(({ offset }) => range !== undefined && offset < BigInt(range.next))
      .map(({ eventMs }) => eventMs)
    return eventWatermarkMs > Math.max(...times) - outOfOrdernessMs
  })
  const untrue = body.evidence.filter(({ source, highWatermark, askedAtMs }) =>
    events.some(
      ({ partition, offset, atMs }) =>
        partition === source.partition &&
        offset >= BigInt(highWatermark) &&
        atMs - lakeBehindMs < askedAtMs,
    ),
  )
  return [
    ...earlyFiles(judged, body.files, index),
    ...wrongDiverted(judged, state, body.files, belowMs).map((text) => `entry ${index}: ${text}`),
    ...ahead.map(({ stream }) => `entry ${index}: watermark of ${stream} is ahead of its data`),
    ...untrue.map(({ source }) => `entry ${index}: evidence of ${source.partition} is not true`),
  ]
}

/** Late rows that are to be appended are diverted where their partition is closed, or due to be. */
function wrongDiverted(
  { late, closeAfterMs }: Judged,
  { streams }: LogState,
  files: readonly DataFile[],
  belowMs: number,
): readonly string[] {
  return files.flatMap(({ stream: name, partitionPath }) => {
    const of = name.startsWith(lateBegin) ? name.slice(lateBegin.length) : ''
    if (late[of] !== 'append') return []
    const stream = streams.get(of)
    const folded = stream?.partitions.get(partitionPath)
    const nextMs = hourEnd(partitionPath)
    if (folded === undefined && nextMs <= (stream?.closed?.nextMs ?? -1)) return []
    const isDue = announcedMsOf(folded) + (closeAfterMs ?? Infinity) <= belowMs
    return isDue ? [] : [`late rows of ${of} ${partitionPath} are diverted without a reason`]
  })
}

/** The lake's clock of revision 1. */
const announcedMsOf = (folded: FoldedPartition | undefined): number =>
  folded?.firstAnnouncedAtMs ??
  (folded?.manifest == null ? Infinity : Date.parse(folded.manifest.decidedAt))

function earlyFiles(
  { store, pipeline }: Judged,
  files: readonly DataFile[],
  index: number,
): readonly string[] {
  const decidedAt = store.firstSet.get(entryAt(pipeline, index)) ?? 0
  return files
    .filter((file) => publishedAt(store, file) < decidedAt)
    .map(({ path }) => `file "${path}" is published before entry ${index}`)
}

/** When a file came to stand, one that grew in the length that its entry says. */
const publishedAt = (
  { firstSet, firstOfLength }: Judged['store'],
  { path, sizeBytes, base }: DataFile,
): number =>
  (base === undefined ? firstSet.get(path) : firstOfLength.get(path)?.get(sizeBytes)) ?? Infinity

/** Whoever looks for a closed partition finds all of it in the list that its entry names. */
function wrongClosings(
  { store, pipeline }: Judged,
  { state, index }: Standing,
  { closings }: ClosedEntry,
): readonly string[] {
  return closings.flatMap(({ stream, partition: { path: partitionPath }, list }) => {
    const closed = state.closedPartitions.get(stream) ?? []
    const partition = closed.find((one) => one.partition.path === partitionPath)
    const { path, sizeBytes, sha256, previous } = list
    const bytes = store.firstHeld.get(path)?.body ?? new Uint8Array()
    const name = `entry ${index}: the list of ${stream} ${partitionPath}`
    if (bytes.length !== sizeBytes || sha256Of(bytes) !== sha256) return [`${name} is another one`]
    const decidedAt = store.firstSet.get(entryAt(pipeline, index)) ?? 0
    if ((store.firstSet.get(path) ?? Infinity) > decidedAt) return [`${name} came after it`]
    const wanted = canonical({ format: 1, previous, stream, partition })
    return zstdDecompressSync(bytes).toString() === wanted ? [] : [`${name} says something else`]
  })
}

/** Every topic-partition passed the end, by what stands below the entry, and all is published. */
function wrongReady(
  judged: Judged,
  { state, passed, index }: Standing,
  { announcements, body }: ReadyEntry,
): readonly string[] {
  const { store, pipeline } = judged
  const decidedAt = store.firstSet.get(entryAt(pipeline, index)) ?? 0
  const wrong: string[] = []
  for (const [at, { stream, partition }] of announcements.entries()) {
    const manifest = body.manifests[at]
    const name = `entry ${index}: ${stream} ${partition.path}`
    const dueMs = partition.nextMs + judged.readyDelayMs
    wrong.push(
      ...wrongSources(judged, { name, dueMs, manifest, has: passed.partitions(stream, dueMs) }),
    )
    const folded = state.streams.get(stream)?.partitions.get(partition.path)
    const files = folded?.files ?? []
    if (manifest !== undefined) wrong.push(...wrongContents(name, manifest, folded))
    for (const file of files) {
      const { path, table } = file
      if (!path.startsWith(`${table}/`))
        wrong.push(`${name} is announced while "${path}" is spilled`)
      if (publishedAt(store, file) < decidedAt) continue
      wrong.push(`${name} is announced before file "${path}" is published`)
    }
    const key = { stream, partitionPath: partition.path, revision: manifest?.revision ?? 0 }
    const shownAt = store.firstSet.get(manifestAt(pipeline, key))
    if (shownAt === undefined) wrong.push(`${name} has no manifest`)
    else if (shownAt < decidedAt) wrong.push(`${name} has a manifest before it is decided`)
  }
  return wrong
}

interface Sources {
  readonly name: string
  readonly dueMs: number
  readonly manifest: Manifest | undefined
  /** Topic-partitions that passed. */
  readonly has: ReadonlySet<number>
}

/** The set holds all that there were when the hour was due, and each of it passed. */
function wrongSources({ addedAtMs }: Judged, { name, dueMs, manifest, has }: Sources) {
  const named = new Set(manifest?.sources.map(({ partition }) => partition))
  const distinct = new Set(manifest?.sources.map((at) => `${at.topicId}/${at.partition}`))
  const missing = [...addedAtMs.keys()].filter(
    (at) => (addedAtMs[at] ?? 0) < dueMs && !named.has(at),
  )
  // What is announced stays so, wherever operators move those who read.
  const early = manifest?.revision === 1 ? [...named].filter((at) => !has.has(at)) : []
  return [
    ...missing.map((at) => `${name} does not name ${at}`),
    ...early.map((at) => `${name} is announced while ${at} has not passed`),
    ...(manifest?.sources.length === distinct.size ? [] : [`${name} names a source twice`]),
  ]
}

/** A manifest says what the log says below it. */
function wrongContents(
  name: string,
  { files, counts, rows, revision, reason, added }: Manifest,
  folded: FoldedPartition | undefined,
): readonly string[] {
  const live = folded?.files ?? []
  const wrong: string[] = []
  const isSame = files.length === live.length && live.every(({ path }) => named(files).has(path))
  if (!isSame) wrong.push(`${name} names ${files.length} files of ${live.length}`)
  if (rows !== live.reduce((sum, { rowCount }) => sum + rowCount, 0)) {
    wrong.push(`${name} says ${rows} rows`)
  }
  const held = folded?.counts ?? noCounts
  if (countedIn(counts) !== countedIn(held)) {
    wrong.push(`${name} counts ${countedIn(counts)}, the log ${countedIn(held)}`)
  }
  if (revision > 1 && (reason !== 'late' || added.length === 0)) {
    wrong.push(`${name} has revision ${revision}, ${reason}, adding ${added.length} files`)
  }
  return wrong
}

const named = (files: Manifest['files']) => new Set(files.map(({ path }) => path))

const countedIn = ({ read, written, filtered, late, deadLettered, lateAppended }: Counts): string =>
  [read, written, total(filtered), late, total(deadLettered), lateAppended].join()

/** Receivers get what is decided, all of it, and the log says so of nothing else. */
function wrongDeliveries(judged: Judged, { entries }: JudgedLog): readonly string[] {
  const { store, pipeline, received, webhookTarget, deliverDeadlineMs } = judged
  if (received === undefined) return []
  const wrong: string[] = []
  /** The lake's clock at each announcement. */
  const readyMs = new Map<string, number>()
  const announced = new Map<string, Announced>()
  for (const [index, { entry, decided }] of entries.entries()) {
    const at = store.firstSet.get(entryAt(pipeline, index)) ?? 0
    if (!decided) continue
    if (entry.kind === 'ready') {
      for (const manifest of entry.body.manifests) {
        const { stream, table, partitionPath, revision } = manifest
        const path = `${table}/${partitionPath}/_SUCCESS`
        announced.set(manifest.id, { stream, partitionPath, revision, path, decidedAt: at })
        const modifiedMs = store.firstHeld.get(entryAt(pipeline, index))?.modifiedMs ?? 0
        readyMs.set(`${manifest.stream} ${manifest.partitionPath}`, modifiedMs)
      }
    }
    if (entry.kind !== 'delivered') continue
    for (const { stream, partitionPath, revision, target } of entry.deliveries) {
      const isThere = received.some(({ manifest, afterSet }) => {
        const isThat = manifest.stream === stream && manifest.partitionPath === partitionPath
        return isThat && manifest.revision === revision && afterSet < at
      })
      const name = `${stream} ${partitionPath}`
      if (target === webhookTarget && !isThere) wrong.push(`${name} never came, delivered it says`)
      const decidedMs = readyMs.get(name) ?? Number.POSITIVE_INFINITY
      const saidMs = store.firstHeld.get(entryAt(pipeline, index))?.modifiedMs ?? 0
      if (target !== webhookTarget && saidMs - decidedMs < deliverDeadlineMs) {
        wrong.push(`${name} is called delivered while others may still deliver it`)
      }
    }
  }
  return [...wrong, ...wrongReceipts(judged, received, announced)]
}

function wrongReceipts(
  judged: Judged,
  received: readonly Received[],
  announced: ReadonlyMap<string, Announced>,
): readonly string[] {
  const early = received.filter(({ manifest, afterSet }) => {
    const known = announced.get(manifest.id)
    return known === undefined || known.decidedAt > afterSet
  })
  const newest = new Map<string, number>()
  for (const { manifest } of received) {
    const key = `${manifest.stream} ${manifest.partitionPath}`
    newest.set(key, Math.max(newest.get(key) ?? 0, manifest.revision))
  }
  return [
    ...early.map(({ manifest }) => `"${manifest.id}" is delivered and not decided`),
    ...wrongOrder(received, announced),
    ...[...announced].flatMap(([id, told]) => {
      const { stream, partitionPath, revision, decidedAt } = told
      if (decidedAt > judged.settledAtSet) return []
      const wrong = wrongSuccess(judged.store, told)
      if (wrong !== undefined) return [wrong]
      // A later revision lists all that an earlier one does.
      const reached = newest.get(`${stream} ${partitionPath}`) ?? 0
      return reached >= revision ? [] : [`"${id}" was never delivered`]
    }),
  ]
}

/** The file shows it, or a later revision, and did not come before revision 1. */
function wrongSuccess(
  store: Judged['store'],
  { path, revision, decidedAt }: Announced,
): string | undefined {
  const shownAt = store.firstSet.get(path)
  if (shownAt === undefined) return `"${path}" was never written`
  if (revision === 1 && shownAt < decidedAt) return `"${path}" was written before it was decided`
  const body = store.get(path)?.body ?? new Uint8Array()
  const shown = /"revision":(\d+)/.exec(new TextDecoder().decode(body))?.[1]
  return Number(shown) >= revision ? undefined : `"${path}" shows ${shown}, not ${revision}`
}

/**
 * Whoever begins at a checkpoint knows what whoever folds all entries below it knows.
 *
 * @param states of all who could read them: an entry may have been torn since.
 */
export function wrongCheckpoints(
  { store }: Judged,
  states: readonly LogState[],
  made: readonly string[],
): readonly string[] {
  if (made.length === 0) return []
  const all = states.map((state) => ({ checksum: state.checksum, wanted: linesOf(state) }))
  return made.flatMap((path) => {
    const found = linesIn(store.firstHeld.get(path)?.body ?? new Uint8Array())
    const isRight = all.some(({ checksum, wanted }) => {
      const isSame = found.length === wanted.length && found.every((line, n) => line === wanted[n])
      return isSame && checksum.startsWith(checkpointNext(path)?.checksum16 ?? '-')
    })
    return isRight ? [] : [`checkpoint "${path}" is not what the entries below it say`]
  })
}

/** Paths of all checkpoints that ever stood, by the number of entries they are over. */
export const checkpointsOf = ({ store }: Judged): ReadonlyMap<number, readonly string[]> =>
  Map.groupBy(
    [...store.firstHeld.keys()].filter((path) => checkpointNext(path) !== undefined),
    (path) => checkpointNext(path)?.next ?? 0,
  )

/** A commit id is used for one content only: in one entry, for staging that is written once. */
function wrongStaging({ store }: Judged, { entries }: JudgedLog): readonly string[] {
  const seen = new Set<string>()
  const wrong = [...store.changed].map((path) => `"${path}" was staged with two contents`)
  for (const { entry, decided } of entries) {
    if (!decided) continue
    if (seen.has(entry.commitId)) wrong.push(`commit "${entry.commitId}" stands in two entries`)
    seen.add(entry.commitId)
  }
  const bodies = new Map<string, string>()
  for (const path of store.firstSet.keys()) {
    const id = /\/bodies\/([0-9a-f]+-\d+)-/.exec(path)?.[1]
    if (id === undefined) continue
    if (bodies.has(id)) wrong.push(`commit "${id}" has two contents`)
    bodies.set(id, path)
  }
  return wrong
}
