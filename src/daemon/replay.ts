/**
 * Takes late dead letters in again, into their partitions, by an operator's word.
 *
 * Invariants:
 * - what is put says which units it takes in, and the fold takes each of them once: whoever comes
 *   second, or again, puts nothing;
 * - a unit of which not every letter gives exactly one event is left as it is;
 * - no position and no watermark moves.
 *
 * Source: docs/adr/0035-replay-of-late-letters.md.
 */
import { durationMs } from '../base/time.ts'
import type { Committer } from '../committer/committer.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import {
  type LetterCell,
  type LetterRecord,
  lettersIn,
  type ReplayedLetters,
  type StoredLetters,
} from '../model/letter-replay.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { SealedCommit } from '../model/sealed-commit.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import { WriterSchemas } from '../parser/writer-schemas.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import { partitionAt } from '../protocol/calendar.ts'
import { takeable } from '../protocol/replay.ts'
import type { ResolvedConfig, ResolvedStream } from './config/resolved-config.ts'
import { LetterFeed, LetterSieve } from './letter-feed.ts'
import { buildPipeline, type Stages } from './pipeline.ts'
import type { ReadingPorts } from './read-again.ts'
import { SchemaDesk } from './schema-desk.ts'
import { selectorsOf } from './stage-streams.ts'

/** Of one entry, whose head names each of them. */
const unitsMax = 256
/** Partitions of units in one entry, likewise; one unit may have more. */
const cellsMaxDefault = 4_096
/** Files of letters of one entry, as a part of the buffers: rows are held until they are staged. */
const lettersShare = 1 / 4
/** Entries in a row that others made void. */
const attemptsMax = 10
/** Longer than any partition stays: until it is closed an operator's word holds. */
const everMs = durationMs(100 * 366 * 24 * 3_600_000)

export interface ReplayParts {
  readonly config: ResolvedConfig
  readonly ports: ReadingPorts
  readonly log: CommitLog
  readonly committer: Committer
  readonly stream: ResolvedStream
  /** An operator's words. */
  readonly reason: string
  /** The letters' records. @throws {Fault} `LAKE_…`. */
  readonly read: (units: readonly StoredLetters[]) => AsyncIterable<LetterRecord>
  /** Of one entry, but for one whose only unit has more. */
  readonly cellsMax?: number
  /** Aborted when whoever waits gives up. */
  readonly signal: AbortSignal
}

export type Replayed =
  /** By entry `by`; `counts` say what became of each event. */
  | {
      readonly kind: 'replayed'
      readonly letterCount: number
      readonly by: EntryIndex
      readonly counts: SealedCommit['counts']
    }
  | { readonly kind: 'refused'; readonly letterCount: number; readonly because: string }

/**
 * Takes units in, some of them with each entry, until none is left that can be.
 *
 * @returns what became of them; nothing of what others took in meanwhile.
 * @throws {Fault} `LAKE_…`, `LOG_…` as `Committer.commit` throws them; what modules throw.
 */
export async function replayLate(
  parts: ReplayParts,
  units: readonly StoredLetters[],
): Promise<readonly Replayed[]> {
  const making = new Making(parts)
  const done: Replayed[] = []
  /** Left as they are: what was made of them is not what they say. */
  const odd = new Set<StoredLetters>()
  let left = units
  let failures = 0
  let entryUnitsMax = unitsMax
  const bytesMax = parts.config.memory.buffers * lettersShare
  for (;;) {
    const state = await parts.log.refresh()
    left = takeable(state, left).filter((unit) => !odd.has(unit))
    const batch = batchOf(left, entryUnitsMax, bytesMax)
    if (batch.length === 0) return done
    const other = otherConfig(state, parts.config)
    if (other !== undefined) {
      return [...done, { kind: 'refused', letterCount: countOf(left), because: other }]
    }
    const made = await making.make(batch)
    const letterCount = countOf(batch)
    if (made.kind === 'refused') {
      // Which of several it is shows among fewer.
      entryUnitsMax = Math.ceil(batch.length / 2)
      if (batch.length > 1) continue
      entryUnitsMax = unitsMax
      for (const unit of batch) odd.add(unit)
      done.push({ kind: 'refused', letterCount, because: made.because })
      continue
    }
    const outcome = await parts.committer.commit(made.sealed)
    for (const { release } of made.sealed.files) release()
    if (outcome.kind === 'committed') {
      failures = 0
      const { counts } = made.sealed
      done.push({ kind: 'replayed', letterCount, by: outcome.entry, counts })
    } else if (++failures === attemptsMax) {
      return [...done, { kind: 'refused', letterCount: countOf(left), because: outcome.because }]
    }
  }
}

/** At least one unit, where there is any. */
function batchOf(
  units: readonly StoredLetters[],
  countMax: number,
  bytesMax: number,
): readonly StoredLetters[] {
  const batch: StoredLetters[] = []
  let sizeBytes = 0
  for (const unit of units) {
    sizeBytes += unit.sizeBytes
    if (batch.length > 0 && (batch.length >= countMax || sizeBytes > bytesMax)) break
    batch.push(unit)
  }
  return batch
}

const countOf = (units: readonly StoredLetters[]): number =>
  units.reduce((sum, { count }) => sum + count, 0)

/** Why nothing can be made: rows are made under what is in force. */
export function otherConfig(
  { config: { version, checksum } }: FoldState,
  own: Pick<ResolvedConfig, 'checksum'>,
): string | undefined {
  if (checksum === own.checksum) return undefined
  const both = `of checksum ${checksum}, this one has ${own.checksum}: give that one by --config`
  return `configuration ${version} is in force ${both}`
}

