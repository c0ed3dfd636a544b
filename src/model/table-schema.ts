/** A table's columns as Parquet sees them: a tree whose leaves hold values. */

export type PhysicalType =
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'int96'
  | 'float'
  | 'double'
  | 'byte-array'

export type LogicalType =
  | 'string'
  | 'enum'
  | 'uint32'
  | 'uint64'
  | 'list'
  | 'map'
  | 'timestamp-millis'
  | 'timestamp-micros'

export interface ColumnGroup {
  readonly kind: 'group'
  readonly name: string
  readonly repetition: 'required' | 'optional' | 'repeated'
  readonly logical: 'list' | 'map' | undefined
  /** Protobuf field number, written as `field_id`. */
  readonly fieldId: number | undefined
  readonly children: readonly ColumnNode[]
}

export interface ColumnLeaf {
  readonly kind: 'leaf'
  readonly name: string
  readonly repetition: 'required' | 'optional' | 'repeated'
  readonly physical: PhysicalType
  readonly logical: LogicalType | undefined
  readonly fieldId: number | undefined
}

export type ColumnNode = ColumnGroup | ColumnLeaf

/** A leaf with its place in the tree. */
export interface LeafColumn {
  readonly leaf: ColumnLeaf
  /** Names from the top: ["items", "list", "element", "sku"]. */
  readonly path: readonly string[]
  readonly definitionMax: number
  readonly repetitionMax: number
}

export interface TableSchema {
  readonly columns: readonly ColumnNode[]
  /** All leaves, in the tree's order: the order of column chunks in a file. */
  readonly leaves: readonly LeafColumn[]
}
