/**
 * Types for ETL modules. A module is a TypeScript or JavaScript file that exports `map`:
 *
 *     import type { EtlMap } from 'lakeward/etl'
 *
 *     export const map: EtlMap<{ country: string; views: bigint }> = (row, ctx) =>
 *       row.country === '' ? null : { ...row, views: row.views + 1n }
 *
 * Rows are plain objects with the field names of the stream's message: 64-bit integers are bigint,
 * bytes are Uint8Array, enums are names, repeated fields are arrays, maps are Map.
 */
import type { EtlContext } from '../model/etl-context.ts'

export type { EtlContext } from '../model/etl-context.ts'

/** One event in; one row, several or none out. Called once per event, in order, synchronously. */
export type EtlMap<Row extends object = Record<string, unknown>> = (
  row: Row,
  context: EtlContext,
) => object | readonly object[] | null | undefined
