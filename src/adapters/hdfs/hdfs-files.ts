/**
 * Files of HDFS by WebHDFS: created, looked at, renamed, opened, listed, removed.
 *
 *     PUT  http://nn1:9870/webhdfs/v1/warehouse/x?op=CREATE&noredirect=true&…   {"Location":…}
 *     PUT  http://dn1:9864/webhdfs/v1/warehouse/x?op=CREATE&namenoderpcaddress=…   201
 *
 * Invariants:
 * - a file is created under a name that nobody uses, another for each attempt: a sender that is
 *   broken off leaves a file that looks whole, and a late one must not hurt what stands;
 * - what was created counts when the namenode tells its length;
 * - RENAME says `renameoptions`: the other form answers false for four things, and moves a file
 *   into a folder of the target's name.
 *
 * Source: the WebHDFS documentation of Hadoop 3.4; docs/hdfs.md.
 */
import { assert } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import type { UnixMs } from '../../base/time.ts'
import type { Random } from '../../ports/random.ts'
import { type HdfsDoor, type HdfsQuery, reachedUrl } from './hdfs-door.ts'
import {
  codeOf,
  DatanodeSilence,
  type HdfsAlternative,
  type HdfsCall,
  HdfsRefusal,
} from './hdfs-failure.ts'
import type { HdfsHttp, HttpAnswer, HttpCall } from './hdfs-http.ts'
import type { HdfsAnswer, HdfsRequest, HdfsRequests } from './hdfs-requests.ts'
import { type RenameWords, renameByHttpfs } from './httpfs-rename.ts'
import {
  parseBytes,
  parseFolder,
  parseLocation,
  parseNothing,
  parseStatus,
  parseTruth,
} from './web-hdfs-answers.ts'

/** Rounds of a file that is not as long as what was sent, or was cleaned away. */
const roundsMax = 3
const nameBytes = 8

export interface HdfsFile {
  readonly isFile: boolean
  readonly sizeBytes: number
  readonly modifiedMs: UnixMs
  /** Of the file, whatever it is renamed to. */
  readonly fileId: number
}

export interface CreatedFile extends HdfsFile {
  readonly path: string
}

export interface HdfsFilesOptions {
  readonly requests: HdfsRequests
  readonly http: HdfsHttp
  readonly random: Random
  readonly door: HdfsDoor
  /** "/warehouse"; empty for the root. */
  readonly folder: string
  /** What else is said of a file that is created. */
  readonly creation: HdfsQuery
}

const tempShape = /^\..+\.[0-9a-f]{16}\.put$/

/** True for the name of a file that is being put, or of one whose writer died. */
export const isTempName = (name: string): boolean => tempShape.test(name)

export class HdfsFiles {
  readonly #options: HdfsFilesOptions

  constructor(options: HdfsFilesOptions) {
    this.#options = options
  }

  /** What we send comes once, if at all. */
  get isDirect(): boolean {
    return this.#options.door.isDirect
  }

  /** @returns undefined where nothing stands. */
  async look(path: string, operation: string): Promise<HdfsFile | undefined> {
    const call = { operation, path, name: 'GETFILESTATUS' }
    const answer = await this.#namenode('GET', call, parseStatus)
    if (answer.kind === 'answered') return answer.value
    if (answer.kind === 'absent') return undefined
    throw unexpected({ operation, path }, answer.kind)
  }

  /**
   * Creates a file with its folders, whole.
   *
   * @param beside the name it is for; it is created beside it, hidden.
   * @param first where the first attempt may go: a name that this process alone uses.
   */
  async create(
    beside: string,
    chunks: readonly Uint8Array[],
    { operation, first }: { operation: string; first?: string | undefined },
  ): Promise<CreatedFile> {
    const sizeBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const tried: string[] = []
    const nameOf = (): string => {
      const name = tried.length === 0 && first !== undefined ? first : this.#tempBeside(beside)
      tried.push(name)
      return name
    }
    for (let round = 1; ; round++) {
      const answer = await this.#send({ operation, path: beside }, nameOf, chunks)
      // Whoever staged before has left a file there.
      if (answer.kind === 'exists' && round < roundsMax) continue
      if (answer.kind !== 'answered') throw unexpected({ operation, path: beside }, answer.kind)
      const path = answer.value
      const found = await this.look(path, operation)
      if (found?.sizeBytes === sizeBytes) {
        for (const left of tried) if (left !== path) await this.removeQuietly(left, operation)
        return { ...found, path }
      }
      if (round < roundsMax) continue
      const stands = found === undefined ? 'nothing stands' : `${found.sizeBytes} bytes stand`
      const reason = `${sizeBytes} bytes were sent, ${stands}`
      throw new Fault('LAKE_UNAVAILABLE', { operation, path: beside, reason })
    }
  }

