/**
 * Objects of one bucket below a prefix: put, read, looked at, listed, removed.
 *
 * Invariants:
 * - a put carries the CRC32C of its bytes, which the store checks before it keeps them;
 * - a 412 on a repeated put-if-absent is looked at: it may be our own first attempt;
 * - an absent bucket is a fault, not an absent object: HEAD does not tell the two apart;
 * - what does not tell what S3 tells is no answer: a page of a proxy is no success, nor absence.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, If-None-Match.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { crc32c } from '@node-rs/crc32'
import { assert } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import { unixMs } from '../../base/time.ts'
import type { LakeObject, PutOutcome } from '../../ports/lake.ts'
import { type S3Call, type S3Where, told } from './s3-failure.ts'
import type { S3Answer, S3Request, S3Requests } from './s3-requests.ts'

/** Rounds of a put that is answered "exists" while nothing is there to be read. */
const looksMax = 5

/** How objects are encrypted by the store. */
export interface S3Encryption {
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms'
  readonly SSEKMSKeyId?: string
}

export interface S3BucketOptions {
  readonly client: S3Client
  readonly requests: S3Requests
  readonly where: S3Where
  readonly prefix: string
  readonly encryption: S3Encryption
}

/** Four bytes of a checksum as S3 writes them. @param value unsigned, 32 bits. */
export function crcText(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

export class S3Bucket {
  readonly options: S3BucketOptions
  /** Something was answered from inside the bucket. */
  #stands = false

  constructor(options: S3BucketOptions) {
    this.options = options
  }

  /** Bucket and key of a path. @throws {InvariantError} the path leaves the lake. */
  at(path: string): { readonly Bucket: string; readonly Key: string } {
    const parts = path.split('/')
    const plain = parts.every((part) => part !== '' && part !== '.' && part !== '..')
    assert(plain && !path.includes('\0'), `lake path "${path}" stays below the lake`)
    const { where, prefix } = this.options
    return { Bucket: where.bucket, Key: prefix === '' ? path : `${prefix}/${path}` }
  }

  async putIfAbsent(
    path: string,
    body: Uint8Array,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<PutOutcome> {
    let isOursPossibly = false
    for (let look = 1; look <= looksMax; look++) {
      const answer = await this.#putOnce(path, body, { IfNoneMatch: '*', Metadata: metadata })
      if (answer.kind === 'answered') return { kind: 'created' }
      isOursPossibly ||= answer.repeated
      if (answer.kind === 'exists' && !isOursPossibly) return { kind: 'already-exists' }
      const standing = await this.read(path)
      // What stood in the way is gone, or not to be seen yet: the question is still open.
      isOursPossibly = true
      if (standing === undefined) continue
      return { kind: Buffer.compare(standing, body) === 0 ? 'created' : 'already-exists' }
    }
    const reason = `it is there and is not there, ${looksMax} times`
    throw new Fault('LAKE_UNAVAILABLE', { operation: 'put', path, reason })
  }

  async put(path: string, body: Uint8Array, signal?: AbortSignal): Promise<LakeObject> {
    await this.write(path, body, signal)
    const object = await this.stat(path)
    if (object !== undefined) return object
    const reason = 'it was put and is not there to be looked at'
    throw new Fault('LAKE_UNAVAILABLE', { operation: 'put', path, reason })
  }

  #putOnce(
    path: string,
    body: Uint8Array,
    more: {
      readonly IfNoneMatch?: string
      readonly Metadata?: Record<string, string> | undefined
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<S3Answer<unknown>> {
    const { client, encryption } = this.options
    const { Metadata, signal, ...condition } = more
    const input = {
      ...this.at(path),
      ...encryption,
      ...condition,
      ...(Metadata === undefined ? {} : { Metadata }),
      Body: body,
      ContentLength: body.byteLength,
      ChecksumCRC32C: crcText(crc32c(body)),
    }
    return this.#ask({ operation: 'put', path, signal }, 'write', async () =>
      told((await client.send(new PutObjectCommand(input))).ETag, 'etag'),
    )
  }

  /** Puts it whole, over what stood there, without asking when it was written. */
  async write(path: string, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    const answer = await this.#putOnce(path, body, { signal })
    assert(answer.kind === 'answered', 'a put without a condition has one answer')
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#read(path, {})
  }

  /** Bytes `[first, next)`, not none, as far as there are any. */
  readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined> {
    return this.#read(path, { Range: `bytes=${first}-${next - 1}` })
  }

  async #read(path: string, range: { readonly Range?: string }): Promise<Uint8Array | undefined> {
    const { client } = this.options
    const input = { ...this.at(path), ...range }
    const answer = await this.#ask({ operation: 'read', path }, 'read', async () => {
      const { Body, ETag } = await client.send(new GetObjectCommand(input))
      told(ETag, 'etag')
      // A body that breaks off is read again from its start.
      return (await Body?.transformToByteArray()) ?? new Uint8Array(0)
    })
    if (answer.kind === 'beyond') return new Uint8Array(0)
    return answer.kind === 'answered' ? answer.value : undefined
  }

  async stat(path: string): Promise<LakeObject | undefined> {
    return (await this.look(path))?.object
  }

  /** The object with what was said when it was put. */
  async look(path: string): Promise<S3Look | undefined> {
    const { client } = this.options
    const input = this.at(path)
    const call = { operation: 'stat', path, asHead: true } as const
    const answer = await this.#ask(call, 'read', async () => {
      const { ContentLength = 0, ...more } = await client.send(new HeadObjectCommand(input))
      const modifiedMs = unixMs(told(more.LastModified, 'time').getTime())
      const object = { path, sizeBytes: ContentLength, modifiedMs }
      return { object, etag: told(more.ETag, 'etag'), said: more.Metadata ?? {} }
    })
    if (answer.kind === 'answered') return answer.value
    return answer.kind === 'unnamed' ? this.#absentByBody(path) : this.#absent(path)
  }

  async list(folder: string): Promise<readonly LakeObject[]> {
    const { client, requests, where } = this.options
    const { Bucket, Key } = this.at(folder)
    const objects: LakeObject[] = []
    let token: string | undefined
    do {
      const page: ListObjectsV2CommandOutput = await requests.value({
        operation: 'list',
        path: folder,
        priced: 'write',
        send: async () => {
          const more = token === undefined ? {} : { ContinuationToken: token }
          const asked = new ListObjectsV2Command({ Bucket, Prefix: `${Key}/`, ...more })
          const answer = await client.send(asked)
          told(answer.IsTruncated, 'end')
          return answer
        },
      })
      for (const object of page.Contents ?? []) objects.push(...this.#listed(object))
      assert(page.NextContinuationToken !== token || token === undefined, 'a list goes on')
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (token !== undefined)
    this.#stands = where.bucket === Bucket
    return objects.sort((one, other) => (one.path < other.path ? -1 : 1))
  }

  async remove(path: string): Promise<void> {
    const { client } = this.options
    const input = this.at(path)
    await this.#ask({ operation: 'remove', path }, 'free', () =>
      client.send(new DeleteObjectCommand(input)),
    )
  }

  /** Folders that a console or a gateway made have keys that end in "/": no objects of ours. */
  #listed(found: {
    readonly Key?: string | undefined
    readonly Size?: number | undefined
    readonly LastModified?: Date | undefined
  }): readonly LakeObject[] {
    const { Key = '', Size = 0, LastModified } = found
    if (Key.endsWith('/') || LastModified === undefined) return []
    const { prefix } = this.options
    const path = prefix === '' ? Key : Key.slice(prefix.length + 1)
    return [{ path, sizeBytes: Size, modifiedMs: unixMs(LastModified.getTime()) }]
  }

  /** A page of a proxy has status 404 too; the body of an answer to GET tells the two apart. */
  async #absentByBody(path: string): Promise<undefined> {
    if ((await this.readRange(path, 0, 1)) === undefined) return undefined
    const reason = 'it is there and is not there'
    throw new Fault('LAKE_UNAVAILABLE', { operation: 'stat', path, reason })
  }

  async #absent(path: string): Promise<undefined> {
    if (this.#stands) return undefined
    const { client, where } = this.options
    const call = { operation: 'stat', path, asHead: true } as const
    const answer = await this.#ask(call, 'read', () =>
      client.send(new HeadBucketCommand({ Bucket: where.bucket })),
    )
    if (answer.kind === 'answered') return undefined
    const { bucket, endpoint } = where
    throw new Fault('LAKE_BUCKET_MISSING', { bucket, endpoint })
  }

  async #ask<T>(
    call: S3Call & Pick<S3Request<T>, 'signal'>,
    priced: 'write' | 'read' | 'free',
    send: () => Promise<T>,
  ): Promise<S3Answer<T>> {
    const answer = await this.options.requests.ask({ ...call, priced, send })
    if (answer.kind === 'answered') this.#stands = true
    return answer
  }
}

export interface S3Look {
  readonly object: LakeObject
  readonly etag: string
  /** User metadata: keys in lower case. */
  readonly said: Readonly<Record<string, string>>
}
