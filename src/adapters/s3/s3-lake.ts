/**
 * A lake in a bucket: "s3://bucket/prefix".
 *
 *     _lakeward/growth/_staging/9f3a…-41.json     the journal: keys of the files, before uploads
 *     t/_staging/growth/9f3a…-41-0.staged         the ticket: upload, parts, checksums
 *     t/dt=2026-11-20/hour=13/growth-9f3a…-41-0.parquet      completed: published
 *
 * Invariants:
 * - put-if-absent is PUT with `If-None-Match: *`: of racing puts exactly one wins;
 * - a staged file is an upload of all its parts at its final key, which nobody can see; publishing
 *   completes it, once, and never over another object;
 * - an upload is opened only at a key that a journal names, and only by who staged the file.
 *
 * Source: docs/protocol.md; docs/adr on lakes on S3.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import { assert } from '../../base/assert.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import { Fault } from '../../base/fault.ts'
import { durationMs } from '../../base/time.ts'
import type {
  Lake,
  LakeObject,
  PublishOutcome,
  PublishRequest,
  PutOutcome,
  StagedPlace,
  StageRequest,
  StorageRules,
} from '../../ports/lake.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { judgeStanding } from '../../protocol/standing-file.ts'
import { readBucketRules } from './bucket-rules.ts'
import { ConditionalWrites } from './conditional-writes.ts'
import { S3Bucket, type S3Encryption } from './s3-bucket.ts'
import { S3Requests, type S3RequestsOptions } from './s3-requests.ts'
import { S3Uploads } from './s3-uploads.ts'
import { encodeTicket, parseTicket, type UploadTicket } from './upload-ticket.ts'

/** Tickets of our own that are not asked for again; the oldest is forgotten first. */
const ticketsKeptMax = 10_000
/** Looks at a file that two publishers work on. */
const looksMax = 3
/** Smaller objects are moved through this process: two requests instead of three. */
const movedWholeBytesMax = 5 * 1_048_576
const movedFrom = 'lakeward-moved-from'

const stagedShape = /\/_staging\/./

export interface S3LakeOptions extends Omit<S3RequestsOptions, 'metrics'> {
  readonly telemetry: Telemetry
  /** As configured. */
  readonly url: string
  readonly prefix: string
  readonly client: S3Client
  readonly encryption: S3Encryption
}

export class S3Lake implements Lake {
  readonly url: string
  /** A connection and a request, as long as either may take (open-s3-lake.ts). */
  readonly lingersMs = durationMs(65_000)
  readonly #bucket: S3Bucket
  readonly #uploads: S3Uploads
  readonly #conditional: ConditionalWrites
  readonly #tickets = new BoundedMap<string, UploadTicket>(ticketsKeptMax)
  /** Staged paths of an attempt that did not come to its end: it may have opened an upload. */
  readonly #begun = new Set<string>()

  /** Nothing is asked before the first call. */
  constructor(options: S3LakeOptions) {
    this.url = options.url.replace(/\/$/, '')
    const { random, telemetry } = options
    const requests = new S3Requests({ ...options, metrics: telemetry.metrics })
    this.#bucket = new S3Bucket({ ...options, requests })
    this.#conditional = new ConditionalWrites(this.#bucket, { random, log: telemetry.log })
    this.#uploads = new S3Uploads(this.#bucket)
  }

  /** @throws {Fault} `LAKE_NOT_CONDITIONAL`; another of the lake: it could not be found out. */
  requireConditionalWrites(): Promise<void> {
    return this.#conditional.require()
  }

