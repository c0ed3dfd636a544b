/**
 * A small world with a memory of the truth: producers append events, a daemon reads, commits and
 * announces, in any order. Whoever announces a partition that is still to get an event is caught.
 *
 * Producers are punctual: an event is appended at most `ready.delay` after it happened. Then
 * nothing that is announced may ever get another event, whatever the order of things.
 */
import { durationMs, type UnixMs, unixMs } from '../../src/base/time.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../src/model/ids.ts'
import type { LakePartition } from '../../src/model/lake-partition.ts'
import { type Announcement, entryFormat, type LogEntry } from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import { type SourcePartition, sourceKey } from '../../src/model/topic-partition.ts'
import { partitionAt } from '../../src/protocol/calendar.ts'
import { emptyFold, foldEntry } from '../../src/protocol/fold.ts'
import { decideReady } from '../../src/protocol/readiness.ts'
import type { MetadataFact, ReadinessFacts } from '../../src/protocol/readiness-facts.ts'
import { appEvents, at, countsOf, lane, minute, sourceNamed, utcHours } from './readiness-world.ts'

export type Action =
  | { readonly kind: 'tick'; readonly minutes: number }
  | { readonly kind: 'produce'; readonly on: number; readonly lateMinutes: number }
  | { readonly kind: 'commit'; readonly on: number; readonly records: number }
  | { readonly kind: 'ask'; readonly on: number }
  | { readonly kind: 'put-evidence'; readonly on: number }
  | { readonly kind: 'ask-metadata' }
  | { readonly kind: 'add-topic-partition' }
  | { readonly kind: 'announce' }
  | { readonly kind: 'configure'; readonly emptyRunMax: number }

/** Falsifies the facts that decisions are made from: a planted defect. */
export type Defect = (facts: ReadinessFacts, model: ReadinessModel) => ReadinessFacts

interface Shard {
  readonly source: SourcePartition
  /** Event times, by offset. */
  readonly events: UnixMs[]
  asked: { readonly end: number; readonly atMs: UnixMs } | undefined
}

const writer = writerId('a'.repeat(32))
const outOfOrderMs = minute
export const stream = { ...appEvents, readyDelayMs: durationMs(5 * minute) }

export class ReadinessModel {
  readonly shards: Shard[] = []
  readonly announced: Announcement[] = []
  /** What was announced though it was still to get an event: "dt=…/hour=… misses …". */
  readonly tooEarly: string[] = []
  /** Runs of empty partitions, of one entry and one stream, that were longer than configured. */
  readonly floods: string[] = []
  emptyRunMax = stream.emptyRunMax
  nowMs: UnixMs = at('2026-11-20T12:10:00Z')
  fold: FoldState = emptyFold()
  metadata: MetadataFact | undefined
  #counter = 0
  readonly #defect: Defect

  constructor(shardCount: number, defect: Defect = (facts) => facts) {
    this.#defect = defect
    const { name, table, topics } = stream
    const streams = [{ name, table, topics }]
    this.#put({ kind: 'config', fromVersion: 0, version: 1, checksum: 'c', streams })
    for (let index = 0; index < shardCount; index++) this.#addShard()
    for (const shard of this.shards) this.#commit(shard, 0)
  }

  act(action: Action): void {
    switch (action.kind) {
      case 'tick':
        this.nowMs = unixMs(this.nowMs + action.minutes * minute)
        return
      case 'produce':
        return this.#produce(this.#shard(action.on), action.lateMinutes)
      case 'commit':
        return this.#commit(this.#shard(action.on), action.records)
      case 'ask': {
        const shard = this.#shard(action.on)
        shard.asked = { end: shard.events.length, atMs: this.nowMs }
        return
      }
      case 'put-evidence':
        return this.#putEvidence(this.#shard(action.on))
      case 'ask-metadata': {
        const sources = this.shards.map(({ source }) => source)
        this.metadata = { sources, missingTopics: [], askedAtMs: this.nowMs }
        return
      }
      case 'add-topic-partition':
        if (this.shards.length < 4) this.#addShard()
        return
      case 'announce':
        return this.announce()
      case 'configure':
        this.emptyRunMax = action.emptyRunMax
    }
  }

  /** Decides on the facts of this moment, as falsified by the defect, and puts what comes of it. */
  announce(): void {
    const decision = decideReady(this.#defect(this.facts(), this))
    if (decision.kind === 'wait') return
    this.announced.push(...decision.announcements)
    this.#checkRuns(decision.announcements)
    this.#put({ kind: 'ready', announcements: decision.announcements })
    this.#checkWhatIsStillToCome()
  }

  facts(): ReadinessFacts {
    return {
      pipeline: 'growth',
      lakeUrl: 'file:./lake',
      lane,
      fold: this.fold,
      lakeNowMs: this.nowMs,
      commitIntervalMs: durationMs(minute),
      streams: [{ ...stream, emptyRunMax: this.emptyRunMax }],
      metadata: this.metadata,
      ends: new Map(),
      assigned: undefined,
      lakeTrouble: undefined,
      refused: new Map(),
      stuck: new Map(),
      publishedHere: new Set(this.fold.unpublished.keys()),
      filesMissing: new Map(),
    }
  }

  /** Events of a partition, whether committed or not. */
  eventCountOf(partition: LakePartition): number {
    return this.shards
      .flatMap(({ events }) => events)
      .filter((eventMs) => inside(partition, eventMs)).length
  }

  committedOf(shard: Shard): number {
    return Number(this.fold.positions.get(lane)?.get(sourceKey(shard.source))?.next ?? 0n)
  }

  #checkRuns(announcements: readonly Announcement[]): void {
    let run = 0
    for (const { partition, manifest } of announcements) {
      run = manifest.reason === 'empty' ? run + 1 : 0
      if (run > this.emptyRunMax) this.floods.push(`${partition.path} is number ${run}`)
    }
  }

