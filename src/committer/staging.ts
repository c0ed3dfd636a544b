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

/** One sealed file and what the log will say of it: at home, or in the spill area. */
interface Staging {
  readonly sealed: SealedFile
  readonly home: DataFile
  readonly spill: DataFile
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
 * A table that refuses is asked once a commit: the rest of its files goes to the spill area. When
 * that refuses as well it is waited for, and the table is asked again.
 */
export class StagedCommit {
  readonly #options: StagingOptions
  readonly #commit: StagedContent
  readonly #stagings: readonly Staging[]
  /** What lies in the spill area, as it lies there. */
  readonly #spilled = new Map<Staging, DataFile>()
  /** By table: what it said. */
  readonly #refusals = new Map<string, Fault>()
  /** By path: journals that stand, or are being written. */
  readonly #journals = new Map<string, Promise<unknown>>()

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

  /** Writes the journals, then the files: no file lies in staging that nobody can judge. */
  async write(): Promise<void> {
    await inParallel(this.tables, filesAtOnceMax, (table) =>
      this.#unlessRefused(table, () => this.#journal(table, 'home')),
    )
    await inParallel(this.#stagings, filesAtOnceMax, (staging) =>
      this.#options.spills
        ? untilAnswered(this.#options.retry, () => this.#stage(staging))
        : this.#stage(staging),
    )
  }

  /** Takes the journals of a published commit away. What stays behind, the janitor finds. */
  async removeJournals(): Promise<void> {
    const needed = new Set(this.files.map((file) => file.stagedPath))
    await this.#removeAfter(this.#places().filter((file) => !needed.has(file.stagedPath)))
  }

  /** Takes everything away, the journals last, so that what stays behind can still be judged. */
  async removeAll(): Promise<void> {
    await this.#removeAfter(this.#places())
  }

  /** Where something may be staged: what refused may have taken effect. */
  #places(): readonly DataFile[] {
    return this.#stagings.flatMap(({ home, spill }) =>
      this.#journals.has(this.#journalPath(home.table, 'spill')) ? [home, spill] : [home],
    )
  }

  /** Table by table: one that fails keeps nothing of another. What is left is the janitor's. */
  async #removeAfter(files: readonly DataFile[]): Promise<void> {
    const { lake } = this.#options
    await inParallel(this.tables, filesAtOnceMax, async (table) => {
      const places = files.filter((file) => file.table === table)
      const journals = (['home', 'spill'] as const)
        .map((place) => this.#journalPath(table, place))
        .filter((path) => this.#journals.has(path))
      try {
        for (const place of places) await lake.discard(place)
        for (const path of journals) await lake.remove(path)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
      }
    })
  }

  async #stage(staging: Staging): Promise<void> {
    const { home, spill } = staging
    const { table } = home
    const { chunks: own } = staging.sealed
    if (await this.#unlessRefused(table, () => this.#stageAt(own, home, 'home'))) return
    try {
      const { chunks, ...told } = staging.sealed.tail?.alone() ?? staging.sealed
      const { sizeBytes, crc32c } = told
      await this.#stageAt(chunks, spill, 'spill')
      this.#spilled.set(staging, { ...spill, sizeBytes, crc32c })
    } catch (error) {
      // Nobody takes it: the table is asked first again.
      this.#refusals.delete(table)
      throw error
    }
  }

  async #stageAt(chunks: readonly Uint8Array[], file: DataFile, place: Place): Promise<void> {
    const { lake, retry } = this.#options
    const { path, stagedPath: staged } = file
    await this.#journal(file.table, place)
    await untilRefused(retry, () => lake.stage({ path, stagedPath: staged, chunks }))
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
  async #journal(table: string, place: Place): Promise<void> {
    const path = this.#journalPath(table, place)
    const known = this.#journals.get(path)
    if (known !== undefined) {
      await known
      return
    }
    const { lake, retry, pipeline } = this.#options
    const { commitId, ranges, swap } = this.#commit
    const files = this.#stagings
      .map((staging) => staging[place])
      .filter((file) => file.table === table)
      .map(({ stagedPath: staged, path: published }) => ({ stagedPath: staged, path: published }))
    const relied = swap === undefined ? {} : { swap }
    const journal = encodeJournal({ pipeline, commitId, ranges, files, ...relied })
    const writing = untilRefused(retry, () => lake.putIfAbsent(path, journal))
    this.#journals.set(path, writing)
    try {
      await writing
    } catch (error) {
      this.#journals.delete(path)
      throw error
    }
  }

  #journalPath(table: string, place: Place): string {
    return journalPath(this.#root(table, place), this.#commit.commitId)
  }

  #root(table: string, place: Place): string {
    return place === 'home' ? table : spillTable(this.#options.pipeline, table)
  }

  #stagingOf(sealed: SealedFile, ordinal: number): Staging {
    const { chunks, release: _whenPublished, tail, ...told } = sealed
    const heldBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    assert(heldBytes === told.sizeBytes, `a sealed file has the ${told.sizeBytes} bytes it says`)
    const { pipeline } = this.#options
    const { commitId, location } = this.#commit
    const { table, partitionPath } = told
    const name = { pipeline, table, partitionPath, commitId, ordinal }
    const placed = (place: Place, folder: string | undefined): DataFile => ({
      ...told,
      path: publishedPath(name, folder),
      stagedPath: stagedPath(this.#root(table, place), commitId, ordinal),
    })
    const away = homeLocation(this.#root(table, 'spill'), partitionPath)
    const spill = placed('spill', away)
    if (tail === undefined) return { sealed, home: placed('home', location), spill }
    const { path, base, grown } = tail
    const home = { ...told, ...grown, path, stagedPath: tailPath(path, commitId, ordinal), base }
    return { sealed, home, spill }
  }

  #fileOf(staging: Staging): DataFile {
    return this.#spilled.get(staging) ?? staging.home
  }
}

type Place = 'home' | 'spill'