  rules(folders: readonly string[], signal: AbortSignal): Promise<StorageRules> {
    return readBucketRules(this.#bucket, folders, signal)
  }

  async putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome> {
    await this.#conditional.require()
    return this.#bucket.putIfAbsent(path, body)
  }

  put(path: string, body: Uint8Array, signal?: AbortSignal): Promise<LakeObject> {
    return this.#bucket.put(path, body, signal)
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#bucket.read(path)
  }

  async readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined> {
    assert(0 <= first && first <= next, `range [${first}, ${next}) is not negative`)
    const object = first === next ? await this.stat(path) : undefined
    if (first === next) return object && new Uint8Array(0)
    return this.#bucket.readRange(path, first, next)
  }

  stat(path: string): Promise<LakeObject | undefined> {
    return this.#bucket.stat(path)
  }

  list(folder: string): Promise<readonly LakeObject[]> {
    return this.#bucket.list(folder)
  }

  async stage({ stagedPath, path, chunks }: StageRequest): Promise<string> {
    assert(stagedShape.test(stagedPath), `staged path "${stagedPath}" lies in a staging folder`)
    assert(!stagedPath.endsWith('.parquet'), `"${stagedPath}" does not look like a table's file`)
    const before = this.#tickets.get(stagedPath)
    if (before !== undefined || this.#begun.has(stagedPath)) await this.#uploads.abortAll(path)
    this.#begun.add(stagedPath)
    const ticket = await this.#uploads.upload(path, chunks)
    await this.#bucket.write(stagedPath, encodeTicket(ticket))
    this.#begun.delete(stagedPath)
    this.#tickets.set(stagedPath, ticket)
    return stagedPath
  }

  async publish(request: PublishRequest): Promise<PublishOutcome> {
    for (let look = 1; ; look++) {
      const ticket = await this.#ticketAt(request)
      if (ticket === undefined) return this.#standing(request, { kind: 'missing' })
      if (ticket.sizeBytes !== request.sizeBytes) {
        return this.#standing(request, { kind: 'mismatch', foundBytes: ticket.sizeBytes })
      }
      const outcome = await this.#uploads.complete(ticket)
      if (outcome === 'completed') {
        await this.#forget(request.stagedPath)
        return { kind: 'published' }
      }
      const standing = await this.#standing(request, { kind: 'missing' })
      if (standing.kind === 'already-published') {
        // The condition refused it: the upload is open still.
        if (outcome === 'exists') await this.#uploads.abort(ticket.path, ticket.uploadId)
        await this.#forget(request.stagedPath)
      }
      if (standing.kind !== 'missing' || look === looksMax) return standing
      // Another process may have published it, and somebody have moved it since.
      this.#tickets.delete(request.stagedPath)
    }
  }

  async discard({ stagedPath, path }: StagedPlace): Promise<void> {
    await this.#uploads.abortAll(path)
    this.#begun.delete(stagedPath)
    await this.#forget(stagedPath)
  }

  async move(from: string, to: string): Promise<boolean> {
    const source = await this.#bucket.look(from)
    if (source === undefined) return false
    const { etag } = source
    const { sizeBytes } = source.object
    const mark = Buffer.from(`${from} ${etag}`).toString('base64url')
    const copied =
      sizeBytes <= movedWholeBytesMax
        ? await this.#copyWhole(from, to, mark)
        : (await this.#uploads.copy({ path: from, etag, sizeBytes }, to, { [movedFrom]: mark })) ===
          'completed'
    // A move that died between its halves left the copy with our mark.
    if (!copied && (await this.#bucket.look(to))?.said[movedFrom] !== mark) {
      const reason = `another object stands at "${to}"`
      throw new Fault('LAKE_REFUSED', { operation: 'move', path: from, reason })
    }
    await this.#bucket.remove(from)
    return true
  }

  async remove(path: string): Promise<void> {
    if (stagedShape.test(path) && path.endsWith('.staged')) {
      const ticket = await this.#ticketAt({ stagedPath: path })
      if (ticket !== undefined) await this.#uploads.abort(ticket.path, ticket.uploadId)
    }
    await this.#forget(path)
  }

  async #copyWhole(from: string, to: string, mark: string): Promise<boolean> {
    const body = await this.#bucket.read(from)
    if (body === undefined) return false
    const outcome = await this.#bucket.putIfAbsent(to, body, { [movedFrom]: mark })
    return outcome.kind === 'created'
  }

  async #ticketAt({
    stagedPath,
    path,
  }: Pick<StagedPlace, 'stagedPath'> & Partial<StagedPlace>): Promise<UploadTicket | undefined> {
    const own = this.#tickets.get(stagedPath)
    const bytes = own === undefined ? await this.#bucket.read(stagedPath) : undefined
    const ticket = own ?? (bytes && parseTicket(bytes, stagedPath))
    return path === undefined || ticket?.path === path ? ticket : undefined
  }

  async #standing(
    { path, sizeBytes }: PublishRequest,
    otherwise: PublishOutcome,
  ): Promise<PublishOutcome> {
    return judgeStanding(await this.#bucket.stat(path), sizeBytes, otherwise)
  }

  async #forget(path: string): Promise<void> {
    this.#tickets.delete(path)
    await this.#bucket.remove(path)
  }
}
