/**
 * Memory is bounded: whoever holds half of a budget hurries the commit, whoever holds all of it is
 * not read any more until enough of it is free.
 *
 * - The process has a budget, `memory.buffers`: above it nothing is read.
 * - Each stream has a share of it, `limits.buffers`: above it its topics are not read, and the
 *   others go on. Kafka pauses topic-partitions, not streams: who shares a topic with a stream
 *   waits with it.
 *
 * What is held is what accumulates, what is in modules, and the commit under way: with a lake that
 * takes nothing all of these stand still at their budgets, and records wait in Kafka. The kernel's
 * memory never shrinks: what of it is nobody's rows takes from the budget of the process too. It is
 * no reason to commit, though, where it is free: rows that come go there. A commit costs time for
 * each of its files, so that one that is made sooner than it must be is paid for by all rows.
 */
import { formatSize } from '../base/units.ts'
import type { SealedCommit } from '../model/sealed-commit.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../model/topic-partition.ts'
import { isTopicPattern, selectsTopic, topicNamesIn } from '../model/topic-selection.ts'
import type { Telemetry } from '../ports/telemetry.ts'

interface StreamShare {
  readonly topics: readonly string[]
  /** Its topics pause above it. */
  readonly bytesMax: number
  /**
   * It is a part of the process' budget and shrinks with what of that is left for rows: else a
   * stream that is full would leave nothing to the others.
   */
  readonly shrinks?: true
}

/** Who may hold how much. */
export interface MemoryBounds {
  /** Of the process, for what it reads: everything pauses above it. */
  readonly bytesMax: number
  /** By name of the stream. */
  readonly streams: ReadonlyMap<string, StreamShare>
}

/** Bytes by stream; also of names that are no configured stream. */
type BytesByStream = ReadonlyMap<string, number>

export interface HeldBytes {
  /** What the next commit takes along: rows, letters, and events in modules. */
  readonly accumulating: BytesByStream
  /** Files of the commit under way. */
  readonly committing: BytesByStream
  readonly kernel: KernelBytes
}

/** The kernel's memory: it only grows. */
interface KernelBytes {
  /** Of what accumulates: open pages and dictionaries. */
  readonly builders: number
  /** Beside them: events that wait, input, what is free for rows. */
  readonly shared: number
  /** Of what is shared, what nobody has. */
  readonly free: number
}

export interface Pressure {
  /** The budget of the process is used up: nothing is read. */
  readonly all: boolean
  /** Streams whose share is used up: their topics are not read. */
  readonly streams: ReadonlySet<string>
}

export const noPressure: Pressure = { all: false, streams: new Set() }

/** Of open pages: as large they are about once they are closed, beside the memory that they had. */
const closedShare = 1 / 4
/** Of open pages: by so much they hurry. Their memory takes rows while they are committed. */
const hurryShare = 1 / 2
/** Of its budget: what a process holds at most that is read again. */
const readAgainShare = 3 / 4

/** Whether to commit before the interval is over, and whose reading pauses. */
export interface PressureDecision extends Pressure {
  readonly hurries: boolean
}

/**
 * What is not read for want of memory from here on, after `before`. Pure.
 *
 * Half of the budget is for rows whatever the kernel has taken: it may have grown by a single large
 * event, and nothing would be read any more.
 */
export function decidePressure(
  { bytesMax, streams }: MemoryBounds,
  { accumulating, committing, kernel }: HeldBytes,
  before: Pressure,
): PressureDecision {
  const roomBytes = roomOf(bytesMax, kernel.shared)
  const ofStream = (by: BytesByStream, name: string): number => by.get(name) ?? 0
  const accumulated = sumOf(accumulating)
  const pausing = new Set<string>()
  const hurryBytes = accumulated - kernel.builders * (1 - hurryShare)
  let hurries = hurryBytes > roomOf(bytesMax, kernel.shared - kernel.free) / 2
  for (const [name, configured] of streams) {
    const own = ofStream(accumulating, name)
    const shareBytes = shareOf(configured, roomBytes / bytesMax)
    if (own > shareBytes / 2) hurries = true
    const held = own + ofStream(committing, name)
    const share = { bytesMax: shareBytes, readAgainBelow: shareBytes / 2 }
    if (isFull(held, share, before.streams.has(name))) pausing.add(name)
  }
  const underWay = sumOf(committing)
  // Rows that go where the kernel has memory anyway take none of anybody.
  const kernelBytes = Math.min(kernel.builders + kernel.free, bytesMax)
  const allBytes = Math.max(roomBytes, kernelBytes)
  const bounds = { bytesMax: allBytes, readAgainBelow: allBytes * readAgainShare }
  const sealedBytes = kernel.builders * closedShare
  const all = isFull(accumulated + sealedBytes + underWay, bounds, before.all)
  // Nothing else would set it free before the interval is over.
  if (all && underWay === 0) hurries = true
  return { hurries, all, streams: pausing }
}

