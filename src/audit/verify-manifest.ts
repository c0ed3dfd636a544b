/** `ready verify`: one announcement against its files, its counts, the log and the brokers. */
import { countsAddUp } from '../model/counts.ts'
import type { FoldedPartition, FoldedPosition, FoldState } from '../model/fold-state.ts'
import { partitionPath } from '../model/lake-partition.ts'
import type { ManifestFile, ReadyManifest } from '../model/ready-manifest.ts'
import { type SourceKey, sourceKey } from '../model/topic-partition.ts'
import type { Lake } from '../ports/lake.ts'
import { isAnnouncedAsItIs } from '../protocol/partition-place.ts'
import { judgeFolder } from '../protocol/readiness-folder.ts'
import {
  encodeManifest,
  manifestPathOf,
  manifestText,
  sourceIn,
} from '../protocol/readiness-manifest.ts'
import { AnnouncedRows } from './announced-rows.ts'
import { Check, type CheckResult, counted, uncheckable } from './check.ts'
import { checkRevisions } from './check-revisions.ts'
import { checkSkipped } from './check-skipped.ts'
import { checkRanges } from './commit-checks.ts'
import { crc32cOf } from './decode-file.ts'
import { readFooterRows } from './footer-rows.ts'
import type { KafkaAnswer } from './kafka-check.ts'
import { type DecidedAppend, type LogWalk, openBase, walkEntries } from './walk-log.ts'

export interface ManifestFacts {
  readonly lake: Lake
  readonly pipeline: string
  readonly lane: string
  readonly manifest: ReadyManifest
  readonly folded: FoldedPartition
  /** Every row is decoded, and looked for by its identity. */
  readonly isDeep: boolean
  readonly askKafka: () => Promise<KafkaAnswer>
}

/** @throws {Fault} `LAKE_…`; `LOG_…`: an entry below the announcement cannot be read. */
export async function verifyManifest(facts: ManifestFacts): Promise<readonly CheckResult[]> {
  const { lake, manifest } = facts
  const listed = await lake.list(`${manifest.table}/${manifest.partitionPath}`)
  const { below, announced, state } = await walkTo(facts)
  const deep = facts.isDeep ? new AnnouncedRows(manifest, movedTopicsIn(state)) : undefined
  return [
    await checkManifestFile(lake, manifest, announced),
    ...(await checkContents(lake, manifest.files, deep)),
    ...(deep?.results() ?? []),
    checkFolder(facts, state, listed),
    checkSums(facts, below),
    await checkRevisions(lake, manifest),
    checkSources(facts, below),
    ...(manifest.skipped === undefined ? [] : [checkSkipped(manifest, manifest.skipped, below)]),
    checkBrokers(manifest, await facts.askKafka(), state.positions.get(facts.lane)),
  ]
}

/** The log up to the announcement, what its entry announces, and the state as it is at the end. */
async function walkTo({ lake, pipeline, manifest }: ManifestFacts): Promise<Walked> {
  const appends: DecidedAppend[] = []
  const base = await openBase(lake, pipeline)
  let before = base
  let state = before
  let announced: ReadyManifest | undefined
  for await (const walked of walkEntries(lake, pipeline, base)) {
    const { index, entry, verdict } = walked
    state = walked.state
    if (index === manifest.logEntry) announced = manifestIn(state, manifest)
    if (index >= manifest.logEntry) continue
    before = state
    if (verdict.kind === 'decided' && entry.kind === 'append') appends.push({ index, entry })
  }
  const empty = { moves: [], swaps: [], closings: [], closed: new Map(), trouble: undefined }
  return { below: { base, state: before, appends, ...empty }, announced, state }
}

interface Walked {
  readonly below: LogWalk
  /** Undefined where the entry is deleted. */
  readonly announced: ReadyManifest | undefined
  readonly state: FoldState
}

const manifestIn = (state: FoldState, manifest: ReadyManifest): ReadyManifest | undefined =>
  partitionIn(state, manifest)?.manifest

/** The manifest on the lake, and that of the entry, have the bytes that the state gives them. */
async function checkManifestFile(
  lake: Lake,
  manifest: ReadyManifest,
  announced: ReadyManifest | undefined,
): Promise<CheckResult> {
  const check = new Check('manifest')
  const path = manifestPathOf(manifest)
  const bytes = await lake.read(path)
  if (bytes === undefined) check.fail(`"${path}" is missing`)
  else if (!Buffer.from(bytes).equals(encodeManifest(manifest))) {
    check.fail(`"${path}" says something else than log entry ${manifest.logEntry}`)
  }
  if (announced !== undefined && manifestText(announced) !== manifestText(manifest)) {
    check.fail(`log entry ${manifest.logEntry} announces something else than a checkpoint above it`)
  }
  return check.result(path)
}

/** Where an operator said how to go on: the same offset may stand there twice, rightly. */
const movedTopicsIn = ({ positions }: FoldState): ReadonlySet<string> =>
  new Set(
    [...positions.values()].flatMap((ofLane) =>
      [...ofLane.values()]
        .filter(({ ended, resetEpoch = 0 }) => ended === true || resetEpoch > 0)
        .map(({ source }) => source.topic),
    ),
  )

/**
 * Each file stands with its size, its checksum and its rows. One file in memory at a time.
 *
 * @param deep hears of each file that can be read.
 */
