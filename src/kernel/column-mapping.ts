/**
 * How protobuf values become columns where there is a choice.
 *
 * @see docs/adr/0006-protobuf-to-parquet.md, docs/protobuf-to-parquet.md
 */
export interface ColumnMapping {
  /** `string`: the name, or the decimal of a number without one. `int`: INT32. */
  readonly enums: 'string' | 'int'
  /** Of google.protobuf.Timestamp; `struct` keeps seconds and nanos as they are. */
  readonly timestamps: 'int64-micros' | 'int96' | 'struct'
  /** Of google.protobuf.Duration. */
  readonly durations: 'int64-micros' | 'struct'
  /** Singular messages as groups of columns, or as columns whose names are joined by "_". */
  readonly nested: 'struct' | 'flatten'
}

export const defaultMapping: ColumnMapping = {
  enums: 'string',
  timestamps: 'int64-micros',
  durations: 'int64-micros',
  nested: 'struct',
}
