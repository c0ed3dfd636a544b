/**
 * The frame that Confluent's serialisers put before a protobuf message.
 *
 * Invariants:
 * - what is read lies within the value; whatever does not fit is no frame, never an exception;
 * - an empty list of indexes stands for the first message of the file.
 *
 *     00 | 00 00 00 2a | 00            schema 42, its first message
 *     00 | 00 00 00 2a | 04 02 00      schema 42, the first message in its second
 *
 * Numbers after the schema are zigzag varints.
 *
 * Source: Confluent's documentation, "Wire format"; docs/adr/0021-confluents-wire-format.md.
 */
const magic = 0
const idEnd = 5
/** Deeper nesting than any schema has. */
const indexesMax = 64

export class ConfluentFrame {
  schemaId = 0
  /** Where the message begins. */
  payloadStart = 0
  /** Positions of the message and those around it, outermost first; empty: the first message. */
  readonly path: number[] = []

  /** @returns whether `[start, end)` begins with a frame. */
  read(u8: Uint8Array, start: number, end: number): boolean {
    this.path.length = 0
    if (end - start <= idEnd || u8[start] !== magic) return false
    const byteAt = (at: number): number => u8[start + at] ?? 0
    this.schemaId = ((byteAt(1) << 24) | (byteAt(2) << 16) | (byteAt(3) << 8) | byteAt(4)) >>> 0
    this.payloadStart = start + idEnd
    const count = this.#index(u8, end)
    if (count === undefined || count > indexesMax) return false
    for (let index = 0; index < count; index++) {
      const position = this.#index(u8, end)
      if (position === undefined) return false
      this.path.push(position)
    }
    return true
  }

  /** The next zigzag varint; undefined where it is cut, negative or longer than 32 bits. */
  #index(u8: Uint8Array, end: number): number | undefined {
    let value = 0
    for (let shift = 0; shift < 35 && this.payloadStart < end; shift += 7) {
      const byte = u8[this.payloadStart++] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value % 2 === 1 ? undefined : value / 2
    }
    return undefined
  }
}
