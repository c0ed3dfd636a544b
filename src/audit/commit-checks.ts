/**
 * The log against itself, commit by commit: offsets without gap or overlap, events with one fate
 * each, as many rows in files as events written.
 *
 * Pure. Where a user's module made rows of events, or another configuration was in force, an event
 * may have any number of rows: there only impossible sums are wrong.
 */
import { type Counts, countsAddUp, deadLetteredTotal, filteredTotal } from '../model/counts.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { AppendEntry } from '../model/log-entry.ts'
import type { NextOffset } from '../model/offset.ts'
import { sourceKey, topicPartitionName } from '../model/topic-partition.ts'
import { Check, type CheckResult, counted } from './check.ts'
import { includes, type Scope } from './scope.ts'
import { deadLettersOf } from './tables.ts'
import type { DecidedAppend, LogWalk } from './walk-log.ts'

/** Which events are known to have made exactly one row each. */
export interface RowRule {
  /** Version of the configuration in force, where it is the one at hand; else undefined. */
  readonly configVersion: number | undefined
  /** Streams whose rows are made by a module. */
  readonly moduleStreams: ReadonlySet<string>
}

/** True when each written event of a stream has one row in this commit. */
export const oneRowEach = (
  rule: RowRule,
  { configVersion }: AppendEntry,
  stream: string,
): boolean => configVersion === rule.configVersion && !rule.moduleStreams.has(stream)

/**
 * Committed ranges follow each other from the base, or the start position, to where the log stands,
 * but for what an operator moved.
 */
export function checkRanges({ appends, base, moves, state }: LogWalk): CheckResult {
  const check = new Check('ranges')
  const reached = new Map<string, NextOffset>()
  for (const [lane, positions] of base.positions) {
    for (const { source, next } of positions.values()) {
      reached.set(`${lane} ${sourceKey(source)}`, next)
    }
  }
  let records = 0n
  const byIndex = [...appends, ...moves].sort((a, b) => a.index - b.index)
  for (const { index, entry } of byIndex) {
    if (entry.kind === 'source') {
      for (const { lane, source, next } of entry.moves) {
        if (next !== undefined) reached.set(`${lane} ${sourceKey(source)}`, next)
      }
      continue
    }
    for (const { lane, source, first, next } of entry.ranges) {
      const key = `${lane} ${sourceKey(source)}`
      const before = reached.get(key)
      const begins = before ?? next
      if (BigInt(first) !== BigInt(begins)) {
        const name = topicPartitionName(source)
        check.fail(`"${name}": entry ${index} begins at ${first}, committed is up to ${begins}`)
      }
      records += next - first
      reached.set(key, next)
    }
  }
  for (const [lane, positions] of state.positions) {
    for (const { source, next } of positions.values()) {
      const walked = reached.get(`${lane} ${sourceKey(source)}`)
      if (walked === next) continue
      check.fail(
        `"${topicPartitionName(source)}": the log stands at ${next}, its entries at ${walked}`,
      )
    }
  }
  const told = `${counted(records, 'offset')} of ${counted(reached.size, 'topic-partition')}`
  const moved = moves.length === 0 ? '' : `, moved ${counted(moves.length, 'time')} by an operator`
  return check.result(told + moved)
}

/** What has left the state stands beside the log, each list named by the one after it. */
export function checkClosed({ state, closed }: LogWalk): CheckResult {
  const check = new Check('closed')
  let count = 0
  for (const [stream, { lists, missing }] of closed) {
    count += lists.length
    if (missing !== undefined) check.fail(`"${stream}": list ${missing} is named and missing`)
    const held = state.streams.get(stream)?.closed?.fileCount ?? 0
    const listed = lists.reduce((sum, { partition }) => sum + partition.files.length, 0)
    if (missing === undefined && listed !== held) {
      check.fail(`"${stream}": ${counted(listed, 'file')} in lists, ${held} by the log`)
    }
  }
  return check.result(counted(count, 'closed partition'))
}

/** Each event that was read has one fate, and the state holds the sum of all commits. */
export function checkCounts(walk: LogWalk, scope: Scope): CheckResult {
  const { appends, base, closings, state } = walk
  const check = new Check('counts')
  const sums = new Map<string, Tally>()
  for (const [stream, { partitions }] of base.streams) {
    for (const { partition, counts } of partitions.values()) {
      if (!includes(scope, stream, partition.startMs)) continue
      sums.set(`${stream} ${partition.path}`, tallyOf(counts))
    }
  }
  for (const { index, entry } of [...appends, ...closings].sort((a, b) => a.index - b.index)) {
    if (entry.kind === 'closed-late') {
      for (const { stream, partition } of entry.closings) sums.delete(`${stream} ${partition.path}`)
      continue
    }
    for (const { stream, partition, counts } of entry.body.counts) {
      if (!includes(scope, stream, partition.startMs)) continue
      const cell = `${stream} ${partition.path}`
      if (!countsAddUp(counts)) check.fail(`${cell}: entry ${index}: ${fates(tallyOf(counts))}`)
      sums.set(cell, sumOf(sums.get(cell), tallyOf(counts)))
    }
  }
  let read = 0
  for (const [stream, { partitions }] of state.streams) {
    for (const { partition, counts } of partitions.values()) {
      if (!includes(scope, stream, partition.startMs)) continue
      read += counts.read
      const cell = `${stream} ${partition.path}`
      const [held, summed] = [fates(tallyOf(counts)), fates(sums.get(cell) ?? noTally)]
      if (held !== summed) check.fail(`${cell}: the log holds ${held}, its entries ${summed}`)
    }
  }
  return check.result(`${counted(read, 'event')} read in ${counted(sums.size, 'cell')}`)
}

