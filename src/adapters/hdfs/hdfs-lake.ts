/**
 * A lake on HDFS, by WebHDFS: "hdfs://nn1:9870,nn2:9870/warehouse".
 *
 *     growth/_staging/growth/9f3a…-41-0.staged             staged: as long as what was sent
 *     growth/dt=…/hour=13/growth-9f3a…-41-0.parquet        renamed: published
 *     _lakeward/growth/log/…/.0…42.json.9f3ac1….put        a put that is in flight, or died
 *
 * Invariants:
 * - what stands at a path was renamed to it when it was whole: nothing is created under a name that
 *   somebody reads, for a sender that is broken off leaves a file that looks whole;
 * - put-if-absent is RENAME onto nothing: of racing puts the namenode lets one win;
 * - an answer that was lost is not made up for by the next one, which finds our own: what stands is
 *   looked at, and is ours when it is the very file that we created;
 * - names of puts in flight are no objects: nothing here shows them, but those of what is staged.
 *
 * Source: docs/protocol.md; docs/hdfs.md; docs/adr on lakes on HDFS.
 */
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
} from '../../ports/lake.ts'
import { folderOfOneCommit } from '../../protocol/log-paths.ts'
import { judgeStanding } from '../../protocol/standing-file.ts'
import { type CreatedFile, type HdfsFile, HdfsFiles, isTempName } from './hdfs-files.ts'
import { HdfsTails } from './hdfs-tails.ts'
import type { RenameWords } from './httpfs-rename.ts'

/** Sizes that are kept; the oldest is forgotten first, and looked up again. */
const sizesKeptMax = 10_000
/** Folders of one listing that are asked for at a time. */
const listsAtOnceMax = 16
/** Times that somebody takes away what was created before it could be renamed. */
const roundsMax = 5

const inStaging = /\/_staging\/./
/** What continues a file is staged beside it. */
const isTail = /\/\.tail-[^/]+$/

export class HdfsLake implements Lake {
  readonly url: string
  /** Two requests of 30 s: one may have to get the token that the other comes with. */
  readonly lingersMs = durationMs(60_000)
  readonly tails: HdfsTails
  readonly #files: HdfsFiles
  /** Bytes of what this process staged, by staged path. */
  readonly #staged = new BoundedMap<string, number>(sizesKeptMax)
  /** Bytes of what this process published, by path. */
  readonly #published = new BoundedMap<string, number>(sizesKeptMax)
  /** Tails that an attempt began which was not answered: it may still make them, at any time. */
  readonly #begunTails = new Set<string>()
  /** Folders that this process made, or found, for what it publishes. */
  readonly #folders = new BoundedMap<string, Promise<void>>(sizesKeptMax)

