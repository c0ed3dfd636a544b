import { assert } from '../base/assert.ts'
import { isFault } from '../base/fault.ts'
import type { DurationMs } from '../base/time.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Catalog, CatalogColumn, CatalogPartition } from '../ports/catalog.ts'
import type { Lake } from '../ports/lake.ts'
import type { Notifier } from '../ports/notifier.ts'
import { homeLocation } from '../protocol/log-paths.ts'
import { manifestPathOf } from '../protocol/readiness-manifest.ts'

/** A stream's table as a catalog shows it. */
export interface StreamTable {
  readonly table: string
  readonly columns: readonly CatalogColumn[]
  readonly partitionColumns: readonly string[]
}

export interface CatalogTargetOptions {
  readonly target: string
  readonly catalog: Catalog
  readonly lake: Lake
  readonly pipeline: string
  /** Absolute URL of the lake's root as readers of the catalog reach it, without "/" at its end. */
  readonly root: string
  /** By stream. */
  readonly tables: ReadonlyMap<string, StreamTable>
  /** Partitions are shown once they have files, or not before they are announced. */
  readonly register: 'first-commit' | 'ready'
}

/**
 * A catalog as a target: a table for each stream, a partition for each announcement.
 *
 * Tables are ensured once in the life of a process, and again where one is missing later; the
 * catalog itself sees to it that one fits still. What a catalog shows can be asked, and is: its
 * last writer wins, and may have been an older one.
 */
export class CatalogTarget implements Notifier {
  readonly target: string
  readonly readable = true
  readonly showOpen?: NonNullable<Notifier['showOpen']>
  readonly #options: CatalogTargetOptions
  /** Streams whose table was found to fit. */
  readonly #fitting = new Set<string>()

  constructor(options: CatalogTargetOptions) {
    this.target = options.target
    this.#options = options
    if (options.register === 'ready') return
    this.showOpen = (stream, paths, signal) => this.#showOpen(stream, paths, signal)
  }

  get lingersMs(): DurationMs {
    return this.#options.catalog.lingersMs
  }

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const { stream, table, files } = manifest
    if (files.length === 0) await this.#makeFolder(manifest)
    await this.#register(stream, table, [this.#announced(manifest)], signal)
  }

  async readBack(manifest: ReadyManifest, signal: AbortSignal): Promise<boolean> {
    const { table, partitionPath, revision } = manifest
    const [shown] = await this.#options.catalog.read(table, [partitionPath], signal)
    return (shown?.revision ?? 0) >= revision
  }

  close(): Promise<void> {
    return this.#options.catalog.close()
  }

  async #showOpen(
    stream: string,
    paths: readonly PartitionPath[],
    signal: AbortSignal,
  ): Promise<void> {
    const table = this.#options.tables.get(stream)?.table
    if (table === undefined) return
    const open = paths.map((path) => ({
      path,
      location: this.#urlOf(homeLocation(table, path)),
      announced: undefined,
    }))
    await this.#register(stream, table, open, signal)
  }

  async #register(
    stream: string,
    table: string,
    partitions: readonly CatalogPartition[],
    signal: AbortSignal,
  ): Promise<void> {
    const { catalog } = this.#options
    const wasFitting = this.#fitting.has(stream)
    await this.#ensureTable(stream, signal)
    try {
      await catalog.register(table, partitions, signal)
    } catch (error) {
      if (!isFault(error, 'CATALOG_TABLE_MISSING') || !wasFitting) throw error
      // Somebody dropped it since it was looked at.
      this.#fitting.delete(stream)
      await this.#ensureTable(stream, signal)
      await catalog.register(table, partitions, signal)
    }
  }

  /** Of a stream that is not configured any more the table is taken as it is. */
  async #ensureTable(stream: string, signal: AbortSignal): Promise<void> {
    const { catalog, pipeline, tables } = this.#options
    const known = tables.get(stream)
    if (known === undefined || this.#fitting.has(stream)) return
    const { table, columns, partitionColumns } = known
    const location = this.#urlOf(table)
    const wanted = { name: table, location, columns, partitionColumns, pipeline, stream }
    await catalog.ensureTable(wanted, signal)
    this.#fitting.add(stream)
  }

  /**
   * A folder is made by what lies in it, and the catalog would make one that is its own user's.
   * Readers skip names that begin with "_".
   */
  async #makeFolder({ table, partitionPath }: ReadyManifest): Promise<void> {
    await this.#options.lake.put(`${table}/${partitionPath}/_EMPTY`, new Uint8Array(0))
  }

  #announced(manifest: ReadyManifest): CatalogPartition {
    const { partitionPath: path, revision, rows, files } = manifest
    return {
      path,
      location: this.#locationOf(manifest),
      announced: {
        revision,
        rows,
        bytes: files.reduce((sum, file) => sum + file.bytes, 0),
        files: files.length,
        manifest: this.#urlOf(manifestPathOf(manifest)),
      },
    }
  }

  /**
   * The manifest names the folder below the URL that the lake had when it was announced, by which
   * it may not be reached any more: what counts is the table's folder and what follows.
   */
  #locationOf({ location, table, partitionPath }: ReadyManifest): string {
    const at = location.lastIndexOf(`/${table}/`)
    assert(
      at !== -1 && location.endsWith(`/${partitionPath}`),
      `"${location}" is a place of "${table}" ${partitionPath}`,
    )
    return this.#urlOf(location.slice(at + 1))
  }

  #urlOf(path: string): string {
    return `${this.#options.root}/${path}`
  }
}
