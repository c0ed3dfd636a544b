/**
 * A namenode and a datanode in memory that answer WebHDFS as Hadoop 3.4.1 was seen to: for unit
 * tests that need answers on demand.
 *
 * - A CREATE or OPEN goes in two steps, the second to another port; the first checks nothing.
 * - A CREATE that is broken off leaves a file that looks whole.
 * - The last word of a refusal is its exception; the status says little.
 * - `fail` says what goes wrong with which request, before or after its effect.
 * - `httpfs`: as HttpFS answers, which has RENAME without options and says 500 to most things.
 *
 * Real servers judge it: the lake contract runs on both (test/system/hdfs-lake.test.ts).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface FakeHdfsRequest {
  /** Counted from 1. */
  readonly number: number
  /** "RENAME"; the second step of a CREATE is "CREATE-2". */
  readonly call: string
  readonly path: string
  readonly query: URLSearchParams
  /** Bytes that came with it. */
  readonly sizeBytes: number
}

export interface FakeHdfsAnswer {
  readonly status: number
  readonly body?: unknown
  readonly bytes?: Uint8Array
}

export interface FakeHdfsFailure {
  /**
   * `after`: the effect is there, its answer is not. `half`: of a CREATE, half of the bytes.
   * `late`: the effect comes with `settle`, when nobody thinks of the request any more.
   */
  readonly moment: 'before' | 'after' | 'half' | 'late'
  readonly answer: FakeHdfsAnswer | 'reset' | 'silence'
}

interface Entry {
  /** Undefined for a folder. */
  readonly bytes: Buffer | undefined
  readonly modifiedMs: number
  readonly id: number
}

/** @param exception "SafeModeException". */
export const remoteException = (
  exception: string,
  message = 'of the fake\n\tat org.apache.hadoop.Stack',
  status = 403,
): FakeHdfsAnswer => ({ status, body: { RemoteException: { exception, message } } })

const firstId = 16_385

export class FakeHdfs {
  /** By path from the root: "/lake/x". */
  readonly entries = new Map<string, Entry>([['', { bytes: undefined, modifiedMs: 1, id: 1 }]])
  readonly requests: FakeHdfsRequest[] = []
  fail: (request: FakeHdfsRequest) => FakeHdfsFailure | undefined = () => undefined
  /** Called with what ends a request that is not answered. */
  onSilence: (end: () => void) => void = () => {}
  /** Folders with erasure coding take no CONCAT. */
  concats = true
  httpfs = false
  /** What is given to whom asks for a token; none where it is undefined. */
  token: string | undefined
  /** The host that the datanode gives itself. */
  datanode = '127.0.0.1'
  /** What a request must bring to be served: "delegation=x". */
  wants: string | undefined
  readonly #servers: readonly [Server, Server]
  #nextId = firstId
  #late: (() => void)[] = []

  private constructor() {
    const serve = (step: 1 | 2) => (incoming: IncomingMessage, response: ServerResponse) => {
      void this.#serve(incoming, response, step)
    }
    this.#servers = [createServer(serve(1)), createServer(serve(2))]
  }

