/**
 * Multipart uploads: files that stand nowhere until they are completed.
 *
 * - An upload is completed with `If-None-Match: *`: it never replaces what stands.
 * - An upload is found again by its exact key only: some servers list none by folder, and none
 *   after a restart otherwise.
 * - What was completed or lost needs no abort but where the condition refused it: there the upload
 *   stays open, and costs money.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
 */
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { assert } from '../../base/assert.ts'
import { type PartBody, partBodies } from './part-bodies.ts'
import { crcText, type S3Bucket } from './s3-bucket.ts'
import { told } from './s3-failure.ts'
import type { UploadPart, UploadTicket } from './upload-ticket.ts'

export type CompleteOutcome =
  | 'completed'
  /** Something stands there: our own file, perhaps. The upload stays open. */
  | 'exists'
  /** Completed before, or aborted. */
  | 'gone'

export class S3Uploads {
  readonly #bucket: S3Bucket

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket
  }

  /** Opens an upload and sends all of its parts. */
  async upload(path: string, chunks: readonly Uint8Array[]): Promise<UploadTicket> {
    const { client, requests } = this.#bucket.options
    const uploadId = await this.open(path, { ChecksumType: 'FULL_OBJECT' })
    const parts: UploadPart[] = []
    let [sizeBytes, fileCrc] = [0, 0]
    for (const body of partBodies(chunks)) {
      const crc = crcText(body.crc)
      const input = {
        ...this.#bucket.at(path),
        UploadId: uploadId,
        PartNumber: parts.length + 1,
        ContentLength: body.sizeBytes,
        ChecksumCRC32C: crc,
      }
      const etag = await requests.value({
        operation: 'stage',
        path,
        priced: 'write',
        send: async () => {
          // A stream is read once: each attempt has its own, over the same bytes.
          const command = new UploadPartCommand({ ...input, Body: streamOf(body) })
          const requestTimeout = uploadTimeoutMs(body.sizeBytes)
          return told((await client.send(command, { requestTimeout })).ETag, 'etag')
        },
      })
      parts.push({ etag, crc32c: crc })
      sizeBytes += body.sizeBytes
      fileCrc = body.fileCrc
    }
    return { path, uploadId, sizeBytes, crc32c: crcText(fileCrc), parts }
  }

  /**
   * @param more what else is said of the object that it becomes.
   * @returns the id of the only upload of this key that is open, where nobody else opens one.
   */
  async open(
    path: string,
    more: { ChecksumType?: 'FULL_OBJECT'; Metadata?: Record<string, string> },
  ): Promise<string> {
    const { client, requests, encryption } = this.#bucket.options
    const checked = more.ChecksumType === undefined ? {} : { ChecksumAlgorithm: 'CRC32C' as const }
    const input = { ...this.#bucket.at(path), ...encryption, ...checked, ...more }
    const answer = await requests.ask({
      operation: 'stage',
      path,
      priced: 'write',
      send: async () =>
        told((await client.send(new CreateMultipartUploadCommand(input))).UploadId, 'upload'),
    })
    assert(answer.kind === 'answered', 'an upload can be opened beside anything')
    const uploadId = answer.value
    // An attempt whose answer was lost has opened another one.
    if (answer.repeated) await this.abortAll(path, uploadId)
    return uploadId
  }

  /** Makes the file stand, if nothing stands there. */
  async complete(ticket: UploadTicket): Promise<CompleteOutcome> {
    const { client, requests } = this.#bucket.options
    const parts = ticket.parts.map(({ etag, crc32c: crc }, index) => ({
      PartNumber: index + 1,
      ETag: etag,
      ChecksumCRC32C: crc,
    }))
    const input = {
      ...this.#bucket.at(ticket.path),
      UploadId: ticket.uploadId,
      IfNoneMatch: '*',
      ChecksumType: 'FULL_OBJECT' as const,
      // Over no bytes at all MinIO finds another checksum than it was given for the part.
      ...(ticket.sizeBytes === 0 ? {} : { ChecksumCRC32C: ticket.crc32c }),
      MultipartUpload: { Parts: parts },
    }
    const answer = await requests.ask({
      operation: 'publish',
      path: ticket.path,
      priced: 'write',
      send: async () =>
        told((await client.send(new CompleteMultipartUploadCommand(input))).ETag, 'etag'),
    })
    if (answer.kind === 'answered') return 'completed'
    return answer.kind === 'exists' ? 'exists' : 'gone'
  }

  /** Does nothing when there is no such upload. */
  async abort(path: string, uploadId: string): Promise<void> {
    const { client, requests } = this.#bucket.options
    const input = { ...this.#bucket.at(path), UploadId: uploadId }
    await requests.ask({
      operation: 'remove',
      path,
      priced: 'free',
      send: () => client.send(new AbortMultipartUploadCommand(input)),
    })
  }

  /** Aborts the uploads of a key that nobody else uses. */
  async abortAll(path: string, butId?: string): Promise<void> {
    const open = await this.#openAt(path)
    for (const uploadId of open) if (uploadId !== butId) await this.abort(path, uploadId)
  }

  /** Copies an object inside the store into an upload, by ranges, and completes it. */
  async copy(
    from: { readonly path: string; readonly etag: string; readonly sizeBytes: number },
    path: string,
    metadata: Record<string, string>,
  ): Promise<CompleteOutcome> {
    const { client, requests } = this.#bucket.options
    const source = this.#bucket.at(from.path)
    const uploadId = await this.open(path, { Metadata: metadata })
    const target = { ...this.#bucket.at(path), UploadId: uploadId }
    const parts: { PartNumber: number; ETag: string }[] = []
    for (let first = 0; first < from.sizeBytes; first += copyBytes) {
      const last = Math.min(first + copyBytes, from.sizeBytes) - 1
      const input = {
        ...target,
        PartNumber: parts.length + 1,
        CopySource: [source.Bucket, ...source.Key.split('/')].map(encodeURIComponent).join('/'),
        CopySourceIfMatch: from.etag,
        CopySourceRange: `bytes=${first}-${last}`,
      }
      const ETag = await requests.value({
        operation: 'move',
        path: from.path,
        priced: 'write',
        send: async () =>
          told((await client.send(new UploadPartCopyCommand(input))).CopyPartResult?.ETag, 'etag'),
      })
      parts.push({ PartNumber: parts.length + 1, ETag })
    }
    const input = { ...target, IfNoneMatch: '*', MultipartUpload: { Parts: parts } }
    const answer = await requests.ask({
      operation: 'move',
      path: from.path,
      priced: 'write',
      send: async () =>
        told((await client.send(new CompleteMultipartUploadCommand(input))).ETag, 'etag'),
    })
    if (answer.kind === 'answered') return 'completed'
    await this.abort(path, uploadId)
    return answer.kind === 'exists' ? 'exists' : 'gone'
  }

  async #openAt(path: string): Promise<readonly string[]> {
    const { client, requests } = this.#bucket.options
    const { Bucket, Key } = this.#bucket.at(path)
    const found: string[] = []
    let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
    while (after !== undefined) {
      const markers: { KeyMarker?: string; UploadIdMarker?: string } = after
      const page: ListMultipartUploadsCommandOutput = await requests.value({
        operation: 'list',
        path,
        priced: 'write',
        send: async () => {
          const asked = new ListMultipartUploadsCommand({ Bucket, Prefix: Key, ...markers })
          const answer = await client.send(asked)
          told(answer.IsTruncated, 'end')
          return answer
        },
      })
      for (const upload of page.Uploads ?? []) {
        if (upload.Key === Key && upload.UploadId !== undefined) found.push(upload.UploadId)
      }
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page
      const isMore = IsTruncated === true && NextKeyMarker === Key
      after = isMore
        ? { KeyMarker: Key, ...(NextUploadIdMarker && { UploadIdMarker: NextUploadIdMarker }) }
        : undefined
    }
    return found
  }
}

const streamOf = ({ pieces, sizeBytes }: PartBody): Readable | Uint8Array =>
  sizeBytes === 0 ? new Uint8Array(0) : Readable.from(pieces, { objectMode: false })

/** A line of a MiB a second is slow; what takes longer was broken off. */
const uploadTimeoutMs = (sizeBytes: number): number =>
  uploadMs.least + (sizeBytes / 1_048_576) * uploadMs.perMib

const uploadMs = { least: 60_000, perMib: 1_000 }

/** S3 copies at most 5 GiB as one part; smaller ones are answered sooner. */
const copyBytes = 512 * 1_048_576
