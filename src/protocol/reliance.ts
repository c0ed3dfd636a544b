/**
 * What an entry relies on, and whether it holds over everything below it in the log.
 *
 * Invariants:
 * - pure over state and entry: every reader of the log comes to the same answer, so an entry is
 *   decided for everybody or void for everybody;
 * - a broken reliance never throws: a faulty writer can stop nobody.
 *
 * Source: docs/protocol.md, "What an entry relies on".
 */
import type { ClosedLateEntry } from '../model/close-entry.ts'
import { countsAddUp } from '../model/counts.ts'
import type {
  FoldedPartition,
  FoldedPosition,
  FoldedStream,
  FoldState,
} from '../model/fold-state.ts'
import { commitIdParts } from '../model/ids.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import {
  type Announcement,
  type AppendEntry,
  type AppendPlace,
  type AppendRange,
  type ConfigEntry,
  type DeliveredEntry,
  type Delivery,
  type EntryBase,
  firstFormat,
  type LogEntry,
  type ReadyEntry,
  type SourceEntry,
  type SourceMove,
} from '../model/log-entry.ts'
import type { ForgetEntry, VoidEntry } from '../model/repair-entry.ts'
import { sourceKey, topicPartitionName } from '../model/topic-partition.ts'
import { type BrokenReliance, broken } from './broken-reliance.ts'
import { brokenClosings } from './close-reliance.ts'
import { isClosed } from './fold-closed.ts'
import { brokenGrowths } from './growth.ts'
import { isLate } from './late.ts'
import { changedSince, isAnnouncedAsItIs, namesExactly } from './partition-place.ts'
import { brokenForgottenFiles, brokenSwap } from './reliance-swap.ts'
import { brokenReplay } from './replay-reliance.ts'
import { brokenSkips } from './skipped.ts'
import { readUnder } from './source-judgement.ts'

/** The first thing that `entry` relies on and that does not hold over `state`, if any. */
export function brokenReliance(state: FoldState, entry: LogEntry): BrokenReliance | undefined {
  const unfit = malformedBase(entry) ?? otherFormat(state, entry) ?? forgotten(state, entry)
  if (unfit !== undefined) return unfit
  switch (entry.kind) {
    case 'append':
      return brokenAppend(state, entry)
    case 'ready':
      return brokenReady(state, entry)
    case 'delivered':
      return brokenDelivered(state, entry)
    case 'config':
      return brokenConfig(state, entry)
    case 'source':
      return brokenSource(state, entry)
    case 'void':
      return brokenVoid(state, entry)
    case 'forget':
      return brokenForget(state, entry)
    case 'closed-late':
      return brokenClosedLate(state, entry)
    case 'swap':
      return brokenSwap(state, entry)
  }
}

/**
 * An entry is in the format in force. Two are not: the `config` entry that raises it, and what is
 * put over bytes that nobody can read, which is the same whoever puts it.
 */
function otherFormat({ config }: FoldState, entry: LogEntry): BrokenReliance | undefined {
  const { kind, format } = entry
  if (format === config.format) return undefined
  if (kind === 'config' && format > config.format) return undefined
  if (kind === 'void' && format === firstFormat) return undefined
  return broken('config-changed', `made in format ${format}, in force is ${config.format}`)
}

/** The first result that is not undefined. */
function firstOf<T>(
  items: readonly T[],
  check: (item: T) => BrokenReliance | undefined,
): BrokenReliance | undefined {
  for (const item of items) {
    const found = check(item)
    if (found !== undefined) return found
  }
  return undefined
}

function malformedBase(entry: EntryBase): BrokenReliance | undefined {
  const { writer, counter } = commitIdParts(entry.commitId)
  if (writer === entry.writerId && Number.isSafeInteger(counter)) return undefined
  return broken('malformed', `commit "${entry.commitId}" is not of writer "${entry.writerId}"`)
}