const roomOf = (bytesMax: number, shared: number): number =>
  bytesMax - Math.min(shared, bytesMax / 2)

const shareOf = ({ bytesMax, shrinks }: StreamShare, left: number): number =>
  shrinks === true ? Math.floor(bytesMax * left) : bytesMax

/** Full above the budget; once full, until less than a part of it is held. */
const isFull = (
  held: number,
  { bytesMax, readAgainBelow }: { readonly bytesMax: number; readonly readAgainBelow: number },
  wasFull: boolean,
): boolean => held > bytesMax || (wasFull && held >= readAgainBelow)

export function sumOf(bytes: BytesByStream): number {
  let sum = 0
  for (const each of bytes.values()) sum += each
  return sum
}

/** The sums of both, by stream. */
export function together(some: BytesByStream, others: BytesByStream): BytesByStream {
  if (others.size === 0) return some
  const sums = new Map(some)
  for (const [stream, bytes] of others) addTo(sums, stream, bytes)
  return sums
}

const addTo = (sums: Map<string, number>, stream: string, bytes: number): void => {
  sums.set(stream, (sums.get(stream) ?? 0) + bytes)
}

/** What a commit under way holds: its files. */
export function sizesOf({ files }: Pick<SealedCommit, 'files'>): BytesByStream {
  const sizes = new Map<string, number>()
  for (const { stream, sizeBytes } of files) addTo(sizes, stream, sizeBytes)
  return sizes
}

export interface BackPressureParts {
  readonly bounds: MemoryBounds
  /** What is held at this moment, by stream and beside them. */
  readonly held: () => Omit<HeldBytes, 'kernel'>
  readonly kernel: () => KernelBytes
  /** What is read, paused or not. */
  readonly sources: () => readonly SourcePartition[]
  /** These have stopped for another reason, and are never resumed here. */
  readonly isRefused: (source: SourcePartition) => boolean
  readonly pause: (sources: readonly SourcePartition[]) => void
  readonly resume: (sources: readonly SourcePartition[]) => void
  /** Commits before the interval is over. */
  readonly hurry: () => void
  readonly telemetry: Telemetry
}

/** Pauses and resumes what is read, as the bytes held say. */
export class BackPressure {
  readonly #parts: BackPressureParts
  /** Streams by topic; made when the topic is asked about first. */
  readonly #streamsOf = new Map<string, readonly string[]>()
  #pressure: Pressure = noPressure

  constructor(parts: BackPressureParts) {
    this.#parts = parts
  }