type Made =
  | { readonly kind: 'made'; readonly sealed: SealedCommit }
  | { readonly kind: 'refused'; readonly because: string }

const refused = (because: string): Made => ({ kind: 'refused', because })

/** The stages, used for one entry after the other. */
class Making {
  readonly #parts: ReplayParts
  readonly #stages: Stages
  readonly #feed: LetterFeed
  #broken: { readonly error: unknown } | undefined

  constructor(parts: ReplayParts) {
    this.#parts = parts
    const { clock, random, schemaRegistry } = parts.ports
    const onError = (error: unknown): void => {
      this.#broken ??= { error }
    }
    const schemas = new WriterSchemas()
    const sieve = new LetterSieve()
    const nothing = (): void => {}
    const desk = new SchemaDesk({
      registry: schemaRegistry,
      schemas,
      source: { pause: nothing, resume: nothing, seek: nothing },
      positions: () => stages.positions,
      clock,
      random,
      signal: parts.signal,
      isHeld: () => false,
      onError,
    })
    const stages = buildPipeline(appending(parts.config), {
      ...parts.ports,
      schemas,
      onSchemasMissing: nothing,
      hashSeed: Buffer.from(random.bytes(8)).readBigUInt64LE(),
      bufferBytesMax: parts.config.memory.buffers,
      nextCommitId: () => parts.log.nextCommitId(),
      lakeNowMs: () => parts.log.lakeNowMs(),
      sieve,
      onModuleBroken: onError,
      onUnreadable: (_at, fault) => onError(fault),
    })
    this.#stages = stages
    this.#feed = new LetterFeed({ stages, sieve, clock, learn: (ids) => desk.learn(ids) })
  }

  async make(units: readonly StoredLetters[]): Promise<Made> {
    const { log, reason: why } = this.#parts
    const { exporter } = this.#stages
    const { state } = log
    exporter.onFold(state)
    const cells = new Map<StoredLetters, Map<PartitionPath, LetterCell>>()
    const unfit = (await this.#feedAll(units, cells)) ?? this.#tooMany(units, cells)
    const letters = units.map((unit) => replayedOf(unit, cells.get(unit)))
    const short = units.find((unit, at) => letters[at] && lettersIn(letters[at]) !== unit.count)
    const odd = unfit ?? (short && `its files have not the ${short.count} letters they had`)
    if (odd !== undefined) {
      this.#discard()
      return refused(odd)
    }
    const configVersion = state.config.version
    const facts = { lakeNowMs: log.lakeNowMs(), configVersion, evidence: [] }
    const sealed = exporter.seal({ ...facts, replay: { why, letters } })
    const read = sealed?.counts.reduce((sum, { counts }) => sum + counts.read, 0) ?? 0
    if (sealed !== undefined && read === countOf(units)) return { kind: 'made', sealed }
    for (const { release } of sealed?.files ?? []) release()
    return refused(`${countOf(units)} letters gave ${read} events under this configuration`)
  }

  /** One unit is taken whatever it has: it cannot be divided. */
  #tooMany(
    units: readonly StoredLetters[],
    cells: ReadonlyMap<StoredLetters, ReadonlyMap<PartitionPath, LetterCell>>,
  ): string | undefined {
    const { cellsMax = cellsMaxDefault } = this.#parts
    const count = [...cells.values()].reduce((sum, { size }) => sum + size, 0)
    if (units.length === 1 || count <= cellsMax) return undefined
    return `${count} partitions are too many for one entry`
  }

  /** @returns why they cannot be taken in, as far as that shows. */
  async #feedAll(
    units: readonly StoredLetters[],
    cells: Map<StoredLetters, Map<PartitionPath, LetterCell>>,
  ): Promise<string | undefined> {
    const { read, stream, config } = this.#parts
    const byCommit = new Map(units.map((unit) => [unit.commitId, unit]))
    const topics = selectorsOf(config)
    for await (const record of read(units)) {
      const unit = byCommit.get(record.commitId)
      if (unit === undefined) continue
      if (!selectsTopic(topics, record.topic)) return `"${record.topic}" is no topic of a stream`
      const ofUnit = cells.get(unit) ?? new Map<PartitionPath, LetterCell>()
      cells.set(unit, ofUnit)
      for (const eventMs of record.eventMs.values()) {
        const partition = partitionAt(eventMs, stream.scheme)
        const count = (ofUnit.get(partition.path)?.count ?? 0) + 1
        ofUnit.set(partition.path, { partition, count })
      }
      await this.#feed.take(record)
    }
    await this.#feed.flush()
    if (this.#broken !== undefined) throw this.#broken.error
    return undefined
  }

  #discard(): void {
    this.#feed.forget()
    this.#stages.modules.discard()
    this.#stages.exporter.discard()
  }
}

const replayedOf = (
  { day, commitId, stream }: StoredLetters,
  cells: ReadonlyMap<PartitionPath, LetterCell> | undefined,
): ReplayedLetters => ({ day, commitId, stream, cells: [...(cells?.values() ?? [])] })

/** Whatever becomes of late rows otherwise: these are wanted in their partition while it stands. */
const appending = (config: ResolvedConfig): ResolvedConfig => ({
  ...config,
  streams: config.streams.map((stream) => ({
    ...stream,
    late: { ...stream.late, policy: 'append', closeAfter: everMs },
  })),
})