  /** Of racing renames to one name, one is answered; the others find it there. */
  rename(
    from: string,
    to: string,
    { operation, over, signal }: RenameWords,
  ): Promise<HdfsAnswer<void>> {
    if (this.#options.door.httpfs)
      return renameByHttpfs(this, { from, to, operation, over, signal })
    const query = {
      destination: this.#at(to),
      renameoptions: over === 'nothing' ? 'NONE' : 'OVERWRITE',
    }
    return this.#namenode(
      'PUT',
      { operation, path: from, name: 'RENAME', signal },
      parseNothing,
      query,
    )
  }

  /** Without options: true, or false for four things. */
  renamePlainly(
    from: string,
    to: string,
    { operation, signal }: Omit<RenameWords, 'over'>,
  ): Promise<HdfsAnswer<boolean>> {
    const call = { operation, path: from, name: 'RENAME', signal }
    return this.#namenode('PUT', call, parseTruth, { destination: this.#at(to) })
  }

  /**
   * Puts a file behind another of its folder, and uses it up. Of racing calls one is answered.
   *
   * Before it is asked again the length is looked at: the call before may have been done, and a
   * late sender may have made the source anew since.
   *
   * @param baseBytes what the other file has before.
   * @returns `answered` with false where it has another length by then.
   */
  concat(
    path: string,
    source: string,
    { operation, baseBytes }: { operation: string; baseBytes: number },
  ): Promise<HdfsAnswer<boolean>> {
    const sources = this.#at(source)
    if (sources.includes(',')) throw severalNames(operation, source)
    const { requests, http } = this.#options
    const name = 'CONCAT'
    return requests.ask({
      operation,
      path,
      name,
      send: async ({ namenode, number }) => {
        const isAgain = number > 1
        if (isAgain && (await this.look(path, operation))?.sizeBytes !== baseBytes) return false
        const url = await this.#url(namenode, path, { op: name, sources })
        parseNothing((await http.send({ method: 'POST', url })).body)
        return true
      },
    })
  }

  async makeFolder(path: string, operation: string): Promise<void> {
    const call = { operation, path, name: 'MKDIRS' }
    const answer = await this.#namenode('PUT', call, parseTruth)
    if (answer.kind !== 'answered') throw unexpected({ operation, path }, answer.kind)
  }