async function checkContents(
  lake: Lake,
  files: readonly ManifestFile[],
  deep?: AnnouncedRows,
): Promise<readonly CheckResult[]> {
  const [sizes, checksums, rows] = [new Check('files'), new Check('checksums'), new Check('rows')]
  let rowCount = 0
  for (const file of files) {
    const bytes = await lake.read(file.path)
    if (bytes === undefined) {
      sizes.fail(`"${file.path}": missing on the lake`)
      continue
    }
    const [sizeBytes, checksum] = [bytes.length, crc32cOf(bytes)]
    if (sizeBytes !== file.bytes) {
      sizes.fail(`"${file.path}": ${sizeBytes} bytes, ${file.bytes} in the manifest`)
    }
    if (checksum !== file.crc32c) {
      checksums.fail(`"${file.path}": crc32c ${checksum}, ${file.crc32c} in the manifest`)
    }
    const part = async (first: number, next: number): Promise<Uint8Array> =>
      bytes.subarray(first, next)
    const found = await readFooterRows(sizeBytes, part)
    if (found.kind === 'unreadable') rows.fail(`"${file.path}": ${found.why}`)
    else if (found.rowCount !== file.rows) {
      rows.fail(`"${file.path}": ${found.rowCount} rows, ${file.rows} in the manifest`)
    } else rowCount += found.rowCount
    await deep?.add(file, bytes)
  }
  const looked = counted(files.length, 'file')
  return [
    sizes.result(looked),
    checksums.result(looked),
    rows.result(`${counted(rowCount, 'row')} by footers`),
  ]
}

/** Nothing of ours lies in the folder that is not announced: readers of folders would count it. */
function checkFolder(
  { pipeline, manifest, folded }: ManifestFacts,
  state: FoldState,
  listed: Parameters<typeof judgeFolder>[3],
): CheckResult {
  const check = new Check('folder')
  const place = { table: manifest.table, partition: folded.partition }
  const { stray } = judgeFolder(state, pipeline, place, listed)
  for (const { path, sizeBytes } of stray) {
    check.fail(`"${path}" of ${sizeBytes} bytes is not in the log`)
  }
  return check.result(
    `${counted(listed.length, 'object')} in "${place.table}/${place.partition.path}"`,
  )
}

/** Against the partition as it was below the announcement, where the log still tells that. */
function checkSums({ manifest, folded }: ManifestFacts, { base, state }: LogWalk): CheckResult {
  const check = new Check('counts')
  const { counts, rows, files, id } = manifest
  if (!countsAddUp(counts)) check.fail(`${id}: the events read do not each have one fate`)
  const listed = files.reduce((sum, file) => sum + file.rows, 0)
  if (listed !== rows) check.fail(`${id}: says ${rows} rows, its files have ${listed}`)
  const isTold = manifest.logEntry >= base.next
  const before = isTold ? partitionIn(state, manifest) : folded
  const held = before?.files ?? []
  const known = new Set(held.map(({ path, crc32c }) => `${path} ${crc32c}`))
  const strange = files.filter(({ path, crc32c }) => !known.has(`${path} ${crc32c}`))
  for (const { path } of strange) check.fail(`"${path}" is not in the log as the manifest says`)
  // Rows that came since wait for a later revision, or have it.
  const isSame = isTold || (isAnnouncedAsItIs(folded) && folded.revision === manifest.revision)
  if (isSame && files.length !== held.length) {
    check.fail(`${counted(files.length, 'file')} announced, ${held.length} in the log`)
  }
  const written = before?.counts.written ?? 0
  if (counts.written > written || (isSame && counts.written !== written)) {
    check.fail(`${counts.written} events written, ${written} in the log`)
  }
  return check.result(`${counts.read} read, ${counts.written} written, ${counted(rows, 'row')}`)
}

const partitionIn = (
  { streams }: FoldState,
  { stream, partitionPath: path }: ReadyManifest,
): FoldedPartition | undefined => streams.get(stream)?.partitions.get(partitionPath(path))

/** The offsets it stands on are those that the log held below it, without a gap. */
function checkSources({ lane, manifest }: ManifestFacts, below: LogWalk): CheckResult {
  const { base } = below
  if (manifest.logEntry < base.next) {
    const entries = `entry ${manifest.logEntry} and those below it are deleted`
    return uncheckable('sources', `${entries}, the log is there from entry ${base.next} on`)
  }
  const check = new Check('sources')
  for (const finding of checkRanges(below).findings) check.fail(finding)
  const positions = below.state.positions.get(lane)
  for (const source of manifest.sources) {
    const next = positions?.get(sourceKey(sourceIn(source)))?.next
    if (String(next) === source.next) continue
    const name = `"${source.topic}/${source.partition}"`
    check.fail(`${name}: up to ${source.next} in the manifest, ${next ?? 'nothing'} in the log`)
  }
  return check.result(`${counted(manifest.sources.length, 'topic-partition')} without a gap`)
}

/** @param positions as the log has them now: what was given up for a topic made anew is over. */
function checkBrokers(
  { sources }: ReadyManifest,
  answer: KafkaAnswer,
  positions: ReadonlyMap<SourceKey, FoldedPosition> | undefined,
): CheckResult {
  if (answer.kind === 'silent') return uncheckable('kafka', answer.why)
  const check = new Check('kafka')
  const known = new Set(answer.metadata.sources.map(sourceKey))
  for (const source of sources) {
    const key = sourceKey(sourceIn(source))
    const name = `"${source.topic}/${source.partition}"`
    const end = answer.ends.get(key)
    if (!known.has(key) && positions?.get(key)?.ended === true) {
      check.uncheckable(`${name} was made anew since, and accepted by an operator`)
    } else if (!known.has(key))
      check.fail(`${name}: the brokers have no topic id ${source.topicId}`)
    else if (end === undefined) check.uncheckable(`the leader of ${name} does not answer`)
    else if (end < BigInt(source.next)) {
      check.fail(`${name}: read up to ${source.next}, the broker ends at ${end}`)
    }
  }
  return check.result(`${counted(sources.length, 'topic-partition')} at or beyond what was read`)
}
