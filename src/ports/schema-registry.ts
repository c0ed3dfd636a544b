/** Schemas that producers name by a number, as Confluent's registry keeps them. */

export type RegisteredSchema =
  /** Source of one protobuf file. */
  | { readonly kind: 'protobuf'; readonly text: string }
  /** A schema of another kind: AVRO, JSON. */
  | { readonly kind: 'foreign'; readonly type: string }
  /** The registry says that it has no such number. */
  | { readonly kind: 'unknown' }

export interface SchemaRegistry {
  /** @throws {Fault} SCHEMA_REGISTRY_UNREACHABLE: it says nothing of the number; ask again. */
  schema(id: number, signal: AbortSignal): Promise<RegisteredSchema>
}
