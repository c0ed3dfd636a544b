/**
 * A record's headers as Kafka encodes them in a record batch of version 2.
 *
 *     02              count 1, zigzag varint
 *     0a 74 72 61 63 65   key "trace", length 5
 *     01              value absent, length -1
 *
 * Read for people and dead letters only: what does not fit ends the reading and is not an error,
 * since a dead letter must never be refused because of its headers.
 *
 * Source: Kafka protocol, message format, "Record Header".
 */
import { WireError, WireReader, WireWriter } from './wire.ts'

export interface KafkaHeader {
  readonly key: string
  /** Empty for an absent value. */
  readonly value: Uint8Array
}

/** The headers that can be read, in their order. Values are views of `encoded`. */
export function readKafkaHeaders(encoded: Uint8Array): readonly KafkaHeader[] {
  const headers: KafkaHeader[] = []
  const input = new HeaderInput(encoded)
  try {
    const count = input.signed()
    while (headers.length < count) {
      const key = Buffer.from(input.take(input.signed())).toString('utf8')
      headers.push({ key, value: input.take(Math.max(0, input.signed())) })
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
  }
  return headers
}

/** As `readKafkaHeaders` reads them; an absent value is an empty one by then. */
export function encodeKafkaHeaders(headers: readonly KafkaHeader[]): Uint8Array {
  const texts = headers.flatMap(({ key, value }) => [Buffer.from(key), value])
  const parts = texts.flatMap((bytes) => [signed(bytes.length), bytes])
  return Buffer.concat([signed(headers.length), ...parts])
}

/** A zigzag varint. */
function signed(value: number): Uint8Array {
  const out = new WireWriter()
  out.signedVarint64(BigInt(value))
  return out.copy()
}

class HeaderInput {
  readonly #encoded: Uint8Array
  #position = 0

  constructor(encoded: Uint8Array) {
    this.#encoded = encoded
  }

  signed(): number {
    const reader = new WireReader(this.#encoded.subarray(this.#position))
    const zigzag = reader.varint32()
    this.#position += reader.position
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  take(sizeBytes: number): Uint8Array {
    const next = this.#position + sizeBytes
    const fits = sizeBytes >= 0 && next <= this.#encoded.length
    if (!fits) throw new WireError('truncated', 'a header does not fit', this.#position)
    const taken = this.#encoded.subarray(this.#position, next)
    this.#position = next
    return taken
  }
}