function forgotten(state: FoldState, { commitId }: EntryBase): BrokenReliance | undefined {
  if (!state.forgotten.has(commitId)) return undefined
  return broken('forgotten', `commit "${commitId}" was given up by an operator`)
}

function brokenAppend(state: FoldState, entry: AppendEntry): BrokenReliance | undefined {
  const inForce = state.config.version
  if (entry.configVersion !== inForce) {
    const versions = `made under version ${entry.configVersion}, in force is ${inForce}`
    return broken('config-changed', versions)
  }
  return (
    firstOf(entry.ranges, (range) => brokenRange(state, range)) ??
    repeatedRange(entry.ranges) ??
    firstOf(entry.places, (place) => brokenPlace(state, place)) ??
    malformedBody(entry) ??
    brokenGrowths(state, entry) ??
    brokenReplay(state, entry)
  )
}

function brokenRange(state: FoldState, range: AppendRange): BrokenReliance | undefined {
  const { source, expected, first, next, resetEpoch = 0 } = range
  const name = topicPartitionName(source)
  const moved = brokenPosition(state, { ...range, resetEpoch })
  if (moved !== undefined) return moved
  const other = expected === undefined ? othersUnder(state, range)[0]?.source : undefined
  if (other !== undefined) {
    const ids = `topic id "${source.topicId}", the log reads "${other.topicId}"`
    return broken('range-moved', `"${name}" is begun under ${ids}`)
  }
  if (first < 0n || next < first) return broken('malformed', `"${name}": [${first}, ${next})`)
  const begins = expected ?? next
  if (BigInt(first) === BigInt(begins)) return undefined
  return broken('malformed', `"${name}" begins at ${first}, it must begin at ${begins}`)
}

/** What the log reads under the name of a topic, where that is another one: only a word ends it. */
function othersUnder(
  { positions }: FoldState,
  { lane, source }: Pick<AppendRange, 'lane' | 'source'>,
): readonly FoldedPosition[] {
  const { topic, topicId, clusterId } = source
  const living = readUnder(positions.get(lane) ?? new Map(), topic)
  return living.filter((at) => at.source.topicId !== topicId || at.source.clusterId !== clusterId)
}

type ReliedPosition = Pick<SourceMove, 'lane' | 'source' | 'expected' | 'resetEpoch'>

/** Reset epochs are compared first: an offset says nothing where an operator moved it since. */
function brokenPosition(state: FoldState, relied: ReliedPosition): BrokenReliance | undefined {
  const { lane, source, expected, resetEpoch } = relied
  const at = `"${topicPartitionName(source)}" of lane "${lane}"`
  const known = state.positions.get(lane)?.get(sourceKey(source))
  const epoch = known?.resetEpoch ?? 0
  if (epoch !== resetEpoch) {
    return broken('range-moved', `${at}: expected reset epoch ${resetEpoch}, the log has ${epoch}`)
  }
  if (known?.next === expected) return undefined
  const both = `expected ${expected ?? 'no position'}, the log has ${known?.next ?? 'none'}`
  return broken('range-moved', `${at}: ${both}`)
}

function brokenSource(state: FoldState, { why, moves }: SourceEntry): BrokenReliance | undefined {
  if (why.trim() === '') return broken('malformed', 'it gives no reason')
  if (moves.length === 0) return broken('malformed', 'it moves nothing')
  return (
    firstOf(moves, (move) => brokenPosition(state, move) ?? malformedMove(state, move)) ??
    repeatedRange(moves) ??
    firstOf(moves, (move) => besideOther(state, move, moves))
  )
}

/** Since the operator looked, somebody began a topic-partition that this word does not end. */
function besideOther(
  state: FoldState,
  move: SourceMove,
  moves: readonly SourceMove[],
): BrokenReliance | undefined {
  if (move.next === undefined) return undefined
  const isEnded = ({ source }: Pick<SourceMove, 'source'>): boolean =>
    moves.some((at) => at.next === undefined && sourceKey(at.source) === sourceKey(source))
  const other = othersUnder(state, move).find((at) => !isEnded(at))?.source
  if (other === undefined) return undefined
  const [name, before] = [move.source, other].map(topicPartitionName)
  const ids = `topic id "${move.source.topicId}", "${before}" under "${other.topicId}"`
  return broken('range-moved', `"${name}" is read under ${ids}`)
}

