/**
 * An S3 server in memory, as strict as the strictest: for unit tests that need answers on demand.
 *
 * - Conditions are honoured, checksums compared, parts counted and matched by etag.
 * - A second Complete is NoSuchUpload, or 412 under a condition; a lost one leaves the upload open.
 * - Lists come in pages of two.
 * - Every answer has an id, as that of most servers; `unsigned` leaves it out.
 * - `fail` says what goes wrong with which request, before or after its effect.
 *
 * Signatures are not looked at: real servers judge them (test/system/s3-lake.test.ts).
 */
import { createHash } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { crc32c } from '@node-rs/crc32'

export interface FakeRequest {
  /** Counted from 1. */
  readonly number: number
  readonly method: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
}

export interface FakeAnswer {
  readonly status: number
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

export interface FakeFailure {
  /** `after`: the effect is there, its answer is not. */
  readonly moment: 'before' | 'after'
  readonly answer: FakeAnswer | 'reset'
}

interface Stored {
  readonly body: Buffer
  readonly metadata: Readonly<Record<string, string>>
  readonly modified: Date
}

interface OpenUpload {
  readonly key: string
  readonly metadata: Readonly<Record<string, string>>
  readonly parts: Map<number, Buffer>
}

const pageSize = 2

export class FakeS3 {
  readonly bucket = 'fake'
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, OpenUpload>()
  readonly requests: FakeRequest[] = []
  fail: (request: FakeRequest) => FakeFailure | undefined = () => undefined
  /** Whether "If-None-Match" is looked at: some servers do not. */
  conditional = true
  /** Answers without a request's id. */
  unsigned = false
  /** Rules of the bucket, as they stand in its answer. */
  lifecycle: string | undefined
  readonly #server: Server
  #uploadCount = 0

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#serve(request, response)
    })
  }

  static async start(): Promise<FakeS3> {
    const fake = new FakeS3()
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    return fake
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming)
    const url = new URL(incoming.url ?? '/', 'http://fake')
    const [, bucket = '', ...parts] = decodeURIComponent(url.pathname).split('/')
    const request: FakeRequest = {
      number: this.requests.length + 1,
      method: incoming.method ?? '',
      key: parts.join('/'),
      query: url.searchParams,
      headers: incoming.headers,
    }
    this.requests.push(request)
    const failure = this.fail(request)
    const effect = (): FakeAnswer =>
      bucket === this.bucket ? this.#answer(request, incoming, body) : noSuchBucket
    const answer = failure?.moment === 'before' ? failure.answer : effect()
    const told = failure?.moment === 'after' ? failure.answer : answer
    if (told === 'reset') response.destroy()
    else {
      if (!this.unsigned && told !== failure?.answer) response.setHeader('x-amz-request-id', 'F1')
      write(response, told, request.method)
    }
  }

  #answer(request: FakeRequest, incoming: IncomingMessage, body: Buffer): FakeAnswer {
    const { method, key, query } = request
    const uploadId = query.get('uploadId')
    if (method === 'GET' && query.has('uploads')) return this.#listUploads(query)
    if (method === 'GET' && query.has('lifecycle')) {
      if (this.lifecycle === undefined) return { status: 404, code: 'NoSuchLifecycleConfiguration' }
      return xml('LifecycleConfiguration', this.lifecycle)
    }
    if (method === 'GET' && key === '') return this.#list(query)
    if (method === 'HEAD' && key === '') return { status: 200 }
    if (method === 'POST' && query.has('uploads')) return this.#open(key, incoming)
    if (method === 'POST' && uploadId !== null)
      return this.#complete(key, uploadId, incoming, body.toString())
    if (method === 'PUT' && uploadId !== null) return this.#part(request, uploadId, incoming, body)
    if (method === 'DELETE' && uploadId !== null)
      return this.uploads.delete(uploadId) ? { status: 204 } : noSuchUpload
    if (method === 'PUT') return this.#put(key, incoming, body)
    if (method === 'DELETE') {
      this.objects.delete(key)
      return { status: 204 }
    }
    return this.#get(key, incoming)
  }

  #put(key: string, incoming: IncomingMessage, body: Buffer): FakeAnswer {
    if (crcOf(body) !== incoming.headers['x-amz-checksum-crc32c']) return badDigest
    if (this.#stands(key, incoming)) return failedCondition
    this.#store(key, body, metadataOf(incoming))
    return { status: 200, headers: { etag: etagOf(body) } }
  }

  #get(key: string, incoming: IncomingMessage): FakeAnswer {
    const found = this.objects.get(key)
    if (found === undefined) return { status: 404, code: 'NoSuchKey' }
    const { body, modified, metadata } = found
    const headers = {
      etag: etagOf(body),
      'last-modified': modified.toUTCString(),
      ...Object.fromEntries(Object.entries(metadata).map(([k, v]) => [`x-amz-meta-${k}`, v])),
    }
    const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range ?? '') ?? []
    if (first === '') return { status: 200, headers, body }
    if (Number(first) >= body.length) return { status: 416, code: 'InvalidRange' }
    return { status: 206, headers, body: body.subarray(Number(first), Number(last) + 1) }
  }

  #list(query: URLSearchParams): FakeAnswer {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? ''
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && key > after)
      .sort()
    const page = keys.slice(0, pageSize)
    const contents = page.map((key) => {
      const { body, modified } = this.objects.get(key) as Stored
      const tags = `<Key>${key}</Key><Size>${body.length}</Size>`
      return `<Contents>${tags}<LastModified>${modified.toISOString()}</LastModified></Contents>`
    })
    const more = keys.length > pageSize
    const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    const flag = `<IsTruncated>${more}</IsTruncated>${next}`
    return xml('ListBucketResult', flag + contents.join(''))
  }

  #listUploads(query: URLSearchParams): FakeAnswer {
    const prefix = query.get('prefix') ?? ''
    // By the exact key only, as MinIO does.
    const found = [...this.uploads].filter(([, { key }]) => key === prefix)
    const uploads = found.map(
      ([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
    )
    return xml('ListMultipartUploadsResult', `<IsTruncated>false</IsTruncated>${uploads.join('')}`)
  }

  #open(key: string, incoming: IncomingMessage): FakeAnswer {
    const id = `upload-${++this.#uploadCount}`
    this.uploads.set(id, { key, metadata: metadataOf(incoming), parts: new Map() })
    return xml('InitiateMultipartUploadResult', `<UploadId>${id}</UploadId>`)
  }

  #part(
    { key, query }: FakeRequest,
    id: string,
    incoming: IncomingMessage,
    body: Buffer,
  ): FakeAnswer {
    const upload = this.uploads.get(id)
    if (upload?.key !== key) return noSuchUpload
    const number = Number(query.get('partNumber'))
    const from = incoming.headers['x-amz-copy-source']
    if (typeof from === 'string') {
      // As S3 reads it: a plus is a space.
      const [, ...path] = decodeURIComponent(from.replaceAll('+', ' ')).split('/')
      const source = this.objects.get(path.join('/'))
      if (source === undefined) return { status: 404, code: 'NoSuchKey' }
      if (incoming.headers['x-amz-copy-source-if-match'] !== etagOf(source.body)) {
        return failedCondition
      }
      const range = String(incoming.headers['x-amz-copy-source-range'])
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
      const copied = source.body.subarray(Number(first), Number(last) + 1)
      upload.parts.set(number, copied)
      return xml('CopyPartResult', `<ETag>${etagOf(copied)}</ETag>`)
    }
    if (crcOf(body) !== incoming.headers['x-amz-checksum-crc32c']) return badDigest
    upload.parts.set(number, body)
    return { status: 200, headers: { etag: etagOf(body) } }
  }

  #complete(key: string, id: string, incoming: IncomingMessage, text: string): FakeAnswer {
    if (this.#stands(key, incoming)) return failedCondition
    const upload = this.uploads.get(id)
    if (upload?.key !== key) return noSuchUpload
    const named = [...text.matchAll(/<Part>.*?<\/Part>/gs)].map(([part]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>(.*?)</.exec(part)?.[1]?.replaceAll('&quot;', '"'),
    }))
    const bodies = named.map(({ number, etag }) => {
      const body = upload.parts.get(number)
      return body !== undefined && etagOf(body) === etag ? body : undefined
    })
    if (bodies.length === 0 || bodies.includes(undefined)) {
      return { status: 400, code: 'InvalidPart' }
    }
    const whole = Buffer.concat(bodies as Buffer[])
    const crc = incoming.headers['x-amz-checksum-crc32c']
    if (crc !== undefined && crcOf(whole) !== crc) return badDigest
    this.#store(key, whole, upload.metadata)
    this.uploads.delete(id)
    return xml('CompleteMultipartUploadResult', `<ETag>${etagOf(whole)}</ETag>`)
  }

  #stands(key: string, incoming: IncomingMessage): boolean {
    return this.conditional && incoming.headers['if-none-match'] === '*' && this.objects.has(key)
  }

  #store(key: string, body: Buffer, metadata: Readonly<Record<string, string>>): void {
    this.objects.set(key, { body, metadata, modified: new Date() })
  }
}

const noSuchBucket: FakeAnswer = { status: 404, code: 'NoSuchBucket' }
const noSuchUpload: FakeAnswer = { status: 404, code: 'NoSuchUpload' }
const failedCondition: FakeAnswer = { status: 412, code: 'PreconditionFailed' }
const badDigest: FakeAnswer = { status: 400, code: 'BadDigest' }

const etagOf = (body: Uint8Array): string => `"${createHash('md5').update(body).digest('hex')}"`

function crcOf(body: Uint8Array): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32c(body))
  return bytes.toString('base64')
}

const metadataOf = ({ headers }: IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), String(value)]] : [],
    ),
  )

const xml = (root: string, inside: string): FakeAnswer => ({
  status: 200,
  body: `<?xml version="1.0"?><${root}>${inside}</${root}>`,
})

function write(response: ServerResponse, answer: FakeAnswer, method: string): void {
  const { status, code, headers = {} } = answer
  const body =
    code === undefined
      ? Buffer.from(answer.body ?? '')
      : Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message/></Error>`)
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(method === 'HEAD' ? undefined : body)
}
