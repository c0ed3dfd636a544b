import { assert } from '../base/assert.ts'
import { Fault, isFault } from '../base/fault.ts'
import { encodeJournal } from '../codec/log/journal.ts'
import type { DataFile } from '../model/data-file.ts'
import type { SealedFile } from '../model/sealed-commit.ts'
import type { StagingJournal } from '../model/staging-journal.ts'
import type { Lake } from '../ports/lake.ts'
import {
  homeLocation,
  journalPath,
  publishedPath,
  type StagingArea,
  spillTable,
  stagedPath,
  tailPath,
} from '../protocol/log-paths.ts'
import { inParallel } from './parallel.ts'
import { filesAtOnceMax } from './publisher.ts'
import { type RetryContext, untilAnswered, untilRefused } from './retry.ts'

export interface StagingOptions {
  readonly lake: Lake
  readonly pipeline: string
  readonly retry: RetryContext
  /** Whether files of a table that refuses go to the spill area; else the refusal is thrown. */
  readonly spills: boolean
}

/** What may lie in staging, and the journals that name it. */
export interface StagedRemains {
  readonly files: readonly DataFile[]
  readonly journals: readonly string[]
}

/** One sealed file and what the log will say of it: in its table, or in the spill area. */
interface Staging extends Readonly<Record<StagingArea, DataFile>> {
  readonly sealed: SealedFile
}

/** A sealed commit, or a sealed swap, as far as staging goes. */
export interface StagedContent extends Omit<StagingJournal, 'pipeline' | 'files'> {
  readonly files: readonly SealedFile[]
  /** Folder that the files are published to; by default each to that of its table and path. */
  readonly location?: string
}

/**
 * The staged form of a sealed commit: what its entry names, and where its journals are.
 *
 * One journal names all that is staged in tables. Another one is written, once, before the first
 * file goes to the spill area.
 *
 * A table that refuses is asked once a commit: the rest of its files goes to the spill area. When
 * that refuses as well it is waited for, and the table is asked again.
 */
export class StagedCommit {
  readonly #options: StagingOptions
  readonly #commit: StagedContent
  readonly #stagings: readonly Staging[]
  /** What is staged, as it lies there. */
  readonly #staged = new Map<Staging, DataFile>()
  /** By table: what it said. */
  readonly #refusals = new Map<string, Fault>()
  /** Journals that stand, or are being written. */
  readonly #journals = new Map<StagingArea, Promise<unknown>>()
  /** By staged path: what may lie there. A call that was refused may have taken effect. */
  readonly #begun = new Map<string, DataFile>()

  constructor(options: StagingOptions, commit: StagedContent) {
    this.#options = options
    this.#commit = commit
    this.#stagings = commit.files.map((sealed, ordinal) => this.#stagingOf(sealed, ordinal))
  }

  /** As the entry names them; known once they are written. */
  get files(): readonly DataFile[] {
    return this.#stagings.map((staging) => this.#fileOf(staging))
  }

  /** Tables that refused, with what they said. */
  get refusals(): ReadonlyMap<string, Fault> {
    return this.#refusals
  }

