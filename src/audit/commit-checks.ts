/**
 * The log against itself, commit by commit: offsets without gap or overlap, events with one fate
 * each, as many rows in files as events written.
 *
 * Pure. Where a user's module made rows of events, or another configuration was in force, an event
 * may have any number of rows: there only impossible sums are wrong.
 */
import { type Counts, countsAddUp, deadLetteredTotal, filteredTotal } from '../model/counts.ts'
import { type DataFile, rowsBrought } from '../model/data-file.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { AppendEntry } from '../model/log-entry.ts'
import type { NextOffset } from '../model/offset.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import { sourceKey, topicPartitionName } from '../model/topic-partition.ts'
import { divertedStream, inputStreamOf, isDiverted } from '../protocol/late.ts'
import { isAnnouncedAsItIs } from '../protocol/partition-place.ts'
import { takenBack } from '../protocol/replay.ts'
import { Check, type CheckResult, counted } from './check.ts'
import { includes, type Scope } from './scope.ts'
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
    for (const { stream, partition, count } of takenBack(entry)) {
      if (!includes(scope, stream, partition.startMs)) continue
      const cell = `${stream} ${partition.path}`
      sums.set(cell, sumOf(sums.get(cell), { ...noTally, read: -count, late: -count }))
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
    const letters = rowsOf(body.files.filter(({ stream }) => stream === deadLetterStream))
    const kept = lettersIn(append.entry)
    rows += letters
    if (letters === kept) continue
    const both = `${counted(letters, 'dead letter')} in files, ${counted(kept, 'event')} counted`
    check.fail(`entry ${append.index}: ${both}`)
  }
  return check.result(`${counted(rows, 'row')} of ${counted(appends.length, 'commit')}`)
}

/** Events of a commit that lie in the dead letters' table: late ones where none were diverted. */
const lettersIn = (entry: AppendEntry): number =>
  entry.body.counts.reduce((sum, { stream, partition, counts }) => {
    const late = hasDiverted(entry, stream, partition.path) ? 0 : counts.late
    return sum + deadLetteredTotal(counts) + late
  }, 0)

/** True where late events of this stream and partition lie as rows in the table beside. */
export const hasDiverted = ({ body }: AppendEntry, stream: string, path: string): boolean =>
  body.files.some((file) => {
    return file.stream === divertedStream(stream) && file.partitionPath === path
  })

const rowsOf = (files: readonly DataFile[]): number =>
  files.reduce((sum, file) => sum + rowsBrought(file), 0)

interface Cell {
  readonly stream: string
  readonly path: string
  /** In the table, and in the one that late rows are diverted to. */
  rows: number
  divertedRows: number
  written: number
  late: number
}

/** Rows and written events of one commit, by stream and partition. */
function cellsOf({ entry }: DecidedAppend, scope: Scope): readonly Cell[] {
  const cells = new Map<string, Cell>()
  const cellAt = (stream: string, path: string): Cell => {
    const key = `${stream} ${path}`
    const cell = cells.get(key) ?? { ...noRows, stream, path }
    cells.set(key, cell)
    return cell
  }
  const starts = new Map(
    entry.places.map(({ stream, partition }) => [`${stream} ${partition.path}`, partition.startMs]),
  )
  for (const file of entry.body.files) {
    const { stream, partitionPath } = file
    const startMs = starts.get(`${stream} ${partitionPath}`)
    if (stream === deadLetterStream || !includes(scope, stream, startMs)) continue
    const cell = cellAt(inputStreamOf(stream), partitionPath)
    if (isDiverted(stream)) cell.divertedRows += rowsBrought(file)
    else cell.rows += rowsBrought(file)
  }
  for (const { stream, partition, counts } of entry.body.counts) {
    if (!includes(scope, stream, partition.startMs)) continue
    const cell = cellAt(stream, partition.path)
    cell.written += counts.written
    cell.late += counts.late
  }
  return [...cells.values()]
}

const noRows = { rows: 0, divertedRows: 0, written: 0, late: 0 }

function findingOf(cell: Cell, isOneEach: boolean): string | undefined {
  const { stream, path, rows, written, divertedRows, late } = cell
  const name = `${stream} ${path}`
  if (!isPlausible(rows, written, isOneEach)) {
    return `${name}: ${counted(rows, 'row')} in files, ${counted(written, 'event')} written`
  }
  // Without diverted rows late events are dead letters.
  if (divertedRows === 0 || isPlausible(divertedRows, late, isOneEach)) return undefined
  return `${name}: ${counted(divertedRows, 'diverted row')}, ${counted(late, 'event')} late`
}

const isPlausible = (rows: number, events: number, isOneEach: boolean): boolean =>
  isOneEach ? rows === events : rows >= events && (rows === 0) === (events === 0)

/** Manifests in the log against the files and counts they are about. */
export function checkAnnouncements(state: FoldState, scope: Scope): CheckResult {
  const check = new Check('announcements')
  let count = 0
  let waiting = 0
  for (const [stream, { partitions }] of state.streams) {
    for (const folded of partitions.values()) {
      const { manifest, partition } = folded
      if (manifest === undefined || !includes(scope, stream, partition.startMs)) continue
      count += 1
      if (!isAnnouncedAsItIs(folded)) waiting += 1
      for (const finding of announcementFindings(folded, manifest)) check.fail(finding)
    }
  }
  const late = waiting === 0 ? '' : `; ${waiting} with late files that wait for the next revision`
  return check.result(counted(count, 'announced partition') + late)
}

/** Where late files wait for the next revision, the manifest is of what was there before. */
function announcementFindings(folded: FoldedPartition, manifest: ReadyManifest): readonly string[] {
  const { files, counts } = folded
  const found: string[] = []
  const asItIs = isAnnouncedAsItIs(folded)
  const listed = manifest.files.map(({ path, bytes, rows }) => `${path} ${bytes} ${rows}`)
  const held = new Set(
    files.map(({ path, sizeBytes, rowCount }) => `${path} ${sizeBytes} ${rowCount}`),
  )
  if (listed.some((file) => !held.has(file)) || (asItIs && listed.length !== files.length)) {
    found.push(`${manifest.id}: ${listed.length} files in the manifest, ${files.length} in the log`)
  }
  const rows = manifest.files.reduce((sum, file) => sum + file.rows, 0)
  if (rows !== manifest.rows) {
    found.push(`${manifest.id}: says ${manifest.rows} rows, lists ${rows}`)
  }
  const said = fates(tallyOf(manifest.counts))
  if (!countsAddUp(manifest.counts)) found.push(`${manifest.id}: ${said}`)
  const isShort = manifest.counts.written < counts.written && !asItIs
  if (manifest.counts.written !== counts.written && !isShort) {
    found.push(`${manifest.id}: ${said}; the log has ${fates(tallyOf(counts))}`)
  }
  return found
}