function malformedMove(state: FoldState, move: SourceMove): BrokenReliance | undefined {
  const { lane, source, next } = move
  const name = topicPartitionName(source)
  if (next !== undefined && next < 0n) return broken('malformed', `"${name}": next ${next}`)
  const known = state.positions.get(lane)?.get(sourceKey(source))
  const isRead = known !== undefined && known.ended !== true
  if (next !== undefined || isRead) return undefined
  return broken('malformed', `"${name}" is not read, and cannot be ended`)
}

function repeatedRange(
  ranges: readonly Pick<AppendRange, 'lane' | 'source'>[],
): BrokenReliance | undefined {
  const seen = new Set<string>()
  return firstOf(ranges, ({ lane, source }) => {
    const key = JSON.stringify([lane, sourceKey(source)])
    if (seen.has(key)) return broken('malformed', `"${topicPartitionName(source)}" stands twice`)
    seen.add(key)
    return undefined
  })
}

function brokenPlace(state: FoldState, place: AppendPlace): BrokenReliance | undefined {
  const { partition } = place
  const stream = state.streams.get(place.stream)
  const name = `"${place.stream}" ${partition.path}`
  if (partition.nextMs <= partition.startMs) return broken('malformed', `${name} has no length`)
  if (place.late === true) return brokenLatePlace(stream, place)
  if (stream?.partitions.get(partition.path)?.place === 'announced') {
    return broken('place-changed', `${name} is announced`)
  }
  const announcedNextMs = stream?.announcedNextMs
  if (announcedNextMs === undefined || partition.nextMs > announcedNextMs) return undefined
  const both = `ends at ${partition.nextMs}, announced is all up to ${announcedNextMs}`
  return broken('place-changed', `${name} ${both}`)
}

/** A partition that was announced stays so until it is closed. */
function brokenLatePlace(
  stream: FoldedStream | undefined,
  { stream: name, partition }: AppendPlace,
): BrokenReliance | undefined {
  const place = `"${name}" ${partition.path}`
  if (!isLate(stream, partition)) return broken('malformed', `${place} is open, no row is late`)
  if (!isClosed(stream, partition)) return undefined
  return broken('place-changed', `${place} is closed`)
}

function malformedBody({ places, body }: AppendEntry): BrokenReliance | undefined {
  const known = new Map(places.map((at) => [placeKey(at.stream, at.partition.path), at]))
  const homeless = body.files.find((file) => !known.has(placeKey(file.stream, file.partitionPath)))
  if (homeless !== undefined) return broken('malformed', `"${homeless.path}" is in no place`)
  return firstOf(body.counts, ({ stream, partition, counts }) => {
    const name = `"${stream}" ${partition.path}`
    const { read, written, lateAppended } = counts
    if (!countsAddUp(counts)) {
      return broken('malformed', `${name}: ${read} events read do not each have one fate`)
    }
    const isLatePlace = known.get(placeKey(stream, partition.path))?.late === true
    if (lateAppended === (isLatePlace ? written : 0)) return undefined
    const both = `${written} events written, ${lateAppended} of them late`
    return broken('malformed', `${name}: ${both}, ${isLatePlace ? 'all' : 'none'} can be`)
  })
}

const placeKey = (stream: string, path: PartitionPath): string => JSON.stringify([stream, path])

function brokenReady(state: FoldState, entry: ReadyEntry): BrokenReliance | undefined {
  const seen = new Set<string>()
  const found = firstOf(entry.announcements, (announcement) => {
    const key = placeKey(announcement.stream, announcement.partition.path)
    if (seen.has(key)) return broken('malformed', `${key} is announced twice`)
    seen.add(key)
    return brokenAnnouncement(state, announcement) ?? closedAnnouncement(state, announcement)
  })
  return found ?? brokenSkips(state, entry.announcements)
}

