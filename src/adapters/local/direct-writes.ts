/**
 * Writes of large files that pass the page cache by.
 *
 * What is staged is synced at once, and whoever reads it reads it later: its copy in the page cache
 * has to be made of fresh memory, which on machines that give idle memory back costs more than all
 * the rest of the writing, and pushes out what others have there.
 *
 * Invariants:
 * - what a disk takes is whole blocks from memory at whole blocks: bytes are gathered in a room of
 *   their own, the last block is filled up with zeros and the file is cut to its size afterwards;
 * - a file system that does not take such writes is found out by its refusal: the file is begun
 *   anew, and this process does not ask again.
 *
 * Source: open(2), O_DIRECT.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errnoOf } from './file-errors.ts'

/** Smaller files are gone from the page cache as soon as they came. */
export const directBytesMin = 1_048_576
/** As large as any block is, and any page of memory. */
const blockBytes = 4_096
const roomPages = 16
/** Rooms that wait for the next file; more are made for more files at a time. */
const idleRoomsMax = 4

export class DirectWrites {
  #isTaken = constants.O_DIRECT !== undefined
  readonly #idle: Uint8Array[] = []
  readonly #openFile: typeof open

  constructor(openFile = open) {
    this.#openFile = openFile
  }

  /**
   * Writes chunks to a file of its own, from its beginning. Nothing is synced.
   *
   * @returns the open file; undefined when it has to be written otherwise: then nothing of it, or
   *   something that is to be written over, stands there.
   */
  async write(path: string, chunks: readonly Uint8Array[]): Promise<FileHandle | undefined> {
    const handle = await this.#open(path)
    if (handle === undefined) return undefined
    const room = this.#idle.pop() ?? newRoom()
    try {
      await writeBlocks(handle, chunks, room)
      return handle
    } catch (error) {
      await handle.close()
      return this.#refused(error)
    } finally {
      if (this.#idle.length < idleRoomsMax) this.#idle.push(room)
    }
  }

  async #open(path: string): Promise<FileHandle | undefined> {
    if (!this.#isTaken) return undefined
    const { O_WRONLY, O_CREAT, O_TRUNC, O_DIRECT } = constants
    try {
      return await this.#openFile(path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0o666)
    } catch (error) {
      return this.#refused(error)
    }
  }

  /** @throws what says nothing about direct writes. */
  #refused(error: unknown): undefined {
    const errno = errnoOf(error)
    if (errno !== 'EINVAL' && errno !== 'ENOTSUP') throw error
    this.#isTaken = false
  }
}

/** WebAssembly's memory begins at a page's beginning; an array of Node.js does not. */
const newRoom = (): Uint8Array =>
  new Uint8Array(new WebAssembly.Memory({ initial: roomPages, maximum: roomPages }).buffer)

async function writeBlocks(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  room: Uint8Array,
): Promise<void> {
  let used = 0
  let position = 0
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + room.length - used)
      room.set(part, used)
      used += part.length
      from += part.length
      if (used < room.length) continue
      await writeRoom(handle, room, position)
      position += used
      used = 0
    }
  }
  if (used === 0) return
  const filled = Math.ceil(used / blockBytes) * blockBytes
  room.fill(0, used, filled)
  await writeRoom(handle, room.subarray(0, filled), position)
  await handle.truncate(position + used)
}

/** A single call may write fewer bytes than asked for. */
async function writeRoom(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let from = 0; from < bytes.length; ) {
    const left = bytes.length - from
    const { bytesWritten } = await handle.write(bytes, from, left, position + from)
    from += bytesWritten
  }
}