  /** @param url as configured. Nothing is asked before the first call. */
  constructor(url: string, files: HdfsFiles) {
    this.url = url.replace(/\/$/, '')
    this.#files = files
    this.tails = new HdfsTails(files, { staged: this.#staged, published: this.#published })
  }

  async putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome> {
    const operation = 'put'
    for (let round = 1; ; round++) {
      const temp = await this.#files.create(path, [body], { operation })
      const answer = await this.#files.rename(temp.path, path, { operation, over: 'nothing' })
      if (answer.kind === 'answered') return { kind: 'created' }
      const standing = await this.#look(path, operation)
      if (standing?.fileId === temp.fileId) return { kind: 'created' }
      await this.#files.removeQuietly(temp.path, operation)
      if (standing !== undefined) return { kind: 'already-exists' }
      // Whoever cleans a staging folder takes a put in flight for a dead one: it is made again.
      if (round === roundsMax) throw cleanedAway(operation, path)
    }
  }

  async put(path: string, body: Uint8Array, signal?: AbortSignal): Promise<LakeObject> {
    const operation = 'put'
    this.#published.delete(path)
    for (let round = 1; ; round++) {
      const temp = await this.#files.create(path, [body], { operation })
      const isThere = await this.#replace(temp, path, { operation, signal })
      if (isThere) return { path, sizeBytes: temp.sizeBytes, modifiedMs: temp.modifiedMs }
      if (round === roundsMax) throw cleanedAway(operation, path)
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const answer = await this.#files.open(path)
    if (answer.kind === 'answered') return answer.value
    if (answer.kind === 'absent') return undefined
    throw refusedRead(path, answer.kind)
  }

  async readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined> {
    assert(0 <= first && first <= next, `range [${first}, ${next}) is not negative`)
    if (first === next) return (await this.stat(path)) && new Uint8Array(0)
    const answer = await this.#files.open(path, { first, next })
    if (answer.kind === 'answered') return answer.value
    if (answer.kind === 'absent') return undefined
    if (answer.kind === 'beyond') return new Uint8Array(0)
    throw refusedRead(path, answer.kind)
  }

  async stat(path: string): Promise<LakeObject | undefined> {
    const found = await this.#look(path, 'stat')
    return found && objectOf(path, found)
  }

  /** Folder by folder: slow where there are many, and not for the way of the data. */
  async list(folder: string): Promise<readonly LakeObject[]> {
    const objects: LakeObject[] = []
    for (let open = [folder]; open.length > 0; ) {
      const some = open.splice(0, listsAtOnceMax)
      const listed = await Promise.all(some.map((path) => this.#files.list(path)))
      const below = some.flatMap((at, index) =>
        [...(listed[index] ?? [])].map(([name, file]) => ({ at, name, file })),
      )
      for (const { at, name, file } of below) {
        const path = `${at}/${name}`
        if (!file.isFile) open.push(path)
        else if (!isHidden(name, at)) objects.push(objectOf(path, file))
      }
      open = open.toSorted()
    }
    return objects.toSorted(byPath)
  }

  async stage({ stagedPath, chunks }: StageRequest): Promise<string> {
    const isStaged = inStaging.test(stagedPath) || isTail.test(stagedPath)
    assert(isStaged, `staged path "${stagedPath}" lies in a staging folder`)
    assert(!stagedPath.endsWith('.parquet'), `"${stagedPath}" does not look like a table's file`)
    const operation = 'stage'
    const first = this.#mayBeMadeAt(stagedPath) ? stagedPath : undefined
    this.#staged.delete(stagedPath)
    if (isTail.test(stagedPath) && first !== undefined) this.#begunTails.add(stagedPath)
    for (let round = 1; ; round++) {
      const made = await this.#files.create(stagedPath, chunks, { operation, first })
      const stands = await this.#keptAt(stagedPath, made)
      if (stands !== undefined) {
        this.#staged.set(stands, made.sizeBytes)
        return stands
      }
      if (round === roundsMax) throw cleanedAway(operation, stagedPath)
    }
  }

  /** @returns undefined when somebody took what was made away before it was renamed. */
  async #keptAt(stagedPath: string, made: CreatedFile): Promise<string | undefined> {
    if (made.path === stagedPath) {
      this.#begunTails.delete(stagedPath)
      return stagedPath
    }
    if (this.#begunTails.has(stagedPath)) return made.path
    return (await this.#replace(made, stagedPath, { operation: 'stage' })) ? stagedPath : undefined
  }

  /**
   * A late sender must not make a tail anew that was joined. So its name is that of one attempt
   * alone, which was answered; or it is given to what is whole, by RENAME, where somebody between
   * us and the cluster may send a request of ours once more.
   */
  #mayBeMadeAt(stagedPath: string): boolean {
    if (!isTail.test(stagedPath)) return true
    const isFirst = !this.#begunTails.has(stagedPath) && this.#staged.get(stagedPath) === undefined
    return this.#files.isDirect && isFirst
  }

  async publish(request: PublishRequest): Promise<PublishOutcome> {
    const outcome = await this.#publish(request)
    const stands = outcome.kind === 'published' || outcome.kind === 'already-published'
    if (stands) this.#published.set(request.path, request.sizeBytes)
    return outcome
  }

  async #publish(request: PublishRequest): Promise<PublishOutcome> {
    const { stagedPath, path, sizeBytes } = request
    const operation = 'publish'
    const stagedBytes =
      this.#staged.get(stagedPath) ?? (await this.#look(stagedPath, operation))?.sizeBytes
    if (stagedBytes === undefined) return this.#standing(request, { kind: 'missing' })
    if (stagedBytes !== sizeBytes) {
      return this.#standing(request, { kind: 'mismatch', foundBytes: stagedBytes })
    }
    await this.#ensureFolder(folderOf(path), operation)
    for (let round = 1; ; round++) {
      const answer = await this.#files.rename(stagedPath, path, { operation, over: 'nothing' })
      this.#staged.delete(stagedPath)
      if (answer.kind === 'answered') return { kind: 'published' }
      const standing = await this.#standing(request, { kind: 'missing' })
      if (standing.kind !== 'missing') return standing
      const staged = await this.#look(stagedPath, operation)
      // Somebody else may have renamed it between our two looks.
      if (staged === undefined) return this.#standing(request, standing)
      if (staged.sizeBytes !== sizeBytes) {
        return { kind: 'mismatch', foundBytes: staged.sizeBytes }
      }
      // Both are as they were: it is the folder that lacks.
      if (round === roundsMax) throw cleanedAway(operation, path)
      await this.#files.makeFolder(folderOf(path), operation)
    }
  }

  /** One call for each folder, where a RENAME that lacks it would cost four. */
  async #ensureFolder(folder: string, operation: string): Promise<void> {
    const known = this.#folders.get(folder)
    if (known !== undefined) return known
    const making = this.#files.makeFolder(folder, operation)
    this.#folders.set(folder, making)
    try {
      await making
    } catch (error) {
      this.#folders.delete(folder)
      throw error
    }
  }

  async discard({ stagedPath }: StagedPlace): Promise<void> {
    await this.remove(stagedPath)
    this.#begunTails.delete(stagedPath)
  }

  async move(from: string, to: string): Promise<boolean> {
    const operation = 'move'
    this.#published.delete(from)
    const source = await this.#look(from, operation)
    if (source === undefined) return false
    for (let round = 1; ; round++) {
      const answer = await this.#files.rename(from, to, { operation, over: 'nothing' })
      if (answer.kind === 'answered') return true
      const standing = await this.#look(to, operation)
      // The answer to our own first attempt was lost.
      if (standing?.fileId === source.fileId) return true
      if (standing !== undefined) throw targetTaken(from, to)
      if ((await this.#look(from, operation)) === undefined) return false
      if (round === roundsMax) throw cleanedAway(operation, to)
      await this.#files.makeFolder(folderOf(to), operation)
    }
  }

  async remove(path: string): Promise<void> {
    const operation = 'remove'
    this.#staged.delete(path)
    this.#published.delete(path)
    await this.#files.remove(path, operation)
    const folder = folderOfOneCommit(path)
    if (folder !== undefined) await this.#files.remove(folder, operation)
  }

  /** A file, or undefined: a folder is no object. */
  async #look(path: string, operation: string): Promise<HdfsFile | undefined> {
    const found = await this.#files.look(path, operation)
    return found?.isFile === true ? found : undefined
  }

  /** @returns false when somebody took the file away before. */
  async #replace(
    temp: CreatedFile,
    path: string,
    { operation, signal }: Omit<RenameWords, 'over'>,
  ): Promise<boolean> {
    const words = { operation, over: 'anything', signal } as const
    const answer = await this.#files.rename(temp.path, path, words)
    if (answer.kind === 'answered') return true
    // Nobody knows its name: where it is gone after a repeated call, the first has moved it.
    return (await this.#look(path, operation))?.fileId === temp.fileId
  }

  async #standing(
    { path, sizeBytes }: PublishRequest,
    otherwise: PublishOutcome,
  ): Promise<PublishOutcome> {
    return judgeStanding(await this.#look(path, 'publish'), sizeBytes, otherwise)
  }
}

const objectOf = (path: string, { sizeBytes, modifiedMs }: HdfsFile): LakeObject => ({
  path,
  sizeBytes,
  modifiedMs,
})

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/** Where staging is cleaned away what was begun is to be seen: in its folder, or beside a file. */
const isHidden = (name: string, folder: string): boolean =>
  isTempName(name) && !name.startsWith('..tail-') && !`${folder}/`.includes('/_staging/')

const byPath = (one: LakeObject, other: LakeObject): number =>
  one.path < other.path ? -1 : one.path > other.path ? 1 : 0

const cleanedAway = (operation: string, path: string): Fault => {
  const reason = `it was taken away ${roundsMax} times before it could be renamed`
  return new Fault('LAKE_UNAVAILABLE', { operation, path, reason })
}

const refusedRead = (path: string, kind: string): Fault =>
  new Fault('LAKE_UNAVAILABLE', { operation: 'read', path, reason: `HDFS answers "${kind}"` })

const targetTaken = (from: string, to: string): Fault => {
  const reason = `another object stands at "${to}"`
  return new Fault('LAKE_REFUSED', { operation: 'move', path: from, reason })
}
