/**
 * A lake on a file system that this machine sees: "file:./lake", "file:///data/lake".
 *
 * Invariants:
 * - put-if-absent is link(2): of racing puts exactly one wins, and a reader sees a whole object;
 * - publishing is rename(2), never link and unlink: a staged file is used up by being published;
 * - what a call reports as done is on the disk, with its name and the folders above it;
 * - names of puts in flight (see durable-files.ts) are no objects: nothing here shows them.
 *
 * Source: docs/protocol.md; docs/adr on the commit log.
 */
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import { durationMs, unixMs } from '../../base/time.ts'
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
import { DurableFiles, isTempName } from './durable-files.ts'
import { isAbsent, lakeFaultOf } from './file-errors.ts'

/** Calls of one listing under way at a time. */
const statsAtOnceMax = 32

const stagedShape = /\/_staging\/./

export class LocalLake implements Lake {
  readonly url: string
  /** A rename, which no other process carries out for us. */
  readonly lingersMs = durationMs(1_000)
  /** Absolute path of the lake's folder. */
  readonly folder: string
  readonly #files = new DurableFiles()

  /**
   * @param url "file:" and an absolute or relative path; nothing is touched before the first call.
   * @param relativeTo folder that a relative path starts from; the working folder by default.
   */
  constructor(url: string, relativeTo: string = process.cwd()) {
    assert(url.startsWith('file:'), `lake url "${url}" begins with "file:"`)
    this.url = url
    this.folder = url.startsWith('file://')
      ? fileURLToPath(url)
      : resolve(relativeTo, url.slice('file:'.length))
  }

  putIfAbsent(path: string, body: Uint8Array): Promise<PutOutcome> {
    return this.#call('put', path, async (file) => ({
      kind: (await this.#files.create(file, body)) ? 'created' : 'already-exists',
    }))
  }

  put(path: string, body: Uint8Array, signal?: AbortSignal): Promise<LakeObject> {
    return this.#call('put', path, async (file) => {
      const modifiedMs = await this.#files.replace(file, body, () => {
        if (signal?.aborted !== true) return
        const reason = 'it took too long and was given up'
        throw new Fault('LAKE_UNAVAILABLE', { operation: 'put', path, reason })
      })
      return { path, sizeBytes: body.byteLength, modifiedMs: unixMs(modifiedMs) }
    })
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#call('read', path, (file) => absentAsUndefined(readFile(file)))
  }

  readRange(path: string, first: number, next: number): Promise<Uint8Array | undefined> {
    assert(0 <= first && first <= next, `range [${first}, ${next}) is not negative`)
    return this.#call('read', path, (file) => absentAsUndefined(bytesOf(file, first, next)))
  }

  stat(path: string): Promise<LakeObject | undefined> {
    return this.#call('stat', path, (file) => objectAt(file, path))
  }

  list(folder: string): Promise<readonly LakeObject[]> {
    return this.#call('list', folder, (root) => objectsBelow(root, folder))
  }

  stage({ stagedPath, chunks }: StageRequest): Promise<string> {
    assert(stagedShape.test(stagedPath), `staged path "${stagedPath}" lies in a staging folder`)
    assert(!stagedPath.endsWith('.parquet'), `"${stagedPath}" does not look like a table's file`)
    return this.#call('stage', stagedPath, async (file) => {
      await this.#files.write(file, chunks)
      return stagedPath
    })
  }

  publish(request: PublishRequest): Promise<PublishOutcome> {
    return this.#call('publish', request.path, (file) => this.#publishTo(file, request))
  }

  discard({ stagedPath }: StagedPlace): Promise<void> {
    return this.remove(stagedPath)
  }

  move(from: string, to: string): Promise<boolean> {
    return this.#call('move', from, async (source) => {
      const target = this.#fileOf(to)
      if ((await objectAt(source, from)) === undefined) return false
      const aside = await this.#files.linkAside(source, target)
      // A move that died between its two halves has given the file both names.
      if (!aside && !(await sameFile(source, target))) throw targetTaken(from, to)
      await this.#files.remove(source)
      return true
    })
  }

  remove(path: string): Promise<void> {
    return this.#call('remove', path, async (file) => {
      await this.#files.remove(file)
      const folder = folderOfOneCommit(path)
      if (folder !== undefined) await this.#files.removeEmptyFolder(this.#fileOf(folder))
    })
  }

  async #publishTo(file: string, request: PublishRequest): Promise<PublishOutcome> {
    const standing = await objectAt(file, request.path)
    if (standing !== undefined) return this.#alreadyAt(file, standing, request)
    const staged = await objectAt(this.#fileOf(request.stagedPath), request.stagedPath)
    if (staged !== undefined && staged.sizeBytes !== request.sizeBytes) {
      return { kind: 'mismatch', foundBytes: staged.sizeBytes }
    }
    if (
      staged !== undefined &&
      (await this.#files.rename(this.#fileOf(request.stagedPath), file))
    ) {
      return { kind: 'published' }
    }
    // Somebody else may have renamed it between our two looks.
    const meanwhile = await objectAt(file, request.path)
    if (meanwhile === undefined) return { kind: 'missing' }
    return this.#alreadyAt(file, meanwhile, request)
  }

  async #alreadyAt(
    file: string,
    standing: LakeObject,
    request: PublishRequest,
  ): Promise<PublishOutcome> {
    if (standing.sizeBytes !== request.sizeBytes) {
      return { kind: 'mismatch', foundBytes: standing.sizeBytes }
    }
    // Who renamed it may have died before the name was on the disk.
    await this.#files.syncFolderOf(file)
    return { kind: 'already-published' }
  }

  #fileOf(path: string): string {
    const parts = path.split('/')
    const plain = parts.every((part) => part !== '' && part !== '.' && part !== '..')
    assert(plain && !path.includes('\0'), `lake path "${path}" stays below the lake`)
    return join(this.folder, path)
  }

  async #call<T>(
    operation: string,
    path: string,
    effect: (file: string) => Promise<T>,
  ): Promise<T> {
    const file = this.#fileOf(path)
    try {
      return await effect(file)
    } catch (error) {
      throw lakeFaultOf(error, operation, path)
    }
  }
}