interface Tally {
  readonly read: number
  readonly written: number
  readonly filtered: number
  readonly late: number
  readonly deadLettered: number
}

const noTally: Tally = { read: 0, written: 0, filtered: 0, late: 0, deadLettered: 0 }

const tallyOf = (counts: Counts): Tally => ({
  read: counts.read,
  written: counts.written,
  filtered: filteredTotal(counts),
  late: counts.late,
  deadLettered: deadLetteredTotal(counts),
})

const sumOf = (a: Tally = noTally, b: Tally): Tally => ({
  read: a.read + b.read,
  written: a.written + b.written,
  filtered: a.filtered + b.filtered,
  late: a.late + b.late,
  deadLettered: a.deadLettered + b.deadLettered,
})

const fates = ({ read, written, filtered, late, deadLettered }: Tally): string =>
  `${read} read = ${written} written + ${filtered} filtered + ${late} late + ` +
  `${deadLettered} dead letters`

/** Rows of each commit's files against the events it says it wrote and could not take. */
export function checkEvents({ appends }: LogWalk, scope: Scope, rule: RowRule): CheckResult {
  const check = new Check('events')
  let rows = 0
  for (const append of appends) {
    for (const cell of cellsOf(append, scope)) {
      rows += cell.rows
      const finding = findingOf(cell, oneRowEach(rule, append.entry, cell.stream))
      if (finding !== undefined) check.fail(`entry ${append.index}: ${finding}`)
    }
    const { body } = append.entry
    if (scope.spans !== undefined || scope.stream !== undefined) continue
    const letters = rowsOf(body.files.filter(({ stream }) => stream === deadLettersOf))
    const kept = body.counts.reduce((sum, { counts }) => sum + keptOf(counts), 0)
    rows += letters
    if (letters === kept) continue
    const both = `${counted(letters, 'dead letter')} in files, ${counted(kept, 'event')} counted`
    check.fail(`entry ${append.index}: ${both}`)
  }
  return check.result(`${counted(rows, 'row')} of ${counted(appends.length, 'commit')}`)
}

/** Events that lie in the dead letters' table. */
const keptOf = (counts: Counts): number => deadLetteredTotal(counts) + counts.late

const rowsOf = (files: readonly DataFile[]): number =>
  files.reduce((sum, { rowCount }) => sum + rowCount, 0)

interface Cell {
  readonly stream: string
  readonly path: string
  rows: number
  written: number
}

/** Rows and written events of one commit, by stream and partition. */
function cellsOf({ entry }: DecidedAppend, scope: Scope): readonly Cell[] {
  const cells = new Map<string, Cell>()
  const cellAt = (stream: string, path: string): Cell => {
    const key = `${stream} ${path}`
    const cell = cells.get(key) ?? { stream, path, rows: 0, written: 0 }
    cells.set(key, cell)
    return cell
  }
  const starts = new Map(
    entry.places.map(({ stream, partition }) => [`${stream} ${partition.path}`, partition.startMs]),
  )
  for (const { stream, partitionPath, rowCount } of entry.body.files) {
    const startMs = starts.get(`${stream} ${partitionPath}`)
    if (stream === deadLettersOf || !includes(scope, stream, startMs)) continue
    cellAt(stream, partitionPath).rows += rowCount
  }
  for (const { stream, partition, counts } of entry.body.counts) {
    if (!includes(scope, stream, partition.startMs)) continue
    cellAt(stream, partition.path).written += counts.written
  }
  return [...cells.values()]
}

function findingOf({ stream, path, rows, written }: Cell, isOneEach: boolean): string | undefined {
  const plausible = isOneEach
    ? rows === written
    : rows >= written && (rows === 0) === (written === 0)
  if (plausible) return undefined
  return `${stream} ${path}: ${counted(rows, 'row')} in files, ${counted(written, 'event')} written`
}

/** Manifests in the log against the files and counts they are about. */
export function checkAnnouncements(state: FoldState, scope: Scope): CheckResult {
  const check = new Check('announcements')
  let count = 0
  for (const [stream, { partitions }] of state.streams) {
    for (const { partition, manifest, files, counts } of partitions.values()) {
      if (manifest === undefined || !includes(scope, stream, partition.startMs)) continue
      count += 1
      const listed = manifest.files.map(({ path, bytes, rows }) => `${path} ${bytes} ${rows}`)
      const held = files.map(({ path, sizeBytes, rowCount }) => `${path} ${sizeBytes} ${rowCount}`)
      if (listed.sort().join() !== held.sort().join()) {
        check.fail(
          `${manifest.id}: ${listed.length} files in the manifest, ${held.length} in the log`,
        )
      }
      const rows = manifest.files.reduce((sum, file) => sum + file.rows, 0)
      if (rows !== manifest.rows)
        check.fail(`${manifest.id}: says ${manifest.rows} rows, lists ${rows}`)
      const said = fates(tallyOf(manifest.counts))
      if (!countsAddUp(manifest.counts)) check.fail(`${manifest.id}: ${said}`)
      if (manifest.counts.written !== counts.written) {
        check.fail(`${manifest.id}: ${said}; the log has ${fates(tallyOf(counts))}`)
      }
    }
  }
  return check.result(counted(count, 'announced partition'))
}
