import type { MessageSchema } from '../model/event-schema.ts'
import type { Clock } from '../ports/clock.ts'
import type { EtlModule } from '../ports/etl-module.ts'
import type { Heap } from '../ports/heap.ts'
import type { Lake } from '../ports/lake.ts'
import type { Notifier } from '../ports/notifier.ts'
import type { Random } from '../ports/random.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Source } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** Everything outside that a daemon touches. */
export interface DaemonPorts {
  readonly lake: Lake
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** Absent: garbage is left to whoever runs the process. */
  readonly heap?: Heap
  readonly source: Source
  /** Where schemas of Confluent's wire format are asked for. */
  readonly schemaRegistry?: SchemaRegistry | undefined
  /** One for each configured target. */
  readonly notifiers: readonly Notifier[]
  /** Users' modules by index of their stream. */
  readonly modules: ReadonlyMap<number, EtlModule>
  /** Message `lakeward.v1.DeadLetter`. */
  readonly deadLetterSchema: MessageSchema
  /** What waits for targets that are not configured is given up at the start, not refused. */
  readonly dropsPending?: boolean
  /** Entries of the log between two checkpoints; absent: as the log does by itself. */
  readonly checkpointEvery?: number
  /** Newest format of the log that is read and written; absent: what this version knows. */
  readonly newestFormat?: number
  /** A longer body of an entry is an object of its own; absent: as the log does by itself. */
  readonly inlineBytesMax?: number
}
