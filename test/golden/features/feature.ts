/**
 * Golden files: one for each feature, with the recipe that makes it and the rows that any reader
 * must see.
 *
 * Files are made anew by each run, so that readers judge the encoder as it is. What was sent is
 * encoded by protobufjs; what must be seen is written down beside it, and neither comes from the
 * kernel.
 */
import { assert } from '../../../src/base/assert.ts'
import {
  type ParquetFileOptions,
  ParquetFileWriter,
} from '../../../src/codec/parquet/file-writer.ts'
import { type ColumnMapping, defaultMapping } from '../../../src/kernel/column-mapping.ts'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import { planTable } from '../../../src/kernel/table-plan.ts'
import type { IdentityColumn } from '../../../src/model/row-batch.ts'
import { schemaA, wiresOfA } from '../../support/feature-rows.ts'
import { loadBatch } from '../../support/kernel-tables.ts'
import type { Seen } from './seen.ts'

/** Columns of a row by name, as `seen.ts` writes values. */
export type SeenRow = Readonly<Record<string, Seen>>

export interface FeatureRow {
  /** What protobufjs encodes. */
  readonly sent: object
  readonly seen: SeenRow
}

/** A question that readers answer by skipping what statistics and filters allow to skip. */
export interface FeatureFilter {
  readonly column: string
  readonly operator: '=' | '<' | '>'
  readonly value: Seen
  /** Rows that match. */
  readonly rowCount: number
}

/** What the file must be, so that the feature is in it. Only what is named is looked at. */
export interface FeatureClaims {
  readonly rowGroupCount?: number
  readonly codec?: string
  /** Encodings of the data and dictionary pages of a column's first chunk, by the leaf's path. */
  readonly encodings?: Readonly<Record<string, string>>
  /** Data pages of a column's first chunk. */
  readonly pageCountMin?: Readonly<Record<string, number>>
  readonly hasPageIndex?: boolean
  readonly bloom?: readonly string[]
}

export interface Feature {
  /** In kebab-case; the name of its file. */
  readonly name: string
  /** For people: what is in the file. */
  readonly title: string
  /** Source of a schema with the message `A`. */
  readonly proto: string
  readonly rows: readonly FeatureRow[]
  readonly filters?: readonly FeatureFilter[]
  readonly claims?: FeatureClaims
  readonly mapping?: Partial<ColumnMapping>
  readonly identity?: readonly IdentityColumn[]
  readonly file?: Partial<ParquetFileOptions>
  /** Rows that are appended at once; all of them when not given. */
  readonly batchRows?: number
}

const fileOptions: ParquetFileOptions = {
  codec: 'zstd',
  level: 1,
  rowGroupBytesMax: 1 << 27,
  pageIndex: true,
  bloom: undefined,
  keyValues: new Map([['lakeward.stream', 'golden']]),
}

/** The file of a feature, by the real kernel and writer. */
export function featureFile(kernel: Kernel, feature: Feature): Buffer {
  const { proto, rows, batchRows = rows.length, identity = [] } = feature
  const plan = planTable(schemaA(proto), {
    identity,
    names: 'as-declared',
    mapping: { ...defaultMapping, ...feature.mapping },
  })
  const table = kernel.compile(plan)
  const writer = new ParquetFileWriter(table, { ...fileOptions, ...feature.file })
  const wires = wiresOfA(
    proto,
    rows.map(({ sent }) => sent),
  )
  for (let first = 0; first < rows.length; first += batchRows) {
    const refused = writer.append(loadBatch(kernel, wires.slice(first, first + batchRows)))
    assert(refused.length === 0, `no row of a golden file is refused: ${feature.name}`)
    kernel.input.clear()
  }
  const bytes = Buffer.concat(writer.seal().chunks)
  table.release()
  return bytes
}
