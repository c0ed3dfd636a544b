/** A `.proto` file with all it imports, from disk, for any place it may lie at. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import {
  importCandidates,
  importsOf,
  isBundledImport,
} from '../../src/codec/protobuf/schema-files.ts'

export interface SchemaSource {
  /** Texts by path from their common root. */
  readonly sources: ReadonlyMap<string, string>
  /** Path of the file that was asked for. */
  readonly file: string
}

/** Folders above a file in which its imports are looked for. */
const rootsTriedMax = 8

/**
 * Reads the file and its imports. Their root is the nearest folder above from which all of them are
 * found; when there is none, the file's own folder, and what lacks is said by the schema's parser.
 */
export function readSchemaSource(path: string): SchemaSource {
  const whole = resolve(path)
  let root = dirname(whole)
  for (let tried = 0; tried < rootsTriedMax; tried++, root = dirname(root)) {
    const found = sourcesBelow(root, relative(root, whole))
    if (found.isComplete) return found
  }
  return sourcesBelow(dirname(whole), basename(whole))
}

function sourcesBelow(root: string, file: string): SchemaSource & { readonly isComplete: boolean } {
  const sources = new Map<string, string>()
  const waiting = [file]
  let isComplete = true
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (sources.has(path)) continue
    const text = readFileSync(join(root, path), 'utf8')
    sources.set(path, text)
    for (const target of importsOf(text)) {
      const candidates = importCandidates(path, target)
      const found = candidates.find((candidate) => existsSync(join(root, candidate)))
      if (found !== undefined) waiting.push(found)
      else if (!isBundledImport(target)) isComplete = false
    }
  }
  return { sources, file, isComplete }
}
