/**
 * An append-only file of JSON lines, folded into a map by key: the newest line of a key wins, a
 * line without value forgets it.
 *
 * Invariants: a line counts when its line feed is there, so a torn last line is cut on open; the
 * file is written anew when it holds far more lines than keys.
 *
 * Sample: `{"key":"growth|orders|3","value":{"nextOffset":"812"}}`.
 */
import { closeSync, fdatasync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { z } from 'zod'
import { Fault } from '../../../base/fault.ts'
import { reasonOf } from '../storage-error.ts'
import { replaceTextFile } from './json-file.ts'

const syncData = promisify(fdatasync)
/** Lines beyond the live ones that are kept before the file is written anew. */
const deadLinesMax = 20_000

export class Journal<Value> {
  readonly #path: string
  readonly #entries = new Map<string, Value>()
  #descriptor: number
  #sizeBytes = 0
  #lineCount = 0

  constructor(path: string, shape: z.ZodType<Value>) {
    this.#path = path
    this.#descriptor = openSync(path, 'a+')
    this.#load(z.strictObject({ key: z.string(), value: shape.optional() }))
  }

  get entries(): ReadonlyMap<string, Value> {
    return this.#entries
  }

  /** @throws {Fault} BROKER_STORAGE_REFUSED: nothing was noted. */
  put(changes: ReadonlyMap<string, Value | undefined>): void {
    if (changes.size === 0) return
    const lines = [...changes].map(([key, value]) => `${JSON.stringify({ key, value })}\n`)
    this.#append(Buffer.from(lines.join('')))
    for (const [key, value] of changes) this.#fold(key, value)
    this.#lineCount += lines.length
    if (this.#lineCount > this.#entries.size + deadLinesMax) this.#rewrite()
  }

  async sync(): Promise<void> {
    await syncData(this.#descriptor)
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #fold(key: string, value: Value | undefined): void {
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, value)
  }

  #load(line: z.ZodType<{ key: string; value?: Value | undefined }>): void {
    const content = readFileSync(this.#path)
    this.#sizeBytes = content.lastIndexOf(10) + 1
    if (this.#sizeBytes < content.length) ftruncateSync(this.#descriptor, this.#sizeBytes)
    for (const text of content.toString('utf8', 0, this.#sizeBytes).split('\n')) {
      if (text === '') continue
      const { key, value } = line.parse(JSON.parse(text))
      this.#fold(key, value)
      this.#lineCount += 1
    }
  }

  #append(bytes: Buffer): void {
    try {
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#descriptor, bytes, written)
      }
    } catch (cause) {
      ftruncateSync(this.#descriptor, this.#sizeBytes)
      const facts = { operation: 'append to', path: this.#path, reason: reasonOf(cause) }
      throw new Fault('BROKER_STORAGE_REFUSED', facts, { cause })
    }
    this.#sizeBytes += bytes.length
  }

  #rewrite(): void {
    const lines = [...this.#entries].map(([key, value]) => `${JSON.stringify({ key, value })}\n`)
    const content = lines.join('')
    replaceTextFile(this.#path, content)
    closeSync(this.#descriptor)
    this.#descriptor = openSync(this.#path, 'a+')
    this.#sizeBytes = Buffer.byteLength(content)
    this.#lineCount = lines.length
  }
}