function brokenAnnouncement(
  state: FoldState,
  { stream, partition, version, manifest }: Announcement,
): BrokenReliance | undefined {
  const folded = partitionOf(state, stream, partition.path)
  const name = `"${stream}" ${partition.path}`
  if (folded?.place === 'announced' && isAnnouncedAsItIs(folded)) {
    return broken('place-changed', `${name} is announced`)
  }
  if (folded?.version !== version) {
    const both = `has version ${folded?.version ?? 'none'}, the entry names ${version ?? 'none'}`
    return broken('place-changed', `${name} ${both}`)
  }
  const revision = (folded?.revision ?? 0) + 1
  if (manifest.revision !== revision) {
    return broken('malformed', `${name} has revision ${manifest.revision}, its next is ${revision}`)
  }
  if (folded === undefined || revision === 1) return undefined
  if (!namesExactly(manifest, folded.files)) {
    return broken('malformed', `${name}: the manifest does not name the live files`)
  }
  const { added, removed } = changedSince(folded)
  if (sameSet(added, manifest.added) && sameSet(removed, manifest.removed)) return undefined
  const both = `adds ${manifest.added.length} files, ${added.length} came since revision`
  return broken('malformed', `${name} ${both} ${folded.revision}`)
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set([...a, ...b]).size === a.length

/** What has left the state looks like a partition that nothing is known of. */
function closedAnnouncement(
  state: FoldState,
  { stream, partition }: Announcement,
): BrokenReliance | undefined {
  if (!isClosed(state.streams.get(stream), partition)) return undefined
  return broken('place-changed', `"${stream}" ${partition.path} is closed`)
}

const brokenDelivered = (
  state: FoldState,
  { deliveries }: DeliveredEntry,
): BrokenReliance | undefined => firstOf(deliveries, (delivery) => brokenDelivery(state, delivery))

function brokenDelivery(state: FoldState, delivery: Delivery): BrokenReliance | undefined {
  const { stream, partitionPath, revision } = delivery
  const folded = partitionOf(state, stream, partitionPath)
  if (folded?.revision === revision) return undefined
  const both = `has revision ${folded?.revision ?? 0}, delivered was ${revision}`
  return broken('place-changed', `"${stream}" ${partitionPath} ${both}`)
}

function brokenConfig(state: FoldState, entry: ConfigEntry): BrokenReliance | undefined {
  const { version } = state.config
  if (entry.fromVersion !== version) {
    return broken(
      'config-changed',
      `made from version ${entry.fromVersion}, in force is ${version}`,
    )
  }
  if (entry.version === version + 1) return undefined
  return broken('malformed', `version ${entry.version} follows ${version}`)
}

/** A stand-in holds where it stands; a notice holds once the entry it names is stepped over. */
function brokenVoid(state: FoldState, { entry }: VoidEntry): BrokenReliance | undefined {
  if (entry === state.next || state.steppedOver.includes(entry)) return undefined
  return broken('malformed', `entry ${entry} is not one that nobody can read`)
}

function brokenForget(
  state: FoldState,
  { commits, files }: ForgetEntry,
): BrokenReliance | undefined {
  const decided = firstOf(commits, (commitId) => {
    const known = state.unpublished.get(commitId)
    if (known === undefined) return undefined
    return broken('range-moved', `commit "${commitId}" was decided by entry ${known.entry}`)
  })
  return decided ?? firstOf(files, (ofPartition) => brokenForgottenFiles(state, ofPartition))
}

function brokenClosedLate(state: FoldState, entry: ClosedLateEntry): BrokenReliance | undefined {
  const found = brokenClosings(state, entry)
  return found === undefined ? undefined : broken(found.reason, found.because)
}

const partitionOf = (
  state: FoldState,
  stream: string,
  path: PartitionPath,
): FoldedPartition | undefined => state.streams.get(stream)?.partitions.get(path)