  /** @param range bytes `[first, next)`; all without it. */
  async open(
    path: string,
    range?: { readonly first: number; readonly next: number },
  ): Promise<HdfsAnswer<Buffer>> {
    const call = { operation: 'read', path }
    const some: HdfsQuery =
      range === undefined ? {} : { offset: `${range.first}`, length: `${range.next - range.first}` }
    const excluded = new Set<string>()
    return this.#options.requests.ask({
      ...call,
      name: 'OPEN',
      send: async ({ namenode }) => {
        const query = { op: 'OPEN', ...some, ...without(excluded) }
        const url = await this.#locate('GET', await this.#url(namenode, path, query))
        const bytesMax = range === undefined ? Number.POSITIVE_INFINITY : range.next - range.first
        const read = (answer: HttpAnswer): Buffer => parseBytes(answer, bytesMax)
        return this.#datanode({ method: 'GET', url }, excluded, read)
      },
    })
  }

  /** What stands in a folder, by name; undefined when there is none. */
  async list(path: string): Promise<ReadonlyMap<string, HdfsFile> | undefined> {
    const call = { operation: 'list', path, name: 'LISTSTATUS' }
    const answer = await this.#namenode('GET', call, parseFolder)
    if (answer.kind === 'answered') return answer.value
    if (answer.kind === 'absent') return undefined
    throw unexpected(call, answer.kind)
  }

  /** Removes a file, or a folder that is empty. @returns false where there is none. */
  async remove(path: string, operation: string): Promise<boolean> {
    const call = { operation, path, name: 'DELETE' }
    const answer = await this.#namenode('DELETE', call, parseTruth)
    if (answer.kind === 'not-empty' || answer.kind === 'absent') return false
    if (answer.kind === 'answered') return answer.value
    throw unexpected({ operation, path }, answer.kind)
  }

  /** Of what nobody misses: a put that is in flight nowhere is hidden, and may stay. */
  async removeQuietly(path: string, operation: string): Promise<void> {
    try {
      await this.remove(path, operation)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
    }
  }

  #send(
    call: HdfsCall,
    nameOf: () => string,
    chunks: readonly Uint8Array[],
  ): Promise<HdfsAnswer<string>> {
    const { requests, creation } = this.#options
    const excluded = new Set<string>()
    return requests.ask({
      ...call,
      name: 'CREATE',
      send: async ({ namenode }) => {
        const path = nameOf()
        const query = { op: 'CREATE', overwrite: 'false', ...creation, ...without(excluded) }
        const url = await this.#locate('PUT', await this.#url(namenode, path, query))
        // What it says of the file is not believed: its length is looked at.
        await this.#datanode({ method: 'PUT', url, chunks }, excluded, () => {})
        return path
      },
    })
  }

  /** @param read what the answer says; what it cannot read is asked again. */
  #namenode<T>(
    method: HttpCall['method'],
    call: HdfsCall & Pick<HdfsRequest<T>, 'name' | 'signal'>,
    read: (body: Buffer) => T,
    query: HdfsQuery = {},
  ): Promise<HdfsAnswer<T>> {
    const { requests, http } = this.#options
    return requests.ask({
      ...call,
      send: async ({ namenode }) => {
        const url = await this.#url(namenode, call.path, { op: call.name, ...query })
        return read((await http.send({ method, url })).body)
      },
    })
  }

  /** The first of two steps: where the bytes are to go, or to come from. */
  async #locate(method: 'GET' | 'PUT', url: URL): Promise<URL> {
    url.searchParams.set('noredirect', 'true')
    const { body } = await this.#options.http.send({ method, url })
    return parseLocation(body)
  }

  /**
   * @param call with the URL as the namenode gave it.
   * @param excluded gets the datanode's host when it does not answer.
   * @param read what the answer says; one that it cannot read is none.
   */
  async #datanode<T>(
    call: HttpCall,
    excluded: Set<string>,
    read: (answer: HttpAnswer) => T,
  ): Promise<T> {
    const { http, door } = this.#options
    try {
      return read(await http.send({ ...call, url: reachedUrl(call.url, door.datanodes) }))
    } catch (error) {
      if (error instanceof HdfsRefusal || !(error instanceof Error)) throw error
      if (codeOf(error) === undefined) throw error
      excluded.add(call.url.hostname)
      throw new DatanodeSilence(error)
    }
  }

  async #url(namenode: string, path: string, query: HdfsQuery): Promise<URL> {
    const { scheme, identity } = this.#options.door
    const parts = this.#at(path).split('/').map(encodeURIComponent)
    const url = new URL(`${scheme}://${namenode}/webhdfs/v1${parts.join('/')}`)
    const all = { ...query, ...(await identity()) }
    for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value)
    return url
  }

  /** @throws {InvariantError} the path leaves the lake. */
  #at(path: string): string {
    const parts = path.split('/')
    const plain = parts.every((part) => part !== '' && part !== '.' && part !== '..')
    assert(plain && !path.includes('\0'), `lake path "${path}" stays below the lake`)
    return `${this.#options.folder}/${path}`
  }

  #tempBeside(path: string): string {
    const cut = path.lastIndexOf('/') + 1
    const name = Buffer.from(this.#options.random.bytes(nameBytes)).toString('hex')
    return `${path.slice(0, cut)}.${path.slice(cut)}.${name}.put`
  }
}

const without = (excluded: ReadonlySet<string>): HdfsQuery =>
  excluded.size === 0 ? {} : { excludedatanodes: [...excluded].join(',') }

/** As a fault that may pass: somebody else was at the same path. */
const unexpected = ({ operation, path }: HdfsCall, kind: HdfsAlternative): Fault =>
  new Fault('LAKE_UNAVAILABLE', { operation, path, reason: `HDFS answers "${kind}"` })

/** The namenode would take it for more than one: names are given to CONCAT in one list. */
const severalNames = (operation: string, path: string): Fault => {
  const reason = 'CONCAT takes no name with ","'
  return new Fault('LAKE_REFUSED', { operation, path, reason })
}