  get #isFelt(): boolean {
    return this.#pressure.all || this.#pressure.streams.size > 0
  }

  /** True while this one is not read for want of memory; also of one that nobody has read yet. */
  isPaused(source: SourcePartition): boolean {
    return isPausedBy(this.#pressure, this.#fullStreamOf(source.topic))
  }

  /** True while a topic of this stream is not read for want of memory, whoever holds it. */
  isStreamPaused(stream: string): boolean {
    const share = this.#parts.bounds.streams.get(stream)
    return this.#isFelt && share !== undefined && this.#isShareHeldUp(share)
  }

  /** Looks at what is held now, and does what it asks for. */
  adjust(): void {
    const { bounds, hurry, sources, isRefused, pause, resume } = this.#parts
    const before = this.#pressure
    const { hurries, ...now } = decidePressure(bounds, this.#held(), before)
    if (hurries) hurry()
    if (isSame(before, now)) return
    const read = sources()
    const pausedBefore = this.#pausedKeys(read)
    const streamsBefore = this.#pausedStreams()
    this.#pressure = now
    const pausedNow = this.#pausedKeys(read)
    const paused = read.filter((at) => isNewIn(pausedNow, pausedBefore, at))
    const resumed = read.filter((at) => isNewIn(pausedBefore, pausedNow, at) && !isRefused(at))
    if (paused.length > 0) pause(paused)
    if (resumed.length > 0) resume(resumed)
    this.#tell(streamsBefore, this.#pausedStreams())
  }

  /** Why topic-partitions that are read are paused, by their names. */
  reasons(): ReadonlyMap<string, string> {
    if (!this.#isFelt) return new Map()
    const { bounds, sources } = this.#parts
    const { accumulating, committing, kernel } = this.#held()
    const { shared } = kernel
    const reasonOf = ({ topic }: SourcePartition): string | undefined => {
      const stream = this.#fullStreamOf(topic)
      if (stream !== undefined) {
        const bytes = (accumulating.get(stream) ?? 0) + (committing.get(stream) ?? 0)
        const share = bounds.streams.get(stream)
        const left = roomOf(bounds.bytesMax, shared) / bounds.bytesMax
        const text = formatSize(share === undefined ? 0 : shareOf(share, left))
        const limit = share?.shrinks === true ? 'its share of memory.buffers' : 'limits.buffers'
        return `stream "${stream}" holds ${bytes} bytes, ${limit} is ${text}`
      }
      if (!this.#pressure.all) return undefined
      const bytes = sumOf(accumulating) + sumOf(committing) + shared
      const room = formatSize(bounds.bytesMax)
      return `the process holds ${bytes} bytes, memory.buffers has room for ${room}`
    }
    return new Map(
      sources().flatMap((at) => {
        const reason = reasonOf(at)
        return reason === undefined ? [] : [[topicPartitionName(at), reason] as const]
      }),
    )
  }

  #held(): HeldBytes {
    const { held, kernel } = this.#parts
    return { ...held(), kernel: kernel() }
  }

  #pausedKeys(read: readonly SourcePartition[]): ReadonlySet<SourceKey> {
    return new Set(read.filter((at) => this.isPaused(at)).map(sourceKey))
  }

  /** The stream for whose share this topic is paused. */
  #fullStreamOf(topic: string): string | undefined {
    const { streams } = this.#pressure
    return this.#streamsOn(topic).find((stream) => streams.has(stream))
  }

  #streamsOn(topic: string): readonly string[] {
    const known = this.#streamsOf.get(topic)
    if (known !== undefined) return known
    const { streams } = this.#parts.bounds
    const on = [...streams].flatMap(([name, { topics }]) =>
      selectsTopic(topics, topic) ? [name] : [],
    )
    this.#streamsOf.set(topic, on)
    return on
  }

  #pausedStreams(): ReadonlySet<string> {
    const streams = [...this.#parts.bounds.streams]
    return new Set(streams.flatMap(([name, share]) => (this.#isShareHeldUp(share) ? [name] : [])))
  }

  #isShareHeldUp({ topics }: StreamShare): boolean {
    const isPaused = (topic: string): boolean =>
      isPausedBy(this.#pressure, this.#fullStreamOf(topic))
    if (topicNamesIn(topics).some(isPaused)) return true
    if (!topics.some(isTopicPattern)) return false
    const read = new Set(this.#parts.sources().map(({ topic }) => topic))
    return [...read].some((topic) => selectsTopic(topics, topic) && isPaused(topic))
  }

  #tell(before: ReadonlySet<string>, now: ReadonlySet<string>): void {
    const { log, metrics } = this.#parts.telemetry
    const paused = [...now].filter((stream) => !before.has(stream))
    const resumed = [...before].filter((stream) => !now.has(stream))
    for (const stream of paused) metrics.count('lakeward_reading_pauses_total', 1, { stream })
    const full = this.#pressure.all ? 'memory.buffers' : 'limits.buffers'
    if (paused.length > 0) log.info('reading paused', { streams: paused, full })
    if (resumed.length > 0) log.info('reading resumed', { streams: resumed })
  }
}

const isPausedBy = ({ all }: Pressure, fullStream: string | undefined): boolean =>
  all || fullStream !== undefined

const isNewIn = (
  some: ReadonlySet<SourceKey>,
  others: ReadonlySet<SourceKey>,
  at: SourcePartition,
): boolean => some.has(sourceKey(at)) && !others.has(sourceKey(at))

const isSame = (one: Pressure, other: Pressure): boolean =>
  one.all === other.all &&
  one.streams.size === other.streams.size &&
  [...one.streams].every((stream) => other.streams.has(stream))
