/**
 * Columns of Parquet as types of Hive.
 *
 *     optional group items (LIST) { repeated group list { optional group element { … } } }
 *     array<struct<sku:string,count:int>>
 *
 * Invariants:
 * - Names are in lower case: Hive knows no other, and compares without case.
 * - Where Hive lacks a type, one that holds every value: numbers without a sign have the next wider
 *   type. Hive's own reader refuses those; Spark and Trino read them right.
 *
 * Source: Hive language manual, "Hive Data Types"; docs/protobuf-to-parquet.md.
 */
import type { ColumnLeaf, ColumnNode } from '../../model/table-schema.ts'

/** "array<struct<sku:string,count:int>>" */
export function hiveTypeOf(node: ColumnNode): string {
  if (node.kind === 'leaf') return leafType(node)
  const [inner] = node.children
  const parts = inner?.kind === 'group' ? inner.children : []
  if (node.logical === 'list') return `array<${parts.map(hiveTypeOf).join(',')}>`
  if (node.logical === 'map') return `map<${parts.map(hiveTypeOf).join(',')}>`
  const fields = node.children.map((child) => `${child.name.toLowerCase()}:${hiveTypeOf(child)}`)
  return `struct<${fields.join(',')}>`
}

function leafType({ physical, logical }: ColumnLeaf): string {
  switch (logical) {
    case 'string':
    case 'enum':
      return 'string'
    case 'uint32':
      return 'bigint'
    case 'uint64':
      return 'decimal(20,0)'
    case 'timestamp-millis':
    case 'timestamp-micros':
      return 'timestamp'
    case 'list':
    case 'map':
    case undefined:
      return physicalTypes[physical]
  }
}

const physicalTypes = {
  boolean: 'boolean',
  int32: 'int',
  int64: 'bigint',
  int96: 'timestamp',
  float: 'float',
  double: 'double',
  'byte-array': 'binary',
} as const

/** A type of Hive taken apart. */
type HiveType =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'nested'; readonly name: 'array' | 'map'; readonly parts: readonly HiveType[] }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, HiveType> }

/** How a column's type relates to the one that is wanted. */
export type TypeMatch =
  | { readonly kind: 'same' }
  /** With `type` it has all that it has and all that is wanted; nothing changes its type. */
  | { readonly kind: 'grown'; readonly type: string; readonly added: readonly string[] }
  | { readonly kind: 'conflict' }

/**
 * Compares the type that a column has with the one that it should have.
 *
 * Only structs grow, anywhere in a type, by fields behind those they have. A field that is not
 * wanted any more stays.
 *
 * @param path of the column, for the names of what is added.
 */
export function matchTypes(found: string, wanted: string, path: string): TypeMatch {
  const [has, needs] = [parseType(found), parseType(wanted)]
  if (has === undefined || needs === undefined) {
    return found.toLowerCase() === wanted.toLowerCase() ? { kind: 'same' } : { kind: 'conflict' }
  }
  const added: string[] = []
  const grown = growType(has, needs, { path, added })
  if (grown === undefined) return { kind: 'conflict' }
  return added.length === 0 ? { kind: 'same' } : { kind: 'grown', type: printType(grown), added }
}

interface Growth {
  readonly path: string
  readonly added: string[]
}

function growType(has: HiveType, needs: HiveType, at: Growth): HiveType | undefined {
  if (has.kind === 'struct' && needs.kind === 'struct') return growStruct(has, needs, at)
  if (has.kind === 'plain' && needs.kind === 'plain') {
    return has.name === needs.name ? has : undefined
  }
  if (has.kind !== 'nested' || needs.kind !== 'nested' || has.name !== needs.name) return undefined
  const parts: HiveType[] = []
  for (const [index, part] of has.parts.entries()) {
    const wanted = needs.parts[index]
    const grown = wanted && growType(part, wanted, at)
    if (grown === undefined) return undefined
    parts.push(grown)
  }
  return parts.length === needs.parts.length ? { ...has, parts } : undefined
}

function growStruct(
  has: Extract<HiveType, { kind: 'struct' }>,
  needs: Extract<HiveType, { kind: 'struct' }>,
  { path, added }: Growth,
): HiveType | undefined {
  const fields = new Map(has.fields)
  for (const [name, wanted] of needs.fields) {
    const inner = `${path}.${name}`
    const known = has.fields.get(name)
    const grown = known === undefined ? wanted : growType(known, wanted, { path: inner, added })
    if (grown === undefined) return undefined
    if (known === undefined) added.push(inner)
    fields.set(name, grown)
  }
  return { kind: 'struct', fields }
}

function printType(type: HiveType): string {
  if (type.kind === 'plain') return type.name
  if (type.kind === 'nested') return `${type.name}<${type.parts.map(printType).join(',')}>`
  const fields = [...type.fields].map(([name, inner]) => `${name}:${printType(inner)}`)
  return `struct<${fields.join(',')}>`
}

/** @returns undefined for what is written in another way than ours: unions, comments in structs. */
function parseType(text: string): HiveType | undefined {
  const scan = { text: text.toLowerCase().replaceAll(/\s+/g, ''), at: 0 }
  const type = scanType(scan)
  return scan.at === scan.text.length ? type : undefined
}

interface Scan {
  readonly text: string
  at: number
}

function scanType(scan: Scan): HiveType | undefined {
  const name = taken(scan, /[a-z_]+(\(\d+(,\d+)?\))?/y)
  if (name === undefined) return undefined
  if (name === 'struct') return scanStruct(scan)
  if (name !== 'array' && name !== 'map') return { kind: 'plain', name }
  const parts: HiveType[] = []
  if (taken(scan, /</y) === undefined) return undefined
  do {
    const part = scanType(scan)
    if (part === undefined) return undefined
    parts.push(part)
  } while (taken(scan, /,/y) !== undefined)
  return taken(scan, />/y) === undefined ? undefined : { kind: 'nested', name, parts }
}

function scanStruct(scan: Scan): HiveType | undefined {
  const fields = new Map<string, HiveType>()
  if (taken(scan, /</y) === undefined) return undefined
  do {
    const name = taken(scan, /[^:<>,]+/y)
    if (name === undefined || taken(scan, /:/y) === undefined) return undefined
    const type = scanType(scan)
    if (type === undefined) return undefined
    fields.set(name, type)
  } while (taken(scan, /,/y) !== undefined)
  return taken(scan, />/y) === undefined ? undefined : { kind: 'struct', fields }
}

/** What stands here, if it is that; the scan goes on behind it. */
function taken(scan: Scan, shape: RegExp): string | undefined {
  shape.lastIndex = scan.at
  const found = shape.exec(scan.text)?.[0]
  if (found !== undefined) scan.at += found.length
  return found
}
