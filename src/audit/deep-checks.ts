/** Every file of the log read whole: its checksum, its rows, and what their identities say. */
import { ParquetError } from '../codec/parquet/parquet-error.ts'
import { deadLetteredTotal, filteredTotal } from '../model/counts.ts'
import { rowsBrought } from '../model/data-file.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import { lettersIn } from '../model/letter-replay.ts'
import type { AppendEntry } from '../model/log-entry.ts'
import type { Lake } from '../ports/lake.ts'
import { inputStreamOf } from '../protocol/late.ts'
import { Check, type CheckResult, counted } from './check.ts'
import { hasDiverted, oneRowEach, type RowRule } from './commit-checks.ts'
import {
  type CommitCover,
  type FileIdentities,
  judgeIdentities,
  offsetsWithoutTrace,
  onlyTopicOf,
  streamsOf,
} from './commit-identities.ts'
import { crc32cOf, decodeFile, letterIdentity, rowIdentity } from './decode-file.ts'
import { type CheckedFile, readWhole } from './file-checks.ts'
import { type Identities, listAt } from './identities.ts'
import { isWhole, type Scope } from './scope.ts'
import { readTakenLetters } from './taken-letters.ts'
import type { DecidedAppend, LogWalk } from './walk-log.ts'

const notListed = 'columns not listed'

export interface DeepFacts {
  readonly lake: Lake
  readonly walk: LogWalk
  readonly scope: Scope
  readonly rule: RowRule
  /** Told after each file, for progress. */
  readonly onFile: (done: number) => void
}

/** Reads every file once, by the commit that its rows are of. One run each. */
export class DeepChecks {
  readonly #facts: DeepFacts
  readonly #checksums = new Check('checksums')
  readonly #decoded = new Check('decoded')
  readonly #letters = new Check('letters')
  readonly #offsets = new Check('offsets')
  /** By stream. */
  readonly #order = new Map<string, StreamCheck>()
  readonly #duplicates = new Map<string, StreamCheck>()
  #fileCount = 0
  #rowCount = 0
  #letterCount = 0
  #bytes = 0
  #accounted = 0n

  constructor(facts: DeepFacts) {
    this.#facts = facts
  }

