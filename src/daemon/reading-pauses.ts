/**
 * Why a topic-partition that is ours is not read for now: memory is full, or it is too far ahead.
 *
 * Invariant: it is read again only when neither says so. Memory never waits for the other: a commit
 * frees it, whatever is paused.
 */
import type { PositionTable } from '../exporter/position-table.ts'
import { type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Source } from '../ports/source.ts'
import { Alignment, type AlignmentParts, type CommittedEnd } from './alignment.ts'
import { BackPressure, type BackPressureParts } from './back-pressure.ts'

export class ReadingPauses {
  readonly #pressure: BackPressure
  readonly #alignment: Alignment

  constructor(parts: BackPressureParts & AlignmentParts) {
    const resumeBut = (isPaused: (at: SourcePartition) => boolean) => {
      return (sources: readonly SourcePartition[]): void => {
        const free = sources.filter((at) => !isPaused(at) && !parts.isRefused(at))
        if (free.length > 0) parts.resume(free)
      }
    }
    const pressureResumes = resumeBut((at) => this.#alignment.isPaused(at))
    this.#pressure = new BackPressure({ ...parts, resume: pressureResumes })
    const alignmentResumes = resumeBut((at) => this.#pressure.isPaused(at))
    this.#alignment = new Alignment({ ...parts, resume: alignmentResumes })
  }

  isPaused(source: SourcePartition): boolean {
    return this.#pressure.isPaused(source) || this.#alignment.isPaused(source)
  }

  /** True while a topic of this stream is not read for want of memory. */
  isStreamPaused(stream: string): boolean {
    return this.#pressure.isStreamPaused(stream)
  }

  /** Why topic-partitions are paused, by their names. */
  reasons(): ReadonlyMap<string, string> {
    return new Map([...this.#alignment.reasons(), ...this.#pressure.reasons()])
  }

  /** `wanted`, and those whose ends are to be asked for since others wait for them. */
  asking(wanted: readonly SourcePartition[]): readonly SourcePartition[] {
    return [...new Set([...wanted, ...this.#alignment.questions])]
  }

  forget(sources: readonly SourcePartition[]): void {
    this.#alignment.forget(sources)
  }

  adjust(): void {
    this.#alignment.adjust()
    this.#pressure.adjust()
  }
}

interface ReadingParts extends Pick<AlignmentParts, 'aligned' | 'telemetry'> {
  readonly log: CommitLog
  readonly source: Source
  readonly positions: PositionTable
  readonly rule: { readonly lane: string }
}

/**
 * What is read, and how it is paused.
 *
 * @param isLeaving true for what is being given up: who reads its name since is not paused for it,
 *   for nobody would resume it.
 */
export function readingOf(parts: ReadingParts, isLeaving: (at: SourcePartition) => boolean) {
  const { aligned, log, positions, rule, source, telemetry } = parts
  return {
    aligned,
    telemetry,
    sources: () => positions.sources(),
    eventMsMax: (at: SourcePartition) => positions.eventMsMax(at),
    tenureOf: (at: SourcePartition) => positions.tenureOf(at),
    committedEnd: (at: SourcePartition): CommittedEnd => {
      const { positions: committed, evidence } = log.state
      const key = sourceKey(at)
      return { next: committed.get(rule.lane)?.get(key)?.next, evidence: evidence.get(key) }
    },
    lakeNowMs: () => log.lakeNowMs(),
    pause: (sources: readonly SourcePartition[]) =>
      source.pause(sources.filter((at) => !isLeaving(at))),
    resume: (sources: readonly SourcePartition[]) => source.resume(sources),
  }
}
