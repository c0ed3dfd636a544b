import type { FoldState } from '../model/fold-state.ts'

/** Tables that the log has files in or streams for, and those that are configured. */
export function tablesOf(state: FoldState, configured: readonly string[]): readonly string[] {
  const tables = new Set(configured)
  for (const { table } of state.config.streams) tables.add(table)
  for (const { partitions } of state.streams.values()) {
    for (const { table } of partitions.values()) if (table !== '') tables.add(table)
  }
  return [...tables].sort()
}