  static async start(): Promise<FakeHdfs> {
    const fake = new FakeHdfs()
    for (const server of fake.#servers) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    }
    return fake
  }

  /** "127.0.0.1:40001": of the namenode. */
  get address(): string {
    return `127.0.0.1:${this.#portOf(0)}`
  }

  /** Paths of all files, sorted. */
  get files(): readonly string[] {
    return [...this.entries].flatMap(([path, { bytes }]) => (bytes ? [path] : [])).toSorted()
  }

  /** What was on its way comes, in its order. @returns how many. */
  settle(): number {
    const late = this.#late.splice(0)
    for (const come of late) come()
    return late.length
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
  }

  #portOf(index: 0 | 1): number {
    return (this.#servers[index].address() as AddressInfo).port
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse, step: 1 | 2): Promise<void> {
    const body = await buffer(incoming)
    const url = new URL(incoming.url ?? '/', 'http://fake')
    const path = decodeURIComponent(url.pathname.replace('/webhdfs/v1', '')).replace(/\/$/, '')
    const op = url.searchParams.get('op') ?? ''
    const request: FakeHdfsRequest = {
      number: this.requests.length + 1,
      call: step === 1 ? op : `${op}-2`,
      path,
      query: url.searchParams,
      sizeBytes: body.length,
    }
    this.requests.push(request)
    const failure = this.fail(request)
    if (failure?.moment === 'half') this.#create(path, body.subarray(0, body.length / 2), request)
    const told = url.search.slice(1).split('&')
    if (this.wants !== undefined && !op.endsWith('TOKEN') && !told.includes(this.wants)) {
      write(response, { status: 401, body: 'Authentication required' }, request.call)
      return
    }
    if (failure?.moment === 'late') this.#late.push(() => this.#answer(request, body))
    const done = failure === undefined || failure.moment === 'after'
    const answer = done ? this.#answer(request, body) : undefined
    const said = failure?.answer ?? this.#asHttpfs(answer) ?? { status: 200 }
    if (said === 'silence') return this.onSilence(() => response.destroy())
    if (said === 'reset') response.destroy()
    else write(response, said, request.call)
  }

  #answer(request: FakeHdfsRequest, body: Buffer): FakeHdfsAnswer {
    const { call, path, query } = request
    switch (call) {
      case 'CREATE':
      case 'OPEN':
        return call === 'OPEN' && this.#fileAt(path) === undefined
          ? absent
          : this.#located(path, query)
      case 'CREATE-2':
        return this.#create(path, body, request)
      case 'OPEN-2':
        return this.#open(path, query)
      case 'GETFILESTATUS':
        return this.#status(path)
      case 'LISTSTATUS':
        return this.#list(path)
      case 'MKDIRS':
        return this.#makeFolders(path)
      case 'RENAME':
        return this.#rename(path, query)
      case 'CONCAT':
        return this.#concat(path, query.get('sources') ?? '')
      case 'DELETE':
        return this.#delete(path)
      case 'GETDELEGATIONTOKEN':
        return { status: 200, body: { Token: this.token ? { urlString: this.token } : null } }
      case 'RENEWDELEGATIONTOKEN':
        return query.get('token') === this.token
          ? { status: 200, body: { long: 1_763_800_000_000 } }
          : remoteException('InvalidToken', 'token is expired')
      default:
        return remoteException('UnsupportedOperationException', `${call} is not supported`, 400)
    }
  }