async function absentAsUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

async function objectAt(file: string, path: string): Promise<LakeObject | undefined> {
  const found = await absentAsUndefined(stat(file))
  if (found === undefined || !found.isFile()) return undefined
  return { path, sizeBytes: found.size, modifiedMs: unixMs(Math.floor(found.mtimeMs)) }
}

async function bytesOf(file: string, first: number, next: number): Promise<Uint8Array> {
  const handle = await open(file, 'r')
  try {
    const sizeBytes = Math.max(0, Math.min(next, (await handle.stat()).size) - first)
    const bytes = Buffer.alloc(sizeBytes)
    let held = 0
    while (held < sizeBytes) {
      const { bytesRead } = await handle.read(bytes, held, sizeBytes - held, first + held)
      if (bytesRead === 0) break
      held += bytesRead
    }
    return bytes.subarray(0, held)
  } finally {
    await handle.close()
  }
}

/** Objects below a folder. What vanishes between being listed and being looked at is left out. */
async function objectsBelow(root: string, folder: string): Promise<readonly LakeObject[]> {
  const paths = (await filesBelow(root, folder)).sort()
  const objects: LakeObject[] = []
  for (let first = 0; first < paths.length; first += statsAtOnceMax) {
    const some = paths.slice(first, first + statsAtOnceMax)
    const found = await Promise.all(
      some.map((path) => objectAt(join(root, path.slice(folder.length + 1)), path)),
    )
    for (const object of found) if (object !== undefined) objects.push(object)
  }
  return objects
}

/** What a dead put left is nobody’s object, but in a staging folder, which is cleaned whole. */
const isHidden = (name: string, folder: string): boolean =>
  isTempName(name) && !`${folder}/`.includes('/_staging/')

async function filesBelow(root: string, folder: string): Promise<string[]> {
  const names = await absentAsUndefined(readdir(root, { withFileTypes: true }))
  const paths: string[] = []
  for (const name of names ?? []) {
    const path = `${folder}/${name.name}`
    if (name.isDirectory()) paths.push(...(await filesBelow(join(root, name.name), path)))
    else if (name.isFile() && !isHidden(name.name, folder)) paths.push(path)
  }
  return paths
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([stat(a), stat(b)])
  return left.ino === right.ino && left.dev === right.dev
}

const targetTaken = (from: string, to: string): Fault =>
  new Fault('LAKE_REFUSED', {
    operation: 'move',
    path: from,
    reason: `another object stands at "${to}"`,
  })
