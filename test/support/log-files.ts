/** The commit log of a local lake as raw JSON, read without any of lakeward's code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface RawEntry {
  readonly kind: string
  readonly writerId: string
  readonly commitId: string
  readonly discarded: readonly { readonly commitId: string; readonly because: string }[]
}

const logFolder = (lakeFolder: string, pipeline: string): string =>
  join(lakeFolder, '_lakeward', pipeline, 'log', '00000000')

/** Entries in the order of the log. */
export function rawEntries(lakeFolder: string, pipeline: string): readonly RawEntry[] {
  const folder = logFolder(lakeFolder, pipeline)
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => /^\d+\.json$/.test(name))
  return names
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RawEntry)
}
