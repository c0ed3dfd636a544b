import type { Fault } from '../base/fault.ts'
import type { UnixMs } from '../base/time.ts'
import type { LetterSink } from '../model/dead-letter.ts'
import type { EventLoad } from '../model/event-load.ts'
import type { MessageSchema } from '../model/event-schema.ts'
import type { CommitId } from '../model/ids.ts'
import type { SourcePartition } from '../model/topic-partition.ts'
import type { WriterSchemas } from '../parser/writer-schemas.ts'
import type { Clock } from '../ports/clock.ts'
import type { EtlModule } from '../ports/etl-module.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** Leaves out events that have their fate already. Of the others the times are not judged again. */
export interface EventSieve {
  /** Marks them as settled. */
  apply(load: EventLoad): void
  /** Takes letters of wanted events only to `sink`. */
  before(sink: LetterSink): LetterSink
}

/** What the stages need from outside. */
export interface PipelinePorts {
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Drawn anew for each process. */
  readonly hashSeed: bigint
  /** Rows and files held in memory at most. */
  readonly bufferBytesMax: number
  /** Message `lakeward.v1.DeadLetter` of proto/dead_letter.proto. */
  readonly deadLetterSchema: MessageSchema
  readonly nextCommitId: () => CommitId
  /** What events from the future or the past are judged by: no machine's clock. */
  readonly lakeNowMs: () => UnixMs
  /** Tables whose files grow. Absent: none does. */
  readonly growing?: ReadonlySet<string>
  /** By index of the configured stream. */
  readonly modules: ReadonlyMap<number, EtlModule>
  readonly onModuleBroken: (error: unknown) => void
  /** Of Confluent's wire format: those known so far. */
  readonly schemas: WriterSchemas
  /** A topic-partition whose next records name schemas that are not known yet. */
  readonly onSchemasMissing: (source: SourcePartition, ids: ReadonlySet<number>) => void
  /** Where records come from dead letters: events of them that are not wanted. Absent: none. */
  readonly sieve?: EventSieve
  /** A topic-partition whose bytes cannot be read on. */
  readonly onUnreadable: (source: SourcePartition, fault: Fault) => void
}
