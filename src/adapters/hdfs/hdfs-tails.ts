/**
 * Files that grow by staged tails, joined by CONCAT.
 *
 *     t/dt=2026-11-20/hour=13/.tail-growth-9f3a…-42-0    beside its file: CONCAT wants one folder
 *     POST …/growth-9f3a…-41-0.parquet?op=CONCAT&sources=/warehouse/t/…/.tail-growth-9f3a…-42-0
 *
 * Invariants:
 * - CONCAT is one transaction of the namenode, and uses its source up: no tail is joined twice;
 * - a tail stands where it was made by an attempt that was answered, under a name that no other
 *   attempt has; through HttpFS or a proxy, which may send what it got once more, its name is given
 *   to what is whole, by RENAME, which uses its source up as well. So a sender that is late does
 *   not make a tail anew that was joined;
 * - CONCAT asks for the tail alone, so a file's length is known before: this process gave it that
 *   length, or looks at it. A length that the log knows moves on by the one tail that follows it.
 *
 * A tail costs three calls: CREATE, GETFILESTATUS, CONCAT; one more to look at a file that another
 * process has published, and RENAME where somebody stands between.
 * Source: docs/adr/0026-files-that-continue.md; docs/hdfs.md.
 */
import type { BoundedMap } from '../../base/bounded-map.ts'
import { isFault } from '../../base/fault.ts'
import type { CanJoin, JoinRequest, LakeTails, PublishOutcome } from '../../ports/lake.ts'
import type { HdfsFiles } from './hdfs-files.ts'

const operation = 'join'
const triedName = 'can-join'

/** Bytes by path of what this process staged and published; what lacks is looked at. */
export interface KnownSizes {
  readonly staged: BoundedMap<string, number>
  readonly published: BoundedMap<string, number>
}

export class HdfsTails implements LakeTails {
  readonly #files: HdfsFiles
  readonly #known: KnownSizes

  constructor(files: HdfsFiles, known: KnownSizes) {
    this.#files = files
    this.#known = known
  }

  async canJoinIn(folder: string): Promise<CanJoin> {
    const beside = `${folder}/${triedName}`
    const one = await this.#files.create(beside, [new Uint8Array(1)], { operation })
    const other = await this.#files.create(beside, [new Uint8Array(1)], { operation })
    const left = [one, other]
    try {
      const asked = { operation, baseBytes: one.sizeBytes }
      const answer = await this.#files.concat(one.path, other.path, asked)
      if (answer.kind === 'answered' && answer.value) {
        // The tail is gone: a request less, for each table at each start.
        left.pop()
        return { kind: 'joins' }
      }
      const after = await this.#files.look(one.path, operation)
      // The answer was lost, and the tail with it.
      if (after?.sizeBytes === 2) return { kind: 'joins' }
      return { kind: 'refuses', reason: `HDFS answers "${answer.kind}"` }
    } catch (error) {
      if (!isFault(error, 'LAKE_REFUSED')) throw error
      return { kind: 'refuses', reason: error.message }
    } finally {
      await Promise.all(left.map(({ path }) => this.#files.removeQuietly(path, operation)))
    }
  }

  async join(request: JoinRequest): Promise<PublishOutcome> {
    const { staged, published } = this.#known
    const { path } = request
    const isBefore = published.get(path) === request.baseBytes
    published.delete(path)
    const outcome = await this.#join(request, isBefore)
    if (outcome.kind === 'published' || outcome.kind === 'already-published') {
      published.set(path, request.sizeBytes)
      staged.delete(request.stagedPath)
    }
    return outcome
  }

  /** @param isBefore the file is known to have been `baseBytes` long. */
  async #join(
    { stagedPath, path, baseBytes, sizeBytes }: JoinRequest,
    isBefore: boolean,
  ): Promise<PublishOutcome> {
    const before = isBefore ? baseBytes : await this.#lengthOf(path)
    if (before === undefined) return { kind: 'missing' }
    if (before === sizeBytes) return { kind: 'already-published' }
    if (before !== baseBytes) return { kind: 'mismatch', foundBytes: before }
    const tailBytes = this.#known.staged.get(stagedPath) ?? (await this.#lengthOf(stagedPath))
    if (tailBytes !== undefined && tailBytes !== sizeBytes - baseBytes) {
      return { kind: 'mismatch', foundBytes: tailBytes }
    }
    if (tailBytes !== undefined) {
      const answer = await this.#files.concat(path, stagedPath, { operation, baseBytes })
      if (answer.kind === 'answered' && answer.value) return { kind: 'published' }
    }
    // Another may have joined it between our looks, or we ourselves: the answer was lost.
    const after = await this.#lengthOf(path)
    if (after === sizeBytes) return { kind: 'already-published' }
    if (after === undefined || after === baseBytes) return { kind: 'missing' }
    return { kind: 'mismatch', foundBytes: after }
  }

  async #lengthOf(path: string): Promise<number | undefined> {
    const found = await this.#files.look(path, operation)
    return found?.isFile === true ? found.sizeBytes : undefined
  }
}
