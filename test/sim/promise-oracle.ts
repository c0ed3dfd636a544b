/**
 * What must hold of the order of things, and of what entries say, judged by what was produced.
 *
 * First the entry, then the deed: nothing is published, announced or delivered before the entry
 * that orders it stood. What an entry claims of Kafka must be true of Kafka.
 */
import { type UnixMs, unixMs } from '../../src/base/time.ts'
import { encodeCheckpoint } from '../../src/codec/log/checkpoint.ts'
import type { AppendEntry, ReadyEntry } from '../../src/model/log-entry.ts'
import { type SourcePartition, sourceKey } from '../../src/model/topic-partition.ts'
import { entryPath, parseCheckpointPath } from '../../src/protocol/log-paths.ts'
import { manifestPathOf } from '../../src/protocol/readiness-manifest.ts'
import type { JudgedEntry, JudgedLog } from '../support/judged-log.ts'
import { lakeBehindMs } from './daemon-events.ts'
import type { Judged } from './daemon-oracle.ts'
import { deliverDeadlineMs } from './daemon-process.ts'
import { type Received, webhookTarget } from './receiver.ts'

export function wrongPromises(judged: Judged, log: JudgedLog): readonly string[] {
  return [
    ...log.entries.flatMap((at, index) => {
      if (!at.decided) return []
      const { entry } = at
      if (entry.kind === 'append') return wrongAppend(judged, entry, index)
      if (entry.kind === 'ready') return wrongReady(judged, at, entry, index)
      return []
    }),
    ...wrongDeliveries(judged, log),
    ...wrongStaging(judged, log),
    ...wrongCheckpoints(judged, log),
  ]
}

function wrongAppend(
  { store, events, pipeline, outOfOrdernessMs }: Judged,
  { body, ranges }: AppendEntry,
  index: number,
): readonly string[] {
  const decidedAt = store.firstSet.get(entryPath(pipeline, index)) ?? 0
  const early = body.files.filter(({ path }) => (store.firstSet.get(path) ?? Infinity) < decidedAt)
  const ahead = body.progress.filter(({ stream, source, eventWatermarkMs }) => {
    const range = ranges.find((at) => sourceKey(at.source) === sourceKey(source))
    const times = events
      .filter((event) => event.stream === stream && event.partition === source.partition)
      .filter(({ offset }) => range !== undefined && offset < range.next)
      .map(({ eventMs }) => eventMs)
    return eventWatermarkMs > Math.max(...times) - outOfOrdernessMs
  })
  const untrue = body.evidence.filter(({ source, highWatermark, askedAtMs }) =>
    events.some(
      ({ partition, offset, atMs }) =>
        partition === source.partition &&
        offset >= highWatermark &&
        atMs - lakeBehindMs < askedAtMs,
    ),
  )
  return [
    ...early.map(({ path }) => `file "${path}" is published before entry ${index}`),
    ...ahead.map(({ stream }) => `entry ${index}: watermark of ${stream} is ahead of its data`),
    ...untrue.map(({ source }) => `entry ${index}: evidence of ${source.partition} is not true`),
  ]
}

/** Every topic-partition passed the end, by what stands below the entry, and all is published. */
function wrongReady(
  judged: Judged,
  { before }: JudgedEntry,
  { announcements }: ReadyEntry,
  index: number,
): readonly string[] {
  const { store, pipeline, partitionCount } = judged
  const decidedAt = store.firstSet.get(entryPath(pipeline, index)) ?? 0
  const wrong: string[] = []
  for (const { stream, partition, manifest } of announcements) {
    const name = `entry ${index}: ${stream} ${partition.path}`
    const dueMs = unixMs(partition.nextMs + judged.readyDelayMs)
    const positions = [...(before.positions.get('lake')?.values() ?? [])].map((at) => at.source)
    const passed = positions.filter((source) =>
      hasPassed(judged, before, { stream, source, dueMs }),
    )
    if (passed.length < partitionCount) {
      wrong.push(`${name} is announced while ${passed.length} of ${partitionCount} passed`)
    }
    if (manifest.sources.length !== partitionCount) wrong.push(`${name} names not all sources`)
    const files = before.streams.get(stream)?.partitions.get(partition.path)?.files ?? []
    for (const { path } of files) {
      if ((store.firstSet.get(path) ?? Infinity) < decidedAt) continue
      wrong.push(`${name} is announced before file "${path}" is published`)
    }
    const shownAt = store.firstSet.get(manifestPathOf({ ...manifest, stream }))
    if (shownAt === undefined) wrong.push(`${name} has no manifest`)
    else if (shownAt < decidedAt) wrong.push(`${name} has a manifest before it is decided`)
  }
  return wrong
}