  #asHttpfs(answer: FakeHdfsAnswer | undefined): FakeHdfsAnswer | undefined {
    if (!this.httpfs || answer === undefined || [200, 201, 404].includes(answer.status)) {
      return answer
    }
    return { ...answer, status: 500 }
  }

  #located(path: string, query: URLSearchParams): FakeHdfsAnswer {
    if (this.#isBelowFile(path)) return this.httpfs ? absent : notFolder
    const name = path.split('/').map(encodeURIComponent).join('/')
    const url = new URL(`http://${this.datanode}:${this.#portOf(1)}/webhdfs/v1${name}`)
    for (const [key, value] of query) if (key !== 'noredirect') url.searchParams.set(key, value)
    return { status: 200, body: { Location: url.href } }
  }

  #create(path: string, bytes: Buffer, { query }: FakeHdfsRequest): FakeHdfsAnswer {
    const standing = this.entries.get(path)
    if (standing !== undefined && query.get('overwrite') !== 'true') {
      return remoteException('FileAlreadyExistsException')
    }
    this.#makeFolders(folderOf(path))
    this.#put(path, Buffer.from(bytes))
    return { status: 201 }
  }

  #open(path: string, query: URLSearchParams): FakeHdfsAnswer {
    const file = this.#fileAt(path)
    if (file?.bytes === undefined) return absent
    const offset = Number(query.get('offset') ?? 0)
    if (this.httpfs && offset > file.bytes.length) {
      const said = 'java.io.EOFException: Premature EOF from inputStream after skipping 5 byte(s).'
      return {
        status: 500,
        bytes: Buffer.from(`<html>\n<title>Error 500 ${said}</title>\n</html>`),
      }
    }
    if (!this.httpfs && offset > 0 && offset >= file.bytes.length) {
      return remoteException('IOException', `Offset=${offset} out of the range [0, ${path})`)
    }
    const length = query.get('length')
    const next = length === null ? undefined : offset + Number(length)
    return { status: 200, bytes: file.bytes.subarray(offset, next) }
  }

  #status(path: string): FakeHdfsAnswer {
    if (this.#isBelowFile(path)) return this.httpfs ? absent : notFolder
    const entry = this.entries.get(path)
    return entry === undefined ? absent : { status: 200, body: { FileStatus: statusOf('', entry) } }
  }

  #list(path: string): FakeHdfsAnswer {
    const entry = this.entries.get(path)
    if (entry === undefined) return absent
    const below = [...this.entries].filter(([each]) => each !== '' && folderOf(each) === path)
    const listed = below.map(([each, one]) => statusOf(each.slice(path.length + 1), one))
    const all = entry.bytes === undefined ? listed : [statusOf('', entry)]
    return { status: 200, body: { FileStatuses: { FileStatus: all.toReversed() } } }
  }

  #makeFolders(path: string): FakeHdfsAnswer {
    const parts = path.split('/')
    for (let count = 1; count <= parts.length; count++) {
      const folder = parts.slice(0, count).join('/')
      if (!this.entries.has(folder)) this.#put(folder, undefined)
    }
    return { status: 200, body: { boolean: true } }
  }

  #rename(from: string, query: URLSearchParams): FakeHdfsAnswer {
    const to = query.get('destination') ?? ''
    if (this.httpfs) return { status: 200, body: { boolean: this.#renamePlainly(from, to) } }
    const entry = this.entries.get(from)
    const standing = this.entries.get(to)
    if (query.get('renameoptions') === null) {
      return remoteException('IllegalArgumentException', 'the fake knows one form alone', 400)
    }
    if (entry === undefined) return absent
    if (standing !== undefined && standing.bytes === undefined) {
      return remoteException(
        'IOException',
        `Source ${from} and destination ${to} must both be directories`,
      )
    }
    if (standing !== undefined && query.get('renameoptions') !== 'OVERWRITE') {
      return remoteException('FileAlreadyExistsException')
    }
    if (!this.entries.has(folderOf(to))) return absent
    this.entries.delete(from)
    this.entries.set(to, entry)
    return { status: 200 }
  }

  /** Into a folder of the target's name, where there is one. */
  #renamePlainly(from: string, target: string): boolean {
    const entry = this.entries.get(from)
    const isFolder = this.entries.has(target) && this.#fileAt(target) === undefined
    const to = isFolder ? `${target}${from.slice(from.lastIndexOf('/'))}` : target
    if (entry === undefined || this.entries.has(to) || !this.entries.has(folderOf(to))) return false
    this.entries.delete(from)
    this.entries.set(to, entry)
    return true
  }

  #concat(path: string, source: string): FakeHdfsAnswer {
    const [target, tail] = [this.#fileAt(path), this.#fileAt(source)]
    if (target?.bytes === undefined || tail?.bytes === undefined) {
      if (!this.httpfs) return absent
      return remoteException('RemoteException', `File does not exist: ${source}`, 500)
    }
    if (folderOf(path) !== folderOf(source) || tail.bytes.length === 0 || !this.concats) {
      if (this.httpfs)
        return remoteException('RemoteException', 'concat: source file is empty', 500)
      return remoteException('HadoopIllegalArgumentException', 'of the fake', 400)
    }
    this.entries.delete(source)
    this.entries.set(path, { ...target, bytes: Buffer.concat([target.bytes, tail.bytes]) })
    return { status: 200 }
  }

  #delete(path: string): FakeHdfsAnswer {
    const isFull = [...this.entries.keys()].some((each) => each.startsWith(`${path}/`))
    if (isFull) return remoteException('PathIsNotEmptyDirectoryException')
    return { status: 200, body: { boolean: this.entries.delete(path) } }
  }

  #put(path: string, bytes: Buffer | undefined): void {
    this.entries.set(path, { bytes, modifiedMs: 1_700_000_000_000, id: this.#nextId++ })
  }

  #fileAt(path: string): Entry | undefined {
    const entry = this.entries.get(path)
    return entry?.bytes === undefined ? undefined : entry
  }

  #isBelowFile(path: string): boolean {
    for (let at = folderOf(path); at !== ''; at = folderOf(at)) {
      if (this.#fileAt(at) !== undefined) return true
    }
    return false
  }
}

const absent = remoteException('FileNotFoundException', 'File does not exist', 404)
const notFolder = remoteException('ParentNotDirectoryException')

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

const statusOf = (pathSuffix: string, { bytes, modifiedMs, id }: Entry) => ({
  pathSuffix,
  type: bytes === undefined ? 'DIRECTORY' : 'FILE',
  length: bytes?.length ?? 0,
  modificationTime: modifiedMs,
  fileId: id,
})

function write(response: ServerResponse, answer: FakeHdfsAnswer, call: string): void {
  const { status, body, bytes } = answer
  const sent = bytes ?? Buffer.from(body === undefined ? '' : JSON.stringify(body))
  // As a datanode does, whether or not it was asked to.
  if (call === 'CREATE-2') response.writeContinue()
  const type = bytes === undefined ? 'application/json' : 'application/octet-stream'
  response.writeHead(status, { 'content-length': sent.length, 'content-type': type })
  response.end(sent)
}
