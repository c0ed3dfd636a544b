/** What is known of the schemas that records of Confluent's wire format name by number. */
import type { MessagePositions } from '../codec/protobuf/message-positions.ts'

export type WriterSchema =
  | { readonly kind: 'messages'; readonly messages: MessagePositions }
  /** Nothing of ours: `why` ends a sentence that begins with the schema. */
  | { readonly kind: 'refused'; readonly why: string }

/** Far above what registries hold; numbers that nobody registered cost memory too. */
const schemasMax = 100_000

export class WriterSchemas {
  readonly #byId = new Map<number, WriterSchema>()

  learn(id: number, schema: WriterSchema): void {
    // Whoever is needed again is asked for again.
    if (this.#byId.size >= schemasMax) this.#byId.clear()
    this.#byId.set(id, schema)
  }

  find(id: number): WriterSchema | undefined {
    return this.#byId.get(id)
  }
}
