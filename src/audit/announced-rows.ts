/**
 * Every row of an announced partition: decoded, in the order of its offsets, and there once.
 *
 * Held in memory is the identity of each row, 12 bytes, of the whole partition: a stranger may have
 * no log that tells which commit a file is of.
 */
import { ParquetError } from '../codec/parquet/parquet-error.ts'
import { readParquetMetadata } from '../codec/parquet/read-file.ts'
import type { ManifestFile, ReadyManifest } from '../model/ready-manifest.ts'
import { Check, type CheckResult, counted } from './check.ts'
import { decodeFile, rowIdentity } from './decode-file.ts'
import { type Identities, type IdentityList, listAt } from './identities.ts'

const notListed = 'columns not listed'

export class AnnouncedRows {
  readonly #manifest: ReadyManifest
  readonly #decoded = new Check('decoded')
  readonly #order = new Check('order')
  readonly #offsets = new Check('offsets')
  readonly #duplicates = new Check('duplicates')
  /** Of all its rows, where they are of one only. */
  readonly #topic: string | undefined
  readonly #all: Identities = new Map()
  #rowCount = 0

  /**
   * @param movedTopics whose offsets tell no row from another: they were made anew, or an operator
   *   moved where they are read.
   */
  constructor(manifest: ReadyManifest, movedTopics: ReadonlySet<string>) {
    this.#manifest = manifest
    const topics = [...new Set(manifest.sources.map(({ topic }) => topic))]
    this.#topic = topics.length === 1 ? topics[0] : undefined
    const moved = topics.find((topic) => movedTopics.has(topic))
    if (moved !== undefined) this.#doubt(`offsets of "${moved}" were moved, or it was made anew`)
    if (manifest.rows !== manifest.counts.written) {
      this.#duplicates.uncheckable('an event may have several rows')
    }
  }

  async add({ path, rows }: ManifestFile, bytes: Uint8Array): Promise<void> {
    try {
      const topic = saysTopic(bytes) ? undefined : this.#topic
      const found = await decodeFile(bytes, { columns: rowIdentity, topic })
      this.#rowCount += found.rowCount
      if (found.rowCount !== rows) {
        this.#decoded.fail(`"${path}": ${found.rowCount} rows, ${rows} in the manifest`)
      }
      if (found.identities === undefined) return this.#withoutColumns()
      for (const [at, list] of found.identities) this.#take(path, at, list)
    } catch (error) {
      if (!(error instanceof ParquetError)) throw error
      this.#decoded.fail(`"${path}": ${error.message}`)
    }
  }

  results(): readonly CheckResult[] {
    for (const [at, list] of this.#all) this.#judgeAll(at, list)
    const looked = counted(this.#rowCount, 'row')
    return [
      this.#decoded.result(`${looked}, every column`),
      this.#order.result(looked),
      this.#offsets.result(`${looked} of topic-partitions of the manifest, below where it ends`),
      this.#duplicates.result(looked),
    ]
  }

  #doubt(why: string): void {
    this.#offsets.uncheckable(why)
    this.#duplicates.uncheckable(why)
  }

  #withoutColumns(): void {
    this.#order.uncheckable(notListed)
    this.#doubt(notListed)
  }

  #take(path: string, at: string, list: IdentityList): void {
    const row = list.firstOutOfOrder()
    if (row !== undefined) {
      const both = `offset ${list.offset(row)} stands behind ${list.offset(row - 1)}`
      this.#order.fail(`"${path}": ${both} of "${at}"`)
    }
    listAt(this.#all, at).addAll(list)
  }

  #judgeAll(at: string, list: IdentityList): void {
    const rows = list.sorted()
    const highest = rows.at(-1)
    if (highest === undefined) return
    if (this.#offsets.isOpen) this.#judgeEnd(at, list.offset(highest))
    if (!this.#duplicates.isOpen) return
    for (let place = 1; place < rows.length; place++) {
      const [row, before] = [rows[place] ?? 0, rows[place - 1] ?? 0]
      const [offset, index] = [list.offset(row), list.index(row)]
      if (offset !== list.offset(before) || index !== list.index(before)) continue
      this.#duplicates.fail(`"${at}" offset ${offset} index ${index} stands twice`)
    }
  }

  /** @param highest offset of its rows. */
  #judgeEnd(at: string, highest: bigint): void {
    const source = this.#manifest.sources.find(
      ({ topic, partition }) => `${topic}/${partition}` === at,
    )
    if (source === undefined) this.#offsets.fail(`"${at}" has rows, and is none of its sources`)
    else if (highest >= BigInt(source.next)) {
      this.#offsets.fail(`"${at}" has a row of offset ${highest}, it was read up to ${source.next}`)
    }
  }
}

function saysTopic(bytes: Uint8Array): boolean {
  const outcome = readParquetMetadata(bytes)
  if (outcome.kind !== 'read') return false
  return outcome.metadata.columns.some(({ path }) => path === rowIdentity.topic)
}
