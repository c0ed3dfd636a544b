import { openBase, readEntry, walkEntries } from '../../audit/walk-log.ts'
import { isoOf } from '../../base/time.ts'
import type { FoldState } from '../../model/fold-state.ts'
import type { EntryIndex } from '../../model/log-entry.ts'
import {
  type CommandDefinition,
  configOption,
  countOption,
  type ExitCode,
  exitCode,
  type Invocation,
  shardOption,
} from '../command.ts'
import { summaryOf } from '../entry-summary.ts'
import { alignedRows, type Paint } from '../output.ts'
import { type Lakeside, openReading } from '../reading.ts'
import { inEachShard } from '../shards.ts'

const limitDefault = 20

/** `lakeward log ls`: the newest entries of the commit log. */
export const command: CommandDefinition = {
  options: [
    configOption,
    shardOption,
    { flags: '--limit <n>', description: `how many of the newest; ${limitDefault} when left out` },
  ],
  example: 'lakeward log ls --limit 50',
  run: (invocation) => inEachShard(invocation, listEntries),
}

async function listEntries(invocation: Invocation): Promise<ExitCode> {
  const limit = countOption(invocation, 'limit') ?? limitDefault
  const reading = await openReading(invocation)
  const { next, voidCount } = reading.log.state
  const entries = await newest(reading, reading.log.state, Math.max(0, next - limit))
  const first = entries[0]?.index ?? next
  const isCut = first > Math.max(0, next - limit)
  const deleted = isCut ? [`entries below ${first} are deleted; a checkpoint holds them`] : []
  const { output } = invocation
  const lines = [...deleted, ...listLines(entries, output.paint)]
  output.answer({ next, voidCount, deletedBelow: isCut ? first : undefined, entries }, lines)
  return exitCode.done
}

interface ListedEntry {
  readonly index: EntryIndex
  readonly kind: string
  readonly stagedAt: string
  readonly writerId: string
  readonly commitId: string
  /** Why it is void; undefined when it is decided. */
  readonly void: string | undefined
  readonly summary: string
}

async function newest(
  { lake, config }: Lakeside,
  state: FoldState,
  first: EntryIndex,
): Promise<readonly ListedEntry[]> {
  const { pipeline } = config
  const voids = await voidsFrom({ lake, config }, state, first)
  const entries: ListedEntry[] = []
  for (let index = first; index < state.next; index++) {
    const read = await readEntry(lake, pipeline, index)
    if (read === undefined) continue
    const { kind, stagedAtMs, writerId, commitId } = read.entry
    const summary = summaryOf(read.entry)
    const stagedAt = isoOf(stagedAtMs)
    entries.push({ index, kind, stagedAt, writerId, commitId, void: voids.get(index), summary })
  }
  return entries
}

/** The state names the newest voids only; older ones are found by folding from the beginning. */
async function voidsFrom(
  { lake, config }: Pick<Lakeside, 'lake' | 'config'>,
  { voids, voidCount }: FoldState,
  first: EntryIndex,
): Promise<ReadonlyMap<EntryIndex, string>> {
  const known = new Map(voids.map(({ entry, because }) => [entry, because]))
  const oldest = voids[0]?.entry
  if (voidCount === voids.length || oldest === undefined || first >= oldest) return known
  const found = new Map<EntryIndex, string>()
  const base = await openBase(lake, config.pipeline)
  for (const { entry, because } of base.voids) found.set(entry, because)
  for await (const { index, verdict } of walkEntries(lake, config.pipeline, base)) {
    if (verdict.kind === 'void') found.set(index, verdict.because)
  }
  return found
}

function listLines(entries: readonly ListedEntry[], paint: Paint): readonly string[] {
  if (entries.length === 0) return ['the log has no entries']
  return alignedRows(
    entries.map(({ index, stagedAt, kind, writerId, summary, void: because }) => [
      String(index),
      stagedAt,
      kind,
      writerId.slice(0, 8),
      because === undefined ? summary : `${paint.red('void')} (${because}) ${summary}`,
    ]),
  )
}
