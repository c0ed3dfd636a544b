import type { Brand } from '../base/brand.ts'

/** Position of one record in a Kafka partition. 0-based. */
export type Offset = Brand<bigint, 'Offset'>

/** Next offset to read from a Kafka partition: the exclusive end of what is already held. */
export type NextOffset = Brand<bigint, 'NextOffset'>

export const offset = (value: bigint): Offset => value as Offset
export const nextOffset = (value: bigint): NextOffset => value as NextOffset