  async run(files: readonly CheckedFile[]): Promise<readonly CheckResult[]> {
    const byCommit = Map.groupBy(files, ({ originId }) => originId)
    for (const append of this.#facts.walk.appends) {
      await this.#commit(append, byCommit.get(append.entry.commitId) ?? [])
    }
    const read = `${counted(this.#fileCount, 'file')}, ${counted(this.#bytes, 'byte')}`
    const results = [
      this.#checksums.result(read),
      this.#decoded.result(`${counted(this.#rowCount, 'row')}, every column`),
      ...[...this.#order.values()].map((at) => at.result()),
      ...[...this.#duplicates.values()].map((at) => at.result()),
    ]
    if (!isWhole(this.#facts.scope)) return results
    return [
      ...results,
      this.#letters.result(counted(this.#letterCount, 'dead letter')),
      this.#offsets.result(`${counted(this.#accounted, 'offset')} accounted for`),
    ]
  }

  async #commit(append: DecidedAppend, files: readonly CheckedFile[]): Promise<void> {
    const { entry } = append
    const identities: FileIdentities[] = []
    const letters = new Map<string, number>()
    let isComplete = true
    const cover = await this.#coverOf(append)
    for (const checked of files) {
      const found = await this.#file(cover, checked, letters)
      this.#facts.onFile(++this.#fileCount)
      if (found === undefined) isComplete = false
      else identities.push(...found)
    }
    for (const stream of streamsOf(identities)) this.#judge(append, cover, stream, identities)
    if (!isWhole(this.#facts.scope)) return
    this.#checkLetters(append, letters)
    if (isComplete) this.#account(append, identities)
    else if (entry.ranges.some(({ first, next }) => first < next)) {
      this.#offsets.uncheckable(`${notListed}, or a file that could not be read`)
    }
  }

  /** @returns undefined where the identity of its rows is not known. */
  async #file(
    cover: CommitCover,
    { file, path }: CheckedFile,
    letters: Map<string, number>,
  ): Promise<readonly FileIdentities[] | undefined> {
    const bytes = path === undefined ? undefined : await readWhole(this.#facts.lake, file)
    if (bytes === undefined) {
      this.#decoded.fail(`"${file.path}": not there to be read`)
      return undefined
    }
    this.#bytes += bytes.length
    const checksum = crc32cOf(bytes)
    if (checksum !== file.crc32c) {
      this.#checksums.fail(`"${file.path}": crc32c ${checksum}, ${file.crc32c} in the log`)
    }
    const isLetters = file.stream === deadLetterStream
    try {
      const found = isLetters
        ? await this.#decodeLetters(bytes, file.path, letters)
        : await this.#decodeRows(bytes, cover, file)
      if (found.rowCount !== file.rowCount) {
        this.#decoded.fail(`"${file.path}": ${found.rowCount} rows, ${file.rowCount} in the log`)
      }
      this.#rowCount += rowsBrought(file)
      return found.identities
    } catch (error) {
      if (!(error instanceof ParquetError)) throw error
      this.#decoded.fail(`"${file.path}": ${error.message}`)
      return undefined
    }
  }

  async #decodeRows(
    bytes: Uint8Array,
    cover: CommitCover,
    { stream: name, path, base }: CheckedFile['file'],
  ): Promise<{ rowCount: number; identities: readonly FileIdentities[] | undefined }> {
    const firstRow = base?.rowCount ?? 0
    const options = { columns: rowIdentity, topic: onlyTopicOf(cover), firstRow }
    const stream = inputStreamOf(name)
    const { rowCount, identities } = await decodeFile(bytes, options)
    if (identities !== undefined) {
      return { rowCount, identities: [{ stream, path, isLetters: false, identities }] }
    }
    for (const check of [this.#orderOf(stream), this.#duplicatesOf(stream)]) {
      check.uncheckable(notListed)
    }
    return { rowCount, identities: undefined }
  }

  /** Letters are of many streams: each one's identities apart. */
  async #decodeLetters(
    bytes: Uint8Array,
    path: string,
    letters: Map<string, number>,
  ): Promise<{ rowCount: number; identities: readonly FileIdentities[] }> {
    const byStream = new Map<string, Identities>()
    const { topic, partition, offset, index } = letterIdentity
    const { rowCount } = await decodeFile(bytes, {
      columns: letterIdentity,
      topic: undefined,
      visit: {
        columns: ['stream', 'step', 'reason', topic, partition, offset, index],
        row: (row) => {
          const stream = String(row['stream'])
          const reason = row['step'] === 'late' ? lateStep : String(row['reason'])
          const key = `${stream} ${reason}`
          letters.set(key, (letters.get(key) ?? 0) + 1)
          const identities: Identities = byStream.get(stream) ?? new Map()
          byStream.set(stream, identities)
          const at = `${String(row[topic])}/${Number(row[partition])}`
          listAt(identities, at).add(BigInt(String(row[offset])), Number(row[index]))
        },
      },
    })
    this.#letterCount += rowCount
    const identities = [...byStream].map(([stream, found]) => {
      return { stream, path, isLetters: true, identities: found }
    })
    return { rowCount, identities }
  }

  /** Letters that a replay took in are looked for, whatever the scope is. */
  async #coverOf({ index, entry }: DecidedAppend): Promise<CommitCover> {
    const { ranges, replay } = entry
    if (replay === undefined) return { ranges }
    const taken = await readTakenLetters(this.#facts, replay)
    const meant = replay.letters.reduce((sum, unit) => sum + lettersIn(unit), 0)
    if (taken.count !== meant) {
      const both = `${taken.count} late letters found of ${meant} that it took in`
      this.#letters.fail(`entry ${index}: ${both}`)
    }
    return { ranges, taken }
  }

  #judge(
    { index, entry }: DecidedAppend,
    cover: CommitCover,
    stream: string,
    all: readonly FileIdentities[],
  ): void {
    const { scope, rule } = this.#facts
    if (scope.stream !== undefined && stream !== scope.stream) return
    const files = all.filter((file) => file.stream === stream)
    const findings = judgeIdentities(cover, stream, files, oneRowEach(rule, entry, stream))
    const rows = files.reduce((sum, { identities }) => sum + rowsIn(identities), 0)
    const duplicates = this.#duplicatesOf(stream)
    duplicates.rowCount += rows
    if (files.some(({ isLetters }) => !isLetters)) {
      const order = this.#orderOf(stream)
      order.rowCount += rows
      for (const finding of findings.disordered) order.fail(`entry ${index}: ${finding}`)
    }
    for (const finding of [...findings.duplicates, ...findings.outside]) {
      duplicates.fail(`entry ${index}: ${finding}`)
    }
  }

  #checkLetters({ index, entry }: DecidedAppend, letters: ReadonlyMap<string, number>): void {
    const meant = lettersMeant(entry)
    for (const key of new Set([...meant.keys(), ...letters.keys()])) {
      const [counts, found] = [meant.get(key) ?? 0, letters.get(key) ?? 0]
      if (counts === found) continue
      this.#letters.fail(`entry ${index}: ${key}: ${found} in files, ${counts} counted`)
    }
  }

  /** Each offset has left a row or a dead letter, or may be one of the filtered events. */
  #account({ index, entry }: DecidedAppend, files: readonly FileIdentities[]): void {
    const filtered = entry.body.counts.reduce((sum, { counts }) => sum + filteredTotal(counts), 0)
    const { count, example } = offsetsWithoutTrace(entry, files)
    for (const { first, next } of entry.ranges) this.#accounted += next - first
    if (count <= BigInt(filtered)) return
    const offsets = `entry ${index}: ${counted(count, 'offset')} without row or dead letter`
    const why = `${filtered} events were filtered (${example})`
    this.#offsets.uncheckable(
      `${offsets}, ${why}: transactions and compaction leave such gaps, lost records would too`,
    )
  }

