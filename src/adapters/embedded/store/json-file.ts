/** Small JSON files that are replaced whole: a reader sees the old text or the new, never a mix. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { systemCodeOf } from '../storage-error.ts'

/** @returns the file's value, or undefined when there is no such file. */
export function readJsonFile<Value>(path: string, shape: z.ZodType<Value>): Value | undefined {
  try {
    return shape.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined
    throw cause
  }
}

export function replaceJsonFile(path: string, value: unknown): void {
  replaceTextFile(path, `${JSON.stringify(value, null, 2)}\n`)
}

/** Writes beside the file, puts it on the disk, then takes the name over in one step. */
export function replaceTextFile(path: string, content: string): void {
  const beside = `${path}.new`
  const descriptor = openSync(beside, 'w')
  writeSync(descriptor, content)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(beside, path)
  syncFolder(dirname(path))
}

/** Makes names in the folder as durable as the bytes they name. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