function hasPassed(
  { readyIdleMs }: Judged,
  { streams, positions, evidence }: JudgedEntry['before'],
  at: { readonly stream: string; readonly source: SourcePartition; readonly dueMs: UnixMs },
): boolean {
  const key = sourceKey(at.source)
  const progress = streams.get(at.stream)?.progress.get(key)
  if (progress !== undefined && progress.eventWatermarkMs >= at.dueMs) return true
  const position = positions.get('lake')?.get(key)
  const proof = evidence.get(key)
  if (position === undefined || proof === undefined) return false
  const quietSinceMs = progress?.rowsAtMs ?? position.sinceMs
  return (
    position.next >= proof.highWatermark &&
    proof.askedAtMs >= at.dueMs + readyIdleMs &&
    proof.askedAtMs >= quietSinceMs + readyIdleMs
  )
}

/** Receivers get what is decided, all of it, and the log says so of nothing else. */
function wrongDeliveries(judged: Judged, { entries }: JudgedLog): readonly string[] {
  const { store, pipeline, received } = judged
  if (received === undefined) return []
  const wrong: string[] = []
  /** The lake's clock at each announcement. */
  const readyMs = new Map<string, number>()
  const announced = new Map<string, { readonly path: string; readonly decidedAt: number }>()
  for (const [index, { entry, decided }] of entries.entries()) {
    const at = store.firstSet.get(entryPath(pipeline, index)) ?? 0
    if (!decided) continue
    if (entry.kind === 'ready') {
      for (const { manifest } of entry.announcements) {
        const path = `${manifest.table}/${manifest.partitionPath}/_SUCCESS`
        announced.set(manifest.id, { path, decidedAt: at })
        const modifiedMs = store.firstHeld.get(entryPath(pipeline, index))?.modifiedMs ?? 0
        readyMs.set(`${manifest.stream} ${manifest.partitionPath}`, modifiedMs)
      }
    }
    if (entry.kind !== 'delivered') continue
    for (const { stream, partitionPath, target } of entry.deliveries) {
      const isThere = received.some(
        ({ manifest, afterSet }) =>
          manifest.stream === stream && manifest.partitionPath === partitionPath && afterSet < at,
      )
      const name = `${stream} ${partitionPath}`
      if (target === webhookTarget && !isThere) wrong.push(`${name} never came, delivered it says`)
      const decidedMs = readyMs.get(name) ?? Number.POSITIVE_INFINITY
      const saidMs = store.firstHeld.get(entryPath(pipeline, index))?.modifiedMs ?? 0
      if (target !== webhookTarget && saidMs - decidedMs < deliverDeadlineMs) {
        wrong.push(`${name} is called delivered while others may still deliver it`)
      }
    }
  }
  return [...wrong, ...wrongReceipts(judged, received, announced)]
}

function wrongReceipts(
  { store, settledAtSet }: Judged,
  received: readonly Received[],
  announced: ReadonlyMap<string, { readonly path: string; readonly decidedAt: number }>,
): readonly string[] {
  const early = received.filter(({ manifest, afterSet }) => {
    const known = announced.get(manifest.id)
    return known === undefined || known.decidedAt > afterSet
  })
  const ids = new Set(received.map(({ manifest }) => manifest.id))
  return [
    ...early.map(({ manifest }) => `"${manifest.id}" is delivered and not decided`),
    ...[...announced].flatMap(([id, { path, decidedAt }]) => {
      const shownAt = store.firstSet.get(path)
      if (decidedAt > settledAtSet) return []
      if (shownAt === undefined) return [`"${path}" was never written`]
      if (shownAt < decidedAt) return [`"${path}" was written before it was decided`]
      return ids.has(id) ? [] : [`"${id}" was never delivered`]
    }),
  ]
}

/** Whoever begins at a checkpoint knows what whoever folds all entries below it knows. */
function wrongCheckpoints({ store }: Judged, log: JudgedLog): readonly string[] {
  return [...store.firstHeld].flatMap(([path, { body }]) => {
    const name = parseCheckpointPath(path)
    if (name === undefined) return []
    const folded = log.entries[name.next]?.before ?? log.state
    const isSame = folded.next === name.next && Buffer.from(encodeCheckpoint(folded)).equals(body)
    return isSame ? [] : [`checkpoint "${path}" is not what the entries below it say`]
  })
}

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