  #orderOf(stream: string): StreamCheck {
    return checkOf(this.#order, 'order', stream)
  }

  #duplicatesOf(stream: string): StreamCheck {
    return checkOf(this.#duplicates, 'duplicates', stream)
  }
}

const lateStep = '(late)'

/** Dead letters that a commit counts, by stream and reason. */
function lettersMeant(entry: AppendEntry): ReadonlyMap<string, number> {
  const meant = new Map<string, number>()
  const add = (key: string, count: number): void => {
    if (count > 0) meant.set(key, (meant.get(key) ?? 0) + count)
  }
  for (const { stream, partition, counts } of entry.body.counts) {
    if (deadLetteredTotal(counts) + counts.late === 0) continue
    if (!hasDiverted(entry, stream, partition.path)) add(`${stream} ${lateStep}`, counts.late)
    for (const [reason, count] of Object.entries(counts.deadLettered)) {
      add(`${stream} ${reason}`, count)
    }
  }
  return meant
}

/** A check of one stream that counts the rows it saw. */
class StreamCheck extends Check {
  rowCount = 0

  override result(): CheckResult {
    return super.result(counted(this.rowCount, 'row'))
  }
}

function checkOf(checks: Map<string, StreamCheck>, name: string, stream: string): StreamCheck {
  const known = checks.get(stream)
  if (known !== undefined) return known
  const check = new StreamCheck(name, stream)
  checks.set(stream, check)
  return check
}

const rowsIn = (identities: Identities): number =>
  [...identities.values()].reduce((sum, { count }) => sum + count, 0)
