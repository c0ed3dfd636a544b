import type { Fault } from '../../src/base/fault.ts'
import { inflateRecords } from '../../src/codec/kafka/inflate-records.ts'
import { readBatch } from '../../src/codec/kafka/record-batch.ts'
import { type Offset, offset } from '../../src/model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../../src/model/topic-partition.ts'
import type { FetchedBatches, SourceReader } from '../../src/ports/source.ts'
import { plainRecords } from './read-batches.ts'

/** A reader that keeps what it is told, and reads from offset 0 unless told otherwise. */
export class RecordingReader implements SourceReader {
  readonly values = new Map<string, string[]>()
  readonly events: string[] = []
  readonly refused: { readonly name: string; readonly fault: Fault }[] = []
  readonly troubles: (Fault | undefined)[] = []
  readonly fetches: { readonly name: string; readonly batch: FetchedBatches }[] = []
  /** Where to read from; what is not named is read from 0; undefined is not read. */
  from: (source: SourcePartition) => Offset | undefined = () => offset(0n)
  /** Waited for by every onFetched. */
  gate: Promise<void> | undefined
  assigned: readonly SourcePartition[] = []

  async onAssigned(sources: readonly SourcePartition[]): Promise<ReadonlyMap<SourceKey, Offset>> {
    this.#note('assigned', sources)
    this.assigned = [...this.assigned, ...sources]
    const positions = sources.map((source) => [sourceKey(source), this.from(source)] as const)
    return new Map(
      positions.filter((entry): entry is readonly [SourceKey, Offset] => entry[1] !== undefined),
    )
  }

  async onRevoked(sources: readonly SourcePartition[]): Promise<void> {
    this.#note('revoked', sources)
    this.#drop(sources)
  }

  onLost(sources: readonly SourcePartition[]): void {
    this.#note('lost', sources)
    this.#drop(sources)
  }

  async onFetched(parts: readonly FetchedBatches[]): Promise<void> {
    for (const part of parts) this.#keep(part)
    await this.gate
  }

  onRefused(source: SourcePartition, fault: Fault): void {
    this.refused.push({ name: topicPartitionName(source), fault })
  }

  onTrouble(fault: Fault | undefined): void {
    this.troubles.push(fault)
  }

  of(name: string): readonly string[] {
    return this.values.get(name) ?? []
  }

  get count(): number {
    return [...this.values.values()].reduce((sum, values) => sum + values.length, 0)
  }

  #keep(part: FetchedBatches): void {
    const name = topicPartitionName(part.source)
    const kept = this.values.get(name) ?? []
    this.values.set(name, kept)
    this.fetches.push({ name, batch: { ...part, bytes: new Uint8Array() } })
    for (let at = part.start; at < part.end; ) {
      const batch = readBatch(part, at)
      at = batch.end
      if (part.skippedBatches.includes(batch.start)) continue
      const records = plainRecords(inflateRecords(part, batch), batch, part)
      kept.push(...records.map(({ value }) => value ?? 'null'))
    }
  }

  #note(event: string, sources: readonly SourcePartition[]): void {
    this.events.push(`${event} ${sources.map(topicPartitionName).sort().join(' ')}`)
  }

  #drop(sources: readonly SourcePartition[]): void {
    const gone = new Set(sources.map(topicPartitionName))
    this.assigned = this.assigned.filter((at) => !gone.has(topicPartitionName(at)))
  }
}
