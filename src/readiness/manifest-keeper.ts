import type { FoldedPartition, FoldedStream } from '../model/fold-state.ts'
import { commitIdParts } from '../model/ids.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import { encodeManifest, manifestPathOf } from '../protocol/readiness-manifest.ts'

/** How long the daemon that announced a partition is left to write its manifest. */
const othersGraceMs = 30_000

const looksAtOnceMax = 16

/**
 * Keeps the manifest files on the lake complete: each announcement of the log has one.
 *
 * Whoever announces writes at once. A daemon that dies in between leaves a gap that any other one
 * fills: a manifest is made from the log alone, so it has the same bytes from everybody.
 */
export class ManifestKeeper {
  readonly #lake: Lake
  readonly #log: CommitLog
  /** Announced partitions whose manifest is known to stand. */
  readonly #standing = new WeakSet<FoldedPartition>()
  /** States of streams in which every manifest is known to stand. */
  readonly #complete = new WeakSet<FoldedStream>()

  constructor(lake: Lake, log: CommitLog) {
    this.#lake = lake
    this.#log = log
  }

  /** Writes what is missing: of this process's announcements at once, of others' after a while. */
  async keep(): Promise<void> {
    for (const folded of this.#log.state.streams.values()) {
      if (this.#complete.has(folded)) continue
      if (await this.#keepStream(folded)) this.#complete.add(folded)
    }
  }

  /** Writes the manifest of an announcement that this process made. */
  async write(stream: string, partition: FoldedPartition): Promise<void> {
    const { manifest } = partition
    if (manifest === undefined) return
    await this.#lake.put(manifestPathOf({ ...manifest, stream }), encodeManifest(manifest))
    this.#standing.add(partition)
  }

  /** @returns true when every manifest of the stream stands. */
  async #keepStream(folded: FoldedStream): Promise<boolean> {
    let complete = true
    const due: Promise<void>[] = []
    for (const partition of folded.partitions.values()) {
      const { manifest } = partition
      if (manifest === undefined || this.#standing.has(partition)) continue
      if (this.#isLeftToItsAuthor(partition, manifest)) complete = false
      else due.push(this.writeIfAbsent(partition))
      if (due.length === looksAtOnceMax) await Promise.all(due.splice(0))
    }
    await Promise.all(due)
    return complete
  }

  #isLeftToItsAuthor({ version }: FoldedPartition, { decidedAt }: ReadyManifest): boolean {
    if (commitIdParts(version).writer === this.#log.writerId) return false
    return this.#log.lakeNowMs() < Date.parse(decidedAt) + othersGraceMs
  }

  /** Writes the manifest of the newest announcement, unless it stands. */
  async writeIfAbsent(partition: FoldedPartition): Promise<void> {
    const { manifest } = partition
    if (manifest === undefined || this.#standing.has(partition)) return
    const path = manifestPathOf(manifest)
    if ((await this.#lake.stat(path)) === undefined) {
      await this.#lake.put(path, encodeManifest(manifest))
    }
    this.#standing.add(partition)
  }
}
