/**
 * Files and folders that survive a loss of power, for the local lake.
 *
 * Invariants:
 * - a file that a call left at its name is whole and on the disk, and so is its name;
 * - a folder is on the disk before a name below it is relied on;
 * - nothing blocks the event loop: every call goes to the thread pool.
 *
 * Sample of a put in flight: "log/00000000/.00000000000000000042.json.9f3ac1d2b0e4a677.put".
 * Source: fsync(2), "the entry in the directory … an explicit fsync() … is also needed"; link(2).
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DirectWrites, directBytesMin } from './direct-writes.ts'
import { errnoOf, isAbsent } from './file-errors.ts'

/** Buffers that one writev call takes: Linux' IOV_MAX. */
const buffersPerWriteMax = 1_024
const foldersKnownMax = 10_000
/** A folder may be cleaned away between its making and its use; that often is no coincidence. */
const folderAttemptMax = 5

const tempShape = /^\..+\.[0-9a-f]{16}\.put$/

/** True for the name of a put in flight, or of one that died. */
export const isTempName = (name: string): boolean => tempShape.test(name)

/** Name of a put in flight: beside its target, hidden, showing what it is a put of. */
const tempPathOf = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.put`)

export class DurableFiles {
  /** Folders that this process has seen on the disk. */
  readonly #folders = new Set<string>()
  readonly #direct: DirectWrites

  constructor(direct = new DirectWrites()) {
    this.#direct = direct
  }

  /** Writes `body` whole under a name that did not exist. @returns false when it did. */
  async create(path: string, body: Uint8Array): Promise<boolean> {
    // Whoever cleans a staging folder takes a put in flight for a dead one: it is made again.
    return await this.#inFolderOf(path, async () => {
      const temp = await writeTemp(path, [body])
      try {
        const created = await linked(temp.path, path)
        // When another put won, its name must be on the disk too before we rely on it.
        await syncFolder(dirname(path))
        return created
      } finally {
        await unlink(temp.path).catch(() => {})
      }
    })
  }

  /**
   * Writes `body` whole, over what stood there.
   * @param lastWord asked right before it is replaced; what it throws leaves what stood there.
   * @returns when, on the disk's clock.
   */
  async replace(path: string, body: Uint8Array, lastWord?: () => void): Promise<number> {
    const temp = await this.#inFolderOf(path, () => writeTemp(path, [body]))
    try {
      lastWord?.()
      await rename(temp.path, path)
    } catch (error) {
      await unlink(temp.path).catch(() => {})
      throw error
    }
    await syncFolder(dirname(path))
    return temp.modifiedMs
  }

  /** Writes chunks under a name that only one writer uses, over an attempt of its own. */
  async write(path: string, chunks: readonly Uint8Array[]): Promise<void> {
    await this.#inFolderOf(path, () => this.#writeLarge(path, chunks))
    await syncFolder(dirname(path))
  }

  async #writeLarge(path: string, chunks: readonly Uint8Array[]): Promise<void> {
    const sizeBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const isLarge = sizeBytes >= directBytesMin
    const written = isLarge ? await this.#direct.write(path, chunks) : undefined
    if (written === undefined) await writeFileDurably(path, 'w', chunks)
    else await synced(written)
  }

  /** Renames durably. @returns false when there is nothing at `from`. */
  async rename(from: string, to: string): Promise<boolean> {
    const renamed = await this.#inFolderOf(to, () => renamedIfThere(from, to))
    if (renamed) await syncFolder(dirname(to))
    return renamed
  }

  /** Gives a file a second name, durably. @returns false when that name is taken. */
  async linkAside(from: string, to: string): Promise<boolean> {
    const created = await this.#inFolderOf(to, () => linked(from, to))
    await syncFolder(dirname(to))
    return created
  }

  /** Removes a file; nothing happens when there is none. */
  async remove(path: string): Promise<void> {
    await unlink(path).catch((error: unknown) => {
      if (!isAbsent(error)) throw error
    })
  }

  /** Removes a folder when it is empty. */
  async removeEmptyFolder(folder: string): Promise<void> {
    this.#folders.delete(folder)
    await rmdir(folder).catch((error: unknown) => {
      const errno = errnoOf(error) ?? ''
      if (!isAbsent(error) && errno !== 'ENOTEMPTY' && errno !== 'EEXIST') throw error
    })
  }

  /** Makes a folder and those above it, each on the disk before the next. */
  async ensureFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return
    const parent = dirname(folder)
    try {
      await makeFolder(folder)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      this.#folders.delete(parent)
      await this.ensureFolder(parent)
      await makeFolder(folder)
    }
    // Also when it stood already: who made it may have died before it was on the disk.
    if (parent !== folder) await syncFolder(parent)
    if (this.#folders.size >= foldersKnownMax) this.#folders.clear()
    this.#folders.add(folder)
  }

  /** Makes a path's folder durable again where it was made by somebody else. */
  async syncFolderOf(path: string): Promise<void> {
    await syncFolder(dirname(path))
  }

  /** Does `effect`, and again when somebody cleaned it or its folder away meanwhile. */
  async #inFolderOf<T>(path: string, effect: () => Promise<T>): Promise<T> {
    const folder = dirname(path)
    for (let attempt = 1; ; attempt++) {
      await this.ensureFolder(folder)
      try {
        return await effect()
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || attempt === folderAttemptMax) throw error
        this.#folders.delete(folder)
      }
    }
  }
}

async function writeTemp(
  path: string,
  chunks: readonly Uint8Array[],
): Promise<{ path: string; modifiedMs: number }> {
  const temp = tempPathOf(path)
  try {
    return { path: temp, modifiedMs: await writeFileDurably(temp, 'wx', chunks) }
  } catch (error) {
    await unlink(temp).catch(() => {})
    throw error
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error
  })
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** An absent source is told from an absent target folder by looking. */
async function renamedIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (!isAbsent(error) || (await exists(from))) throw error
    return false
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** @returns when the last byte was written, on the disk's clock, whole milliseconds. */
async function writeFileDurably(
  path: string,
  flags: 'w' | 'wx',
  chunks: readonly Uint8Array[],
): Promise<number> {
  const handle = await open(path, flags)
  try {
    for (let first = 0; first < chunks.length; first += buffersPerWriteMax) {
      await writeAll(handle, chunks.slice(first, first + buffersPerWriteMax))
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  return await synced(handle)
}

/** Closes a file when it is on the disk. @returns when it was written last, as above. */
async function synced(handle: FileHandle): Promise<number> {
  try {
    await handle.sync()
    return Math.floor((await handle.stat()).mtimeMs)
  } finally {
    await handle.close()
  }
}

/** Writes all of the chunks: a single call may write fewer bytes than asked for. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let left = chunks.filter((chunk) => chunk.byteLength > 0)
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left)
    left = withoutFirst(left, bytesWritten)
  }
}

function withoutFirst(chunks: readonly Uint8Array[], byteCount: number): Uint8Array[] {
  let skip = byteCount
  const left: Uint8Array[] = []
  for (const chunk of chunks) {
    if (skip < chunk.byteLength) left.push(skip === 0 ? chunk : chunk.subarray(skip))
    skip = Math.max(0, skip - chunk.byteLength)
  }
  return left
}