  get tables(): readonly string[] {
    return [...new Set(this.#commit.files.map(({ table }) => table))]
  }

  /** Writes the journal, then the files: no file lies in staging that nobody can judge. */
  async write(): Promise<void> {
    if (this.#stagings.length > 0) await this.#answered(() => this.#journal('tables'))
    await inParallel(this.#stagings, filesAtOnceMax, (staging) =>
      this.#answered(() => this.#stage(staging)),
    )
  }

  /** Takes the journals of a published commit away. What stays behind, the janitor finds. */
  async removeJournals(): Promise<void> {
    const needed = new Set(this.files.map((file) => file.stagedPath))
    const begun = [...this.#begun.values()]
    await this.#removeAfter(begun.filter((file) => !needed.has(file.stagedPath)))
  }

  /** Takes everything away. @returns what would not go, which is the janitor's. */
  async removeAll(): Promise<StagedRemains | undefined> {
    return await this.#removeAfter([...this.#begun.values()])
  }

  async #removeAfter(files: readonly DataFile[]): Promise<StagedRemains | undefined> {
    const { lake, pipeline } = this.#options
    const { commitId } = this.#commit
    const journals = [...this.#journals.keys()].map((area) => journalPath(pipeline, commitId, area))
    const remains = { files, journals }
    return (await removeStaged(lake, remains)) ? undefined : remains
  }

  /** What refuses is waited for, unless the caller wants to know. */
  #answered(effect: () => Promise<void>): Promise<void> {
    const { spills, retry } = this.#options
    return spills ? untilAnswered(retry, effect) : effect()
  }

  async #stage(staging: Staging): Promise<void> {
    const { tables: home, spill } = staging
    const { table } = home
    const { chunks: own } = staging.sealed
    const stageHome = async (): Promise<void> => {
      this.#staged.set(staging, await this.#stageAt(own, home, 'tables'))
    }
    if (await this.#unlessRefused(table, stageHome)) return
    try {
      const { chunks, ...told } = staging.sealed.tail?.alone() ?? staging.sealed
      const { sizeBytes, crc32c } = told
      const spilled = await this.#stageAt(chunks, spill, 'spill')
      this.#staged.set(staging, { ...spilled, sizeBytes, crc32c })
    } catch (error) {
      // Nobody takes it: the table is asked first again.
      this.#refusals.delete(table)
      throw error
    }
  }

  /** @returns the file as it is staged. */
  async #stageAt(
    chunks: readonly Uint8Array[],
    file: DataFile,
    area: StagingArea,
  ): Promise<DataFile> {
    const { lake, retry } = this.#options
    const { path, stagedPath: staged } = file
    await this.#journal(area)
    this.#begun.set(staged, file)
    const at = await untilRefused(retry, () => lake.stage({ path, stagedPath: staged, chunks }))
    const placed = { ...file, stagedPath: at }
    this.#begun.set(at, placed)
    return placed
  }

  /** @returns false when the table refuses, now or in this commit before. */
  async #unlessRefused(table: string, effect: () => Promise<void>): Promise<boolean> {
    if (this.#refusals.has(table)) return false
    try {
      await effect()
      return true
    } catch (error) {
      if (!this.#options.spills || !isFault(error, 'LAKE_REFUSED')) throw error
      this.#refusals.set(table, error)
      return false
    }
  }

  /** Once, however many files wait for it. */
  async #journal(area: StagingArea): Promise<void> {
    const known = this.#journals.get(area)
    if (known !== undefined) {
      await known
      return
    }
    const { lake, retry, pipeline } = this.#options
    const { commitId, ranges, swap, letters } = this.#commit
    const files = this.#stagings
      .map((staging) => staging[area])
      .map(({ stagedPath: staged, path }) => ({ stagedPath: staged, path }))
    const relied = {
      ...(swap === undefined ? {} : { swap }),
      ...(letters === undefined ? {} : { letters }),
    }
    const journal = encodeJournal({ pipeline, commitId, ranges, files, ...relied })
    const path = journalPath(pipeline, commitId, area)
    const writing = untilRefused(retry, () => lake.putIfAbsent(path, journal))
    this.#journals.set(area, writing)
    try {
      await writing
    } catch (error) {
      this.#journals.delete(area)
      throw error
    }
  }

  #stagingOf(sealed: SealedFile, ordinal: number): Staging {
    const { chunks, release: _whenPublished, tail, ...told } = sealed
    const heldBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    assert(heldBytes === told.sizeBytes, `a sealed file has the ${told.sizeBytes} bytes it says`)
    const { pipeline } = this.#options
    const { commitId, location } = this.#commit
    const { table, partitionPath } = told
    const name = { pipeline, table, partitionPath, commitId, ordinal }
    const placed = (root: string, folder: string | undefined): DataFile => ({
      ...told,
      path: publishedPath(name, folder),
      stagedPath: stagedPath(root, name),
    })
    const away = spillTable(pipeline, table)
    const spill = placed(away, homeLocation(away, partitionPath))
    if (tail === undefined) return { sealed, tables: placed(table, location), spill }
    const { path, base, grown } = tail
    const joined = { ...told, ...grown, path, stagedPath: tailPath(path, name), base }
    return { sealed, tables: joined, spill }
  }

  #fileOf(staging: Staging): DataFile {
    return this.#staged.get(staging) ?? staging.tables
  }
}

/**
 * The journals go last, so that what stays behind can still be judged. A file that fails keeps no
 * other, but the journals.
 *
 * @returns false where something would not go.
 */
export async function removeStaged(
  lake: Lake,
  { files, journals }: StagedRemains,
): Promise<boolean> {
  const discarded = await inParallel(files, filesAtOnceMax, (file) =>
    isDone(() => lake.discard(file)),
  )
  if (discarded.includes(false)) return false
  let isWhole = true
  for (const path of journals) isWhole = (await isDone(() => lake.remove(path))) && isWhole
  return isWhole
}

/** @returns false where the lake fails. */
async function isDone(effect: () => Promise<void>): Promise<boolean> {
  try {
    await effect()
    return true
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return false
  }
}