  #shard(on: number): Shard {
    const shard = this.shards[on % this.shards.length]
    if (shard === undefined) throw new Error('there is a topic-partition')
    return shard
  }

  #addShard(): void {
    const source = sourceNamed('events', this.shards.length)
    this.shards.push({ source, events: [], asked: undefined })
  }

  #produce(shard: Shard, lateMinutes: number): void {
    const eventMs = unixMs(this.nowMs - lateMinutes * minute)
    shard.events.push(eventMs)
    const done = this.announced.find(({ partition }) => inside(partition, eventMs))
    if (done !== undefined) this.tooEarly.push(`${done.partition.path} gets another event`)
  }

  #checkWhatIsStillToCome(): void {
    for (const { partition } of this.announced) {
      for (const shard of this.shards) {
        const waiting = shard.events.slice(this.committedOf(shard))
        const missed = waiting.filter((eventMs) => inside(partition, eventMs))
        if (missed.length > 0) this.tooEarly.push(`${partition.path} misses ${missed.length}`)
      }
    }
  }

  #putEvidence(shard: Shard): void {
    const { asked, source } = shard
    if (asked === undefined || !this.#isKnown(shard)) return
    shard.asked = undefined
    const highWatermark = nextOffset(BigInt(asked.end))
    const evidence = [{ source, highWatermark, askedAtMs: asked.atMs }]
    const body = { files: [], counts: [], progress: [], evidence }
    this.#put({ kind: 'append', ranges: [], places: [], configVersion: 1, body })
  }

  #isKnown(shard: Shard): boolean {
    return this.fold.positions.get(lane)?.has(sourceKey(shard.source)) ?? false
  }

  /** Commits the next records of a topic-partition; the first time its start position. */
  #commit(shard: Shard, records: number): void {
    const { source } = shard
    const known = this.#isKnown(shard)
    const first = this.committedOf(shard)
    const next = known ? Math.min(shard.events.length, first + records) : 0
    const events = shard.events.slice(first, next)
    const range = {
      lane,
      source,
      expected: known ? nextOffset(BigInt(first)) : undefined,
      first: offset(BigInt(first)),
      next: nextOffset(BigInt(next)),
      leaderEpoch: 0,
    }
    const seenMs = Math.max(...events) - outOfOrderMs
    const progress =
      events.length === 0 ? [] : [{ stream: stream.name, source, eventWatermarkMs: unixMs(seenMs) }]
    this.#put({
      kind: 'append',
      ranges: [range],
      configVersion: 1,
      ...this.#filesOf(events, progress),
    })
  }

  #filesOf(events: readonly UnixMs[], progress: AppendParts['body']['progress']): AppendParts {
    const byPath = Map.groupBy(events, (eventMs) => partitionAt(eventMs, utcHours))
    const places = [...byPath.keys()].map((partition) => ({ stream: stream.name, partition }))
    const files = [...byPath].map(([partition, rows]) => ({
      stream: stream.name,
      table: stream.table,
      partitionPath: partition.path,
      path: `${stream.table}/${partition.path}/growth-${this.#counter}.parquet`,
      stagedPath: `${stream.table}/_staging/${this.#counter}`,
      sizeBytes: rows.length,
      rowCount: rows.length,
      crc32c: '00000000',
      schemaVersion: 1,
      eventTimeMs: { min: partition.startMs, max: partition.startMs },
    }))
    const counts = [...byPath].map(([partition, rows]) => ({
      stream: stream.name,
      partition,
      counts: countsOf(rows.length),
    }))
    return { places, body: { files, counts, progress, evidence: [] } }
  }

  #put(parts: object): void {
    const entry = {
      format: entryFormat,
      commitId: commitIdOf(writer, this.#counter++),
      writerId: writer,
      stagedAtMs: this.nowMs,
      publishedNext: 0,
      published: [],
      discarded: [],
      ...parts,
    } as unknown as LogEntry
    const { state, verdict } = foldEntry(this.fold, this.fold.next, entry, '')
    if (verdict.kind === 'void') {
      // Rows of an announced partition: what the exporter would have taken for late.
      this.tooEarly.push(`void: ${verdict.because}`)
    }
    this.fold = state
  }
}

type AppendParts = Pick<Extract<LogEntry, { kind: 'append' }>, 'places' | 'body'>

const inside = ({ startMs, nextMs }: LakePartition, eventMs: UnixMs): boolean =>
  startMs <= eventMs && eventMs < nextMs
