import { ConfluentFrame } from '../codec/protobuf/confluent-frame.ts'
import type { LetterCause } from '../protocol/letter.ts'
import {
  frameMalformed,
  messageUnknown,
  positionUnknown,
  schemaRefused,
} from './envelope-causes.ts'
import type { WriterSchemas } from './writer-schemas.ts'

/**
 * The streams of one topic in Confluent's wire format, told apart by the message that a record's
 * schema has at its position.
 *
 * Records of one schema come in runs, and nearly all are of its first message: what was found for
 * that is kept by the number.
 */
export class FramedStreams {
  readonly #streams: ReadonlyMap<string, number>
  readonly #schemas: WriterSchemas
  readonly #frame = new ConfluentFrame()
  readonly #firstMessages = new Map<number, number>()

  /** @param streams indexes by the full name of their message. */
  constructor(streams: ReadonlyMap<string, number>, schemas: WriterSchemas) {
    this.#streams = streams
    this.#schemas = schemas
  }

  /** Where the message of the value found last begins. */
  get payloadStart(): number {
    return this.#frame.payloadStart
  }

  /** @returns the index of the stream of the value in `[start, end)`, or why it has none. */
  find(u8: Uint8Array, start: number, end: number): number | LetterCause {
    const frame = this.#frame
    if (!frame.read(u8, start, end)) return frameMalformed
    if (frame.path.length > 0) return this.#streamOf(frame)
    const known = this.#firstMessages.get(frame.schemaId)
    if (known !== undefined) return known
    const found = this.#streamOf(frame)
    if (typeof found === 'number') this.#firstMessages.set(frame.schemaId, found)
    return found
  }

  /** The number of the value's schema, if nobody has asked for it yet. */
  missingSchema(u8: Uint8Array, start: number, end: number): number | undefined {
    const frame = this.#frame
    if (!frame.read(u8, start, end) || this.#firstMessages.has(frame.schemaId)) return undefined
    return this.#schemas.find(frame.schemaId) === undefined ? frame.schemaId : undefined
  }

  #streamOf({ schemaId, path }: ConfluentFrame): number | LetterCause {
    const schema = this.#schemas.find(schemaId)
    if (schema === undefined) return schemaRefused(schemaId, 'was not asked for')
    if (schema.kind === 'refused') return schemaRefused(schemaId, schema.why)
    const name = schema.messages.at(path)
    if (name === undefined) return positionUnknown(schemaId, path.length === 0 ? [0] : path)
    return this.#streams.get(name) ?? messageUnknown(name)
  }
}
