/** Tables whose files grow from commit to commit: configured so, on a lake that lets them. */
import { isFault } from '../base/fault.ts'
import { inParallel } from '../committer/parallel.ts'
import type { CanJoin, Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'

/** Each costs some nine calls, and all are asked before the first commit. */
const tablesAtOnceMax = 16

export interface GrowingTablesParts {
  readonly config: Pick<ResolvedConfig, 'streams'>
  readonly lake: Lake
  readonly telemetry: Telemetry
}

/**
 * Asked once, at the start: what a folder is like does not change while files of it are open. A
 * table that refuses gets a file with each commit, and is told of and counted.
 *
 * @throws {Fault} LAKE_UNAVAILABLE: try again.
 */
export async function growingTables(parts: GrowingTablesParts): Promise<ReadonlySet<string>> {
  const { config, lake, telemetry } = parts
  const growing = new Set<string>()
  const wanted = config.streams.filter(({ file }) => file.mode === 'continue')
  const answers = await inParallel(wanted, tablesAtOnceMax, async ({ table }) => {
    return { table, answer: await askedOf(lake, table) }
  })
  for (const { table, answer } of answers) {
    if (answer.kind === 'joins') growing.add(table)
    else {
      telemetry.metrics.count('lakeward_growth_refused_total', 1, { table })
      telemetry.log.warn('files do not grow', { table, reason: answer.reason })
    }
  }
  return growing
}

async function askedOf({ tails }: Lake, table: string): Promise<CanJoin> {
  if (tails === undefined) return { kind: 'refuses', reason: 'no file of this lake grows' }
  try {
    return await tails.canJoinIn(table)
  } catch (error) {
    if (isFault(error, 'LAKE_REFUSED')) return { kind: 'refuses', reason: error.message }
    throw error
  }
}
