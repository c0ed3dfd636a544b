/** What an ETL module is told about the event it is given. */
export interface EtlContext {
  /** Name of the stream the event belongs to. */
  readonly stream: string
  /** The event's own time, milliseconds since 1970. */
  readonly eventTimeMs: number
  readonly topic: string
  /** Kafka's partition number. */
  readonly partition: number
  /** Position of the record in its Kafka partition. */
  readonly offset: bigint
  /** Position of the event within its record: 0, or 0.. of a batched record. */
  readonly index: number
  /** Headers of the Kafka record; of a repeated name the last one. */
  readonly headers: ReadonlyMap<string, Uint8Array>
}
