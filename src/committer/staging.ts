import { assert } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import { encodeJournal } from '../codec/log/journal.ts'
import type { DataFile } from '../model/data-file.ts'
import type { SealedFile } from '../model/sealed-commit.ts'
import type { StagingJournal } from '../model/staging-journal.ts'
import type { Lake } from '../ports/lake.ts'
import { journalPath, publishedPath, stagedPath } from '../protocol/log-paths.ts'
import { inParallel } from './parallel.ts'
import { filesAtOnceMax } from './publisher.ts'
import { type RetryContext, untilAnswered } from './retry.ts'

export interface StagingOptions {
  readonly lake: Lake
  readonly pipeline: string
  readonly retry: RetryContext
}

/** One sealed file and what the log will say of it. */
interface Staging {
  readonly sealed: SealedFile
  readonly file: DataFile
}

/** A sealed commit, or a sealed swap, as far as staging goes. */
export interface StagedContent extends Omit<StagingJournal, 'pipeline' | 'files'> {
  readonly files: readonly SealedFile[]
  /** Folder that the files are published to; by default each to that of its table and path. */
  readonly location?: string
}

/** The staged form of a sealed commit: what its entry names, and where its journals are. */
export class StagedCommit {
  readonly #options: StagingOptions
  readonly #commit: StagedContent
  readonly #stagings: readonly Staging[]

  constructor(options: StagingOptions, commit: StagedContent) {
    const { pipeline } = options
    const { commitId } = commit
    this.#options = options
    this.#commit = commit
    this.#stagings = commit.files.map((sealed, ordinal) => {
      const { chunks, release: _whenPublished, ...told } = sealed
      const heldBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
      assert(heldBytes === told.sizeBytes, `a sealed file has the ${told.sizeBytes} bytes it says`)
      const { table, partitionPath } = told
      const name = { pipeline, table, partitionPath, commitId, ordinal }
      const path = publishedPath(name, commit.location)
      return { sealed, file: { ...told, path, stagedPath: stagedPath(table, commitId, ordinal) } }
    })
  }

  get files(): readonly DataFile[] {
    return this.#stagings.map(({ file }) => file)
  }

  /** Writes the journals, then the files: no file lies in staging that nobody can judge. */
  async write(): Promise<void> {
    const { lake, pipeline, retry } = this.#options
    const { commitId, ranges, swap } = this.#commit
    const relied = swap === undefined ? {} : { swap }
    await inParallel(this.#tables(), filesAtOnceMax, (table) => {
      const files = this.files
        .filter((file) => file.table === table)
        .map(({ stagedPath: staged, path }) => ({ stagedPath: staged, path }))
      const journal = encodeJournal({ pipeline, commitId, ranges, files, ...relied })
      const at = journalPath(table, commitId)
      return untilAnswered(retry, () => lake.putIfAbsent(at, journal))
    })
    await inParallel(this.#stagings, filesAtOnceMax, ({ sealed, file }) =>
      untilAnswered(retry, () => lake.stage({ ...file, chunks: sealed.chunks })),
    )
  }

  /** Takes the journals of a published commit away. What stays behind, the janitor finds. */
  async removeJournals(): Promise<void> {
    await this.#whileAnswered(this.#journals(), (path) => this.#options.lake.remove(path))
  }

  /** Takes everything away, the journals last, so that what stays behind can still be judged. */
  async removeAll(): Promise<void> {
    const { lake } = this.#options
    if (await this.#whileAnswered(this.files, (file) => lake.discard(file))) {
      await this.removeJournals()
    }
  }

  #journals(): readonly string[] {
    return this.#tables().map((table) => journalPath(table, this.#commit.commitId))
  }

  #tables(): readonly string[] {
    return [...new Set(this.#commit.files.map(({ table }) => table))]
  }

  /** @returns false when the lake fails: then nothing is tried again. */
  async #whileAnswered<T>(
    all: readonly T[],
    effect: (one: T) => Promise<unknown>,
  ): Promise<boolean> {
    try {
      await inParallel(all, filesAtOnceMax, effect)
      return true
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return false
    }
  }
}
