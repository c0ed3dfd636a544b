/**
 * Asks the registry for schemas that records name and nobody here knows yet.
 *
 * Invariants:
 * - records wait for their schema in Kafka: what was fetched of the topic-partition is thrown away,
 *   and it is read on from where the last taking ended;
 * - other topic-partitions go on;
 * - a registry that says nothing is asked for ever: only its own word makes a number unknown.
 */
import { InvariantError } from '../base/assert.ts'
import { Fault, isFault } from '../base/fault.ts'
import { MessagePositions } from '../codec/protobuf/message-positions.ts'
import { type RetryContext, untilAnswered } from '../committer/retry.ts'
import { Troubles } from '../committer/troubles.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import { offset } from '../model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import type { WriterSchema, WriterSchemas } from '../parser/writer-schemas.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RegisteredSchema, SchemaRegistry } from '../ports/schema-registry.ts'
import type { Source } from '../ports/source.ts'

export interface SchemaDeskParts {
  readonly registry: SchemaRegistry | undefined
  readonly schemas: WriterSchemas
  readonly source: Pick<Source, 'pause' | 'resume' | 'seek'>
  readonly positions: () => PositionTable
  readonly clock: Clock
  readonly random: Random
  /** Aborted when the process ends with work undone. */
  readonly signal: AbortSignal
  /** True while this one stops for another reason than its schemas. */
  readonly isHeld: (source: SourcePartition) => boolean
  readonly onError: (error: unknown) => void
}

export class SchemaDesk {
  readonly #parts: SchemaDeskParts
  readonly #troubles = new Troubles()
  readonly #waiting = new Set<SourceKey>()
  /** Questions under way, by number. */
  readonly #asked = new Map<number, Promise<void>>()

  constructor(parts: SchemaDeskParts) {
    this.#parts = parts
  }

  /** What the registry says while it is asked again and again; undefined when all is well. */
  get trouble(): Fault | undefined {
    return this.#troubles.any
  }

  /** Holds a topic-partition until these schemas are known. */
  want(at: SourcePartition, ids: ReadonlySet<number>): void {
    const { source, signal, onError } = this.#parts
    source.pause([at])
    if (this.#waiting.has(sourceKey(at))) return
    this.#waiting.add(sourceKey(at))
    this.#hold(at, ids).catch((error: unknown) => {
      if (!signal.aborted) onError(error)
    })
  }

  /** Asks until each of these is known. */
  async learn(ids: ReadonlySet<number>): Promise<void> {
    for (const id of ids) if (this.#parts.schemas.find(id) === undefined) await this.#once(id)
  }

  async #hold(at: SourcePartition, ids: ReadonlySet<number>): Promise<void> {
    const { source, positions, isHeld } = this.#parts
    try {
      await this.learn(ids)
    } finally {
      this.#waiting.delete(sourceKey(at))
    }
    const table = positions()
    const next = table.nextOf(at)
    if (next === undefined) return
    source.seek(at, offset(next), table.leaderEpochOf(at))
    if (!isHeld(at)) source.resume([at])
  }

  #once(id: number): Promise<void> {
    const under = this.#asked.get(id)
    if (under !== undefined) return under
    const asking = this.#learn(id).finally(() => this.#asked.delete(id))
    this.#asked.set(id, asking)
    return asking
  }

  async #learn(id: number): Promise<void> {
    const { registry, schemas, clock, random, signal } = this.#parts
    if (registry === undefined) throw new InvariantError('records with schemas have a registry')
    const context: RetryContext = { clock, random, signal, troubles: this.#troubles }
    const found = await untilAnswered(context, () => registry.schema(id, signal))
    schemas.learn(id, writerSchemaOf(id, found))
  }
}

function writerSchemaOf(id: number, found: RegisteredSchema): WriterSchema {
  if (found.kind === 'unknown') return { kind: 'refused', why: 'is not in the registry' }
  if (found.kind === 'foreign') return { kind: 'refused', why: `is of type ${found.type}` }
  try {
    return { kind: 'messages', messages: new MessagePositions(`schema ${id}`, found.text) }
  } catch (error) {
    if (!isFault(error, 'SCHEMA_UNREADABLE')) throw error
    return { kind: 'refused', why: `cannot be read: ${error.facts.reason}` }
  }
}
