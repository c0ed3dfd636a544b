/**
 * The files that make up a service, each with its size and checksum, committed in `locks/`. What
 * was fetched is used only when it is exactly that.
 *
 *     { "version": "4.3.1",
 *       "files": { "kafka-clients-4.3.1.jar": { "sizeBytes": …, "sha256": "…" } } }
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockedFile {
  readonly sizeBytes: number
  readonly sha256: string
}

export type FileTable = Readonly<Record<string, LockedFile>>

export interface ArtifactLock {
  readonly version: string
  readonly files: FileTable
  /** Of a Go module or an npm package: the checksum over its files, as Go or npm writes it. */
  readonly moduleSum?: string
}

export type LockDifference =
  | { readonly kind: 'missing'; readonly file: string }
  | { readonly kind: 'unexpected'; readonly file: string }
  | {
      readonly kind: 'changed'
      readonly file: string
      readonly locked: LockedFile
      readonly found: LockedFile
    }

const digitsInName = 12

/** What keeps a folder from being used, sorted by file. Pure. */
export function differencesOf(locked: FileTable, found: FileTable): readonly LockDifference[] {
  const names = [...new Set([...Object.keys(locked), ...Object.keys(found)])].sort()
  return names.flatMap((file): readonly LockDifference[] => {
    const wanted = locked[file]
    const there = found[file]
    if (there === undefined) return [{ kind: 'missing', file }]
    if (wanted === undefined) return [{ kind: 'unexpected', file }]
    const isSame = wanted.sizeBytes === there.sizeBytes && wanted.sha256 === there.sha256
    return isSame ? [] : [{ kind: 'changed', file, locked: wanted, found: there }]
  })
}

/** One difference in words, both values named. */
export function differenceText(difference: LockDifference): string {
  const { kind, file } = difference
  switch (kind) {
    case 'missing':
      return `"${file}" is missing`
    case 'unexpected':
      return `"${file}" is not in the lock`
    case 'changed': {
      const { locked, found } = difference
      const text = ({ sizeBytes, sha256 }: LockedFile): string => `${sizeBytes} bytes ${sha256}`
      return `"${file}" has ${text(found)}, the lock has ${text(locked)}`
    }
  }
}

/** Name of the folder for what a lock names: another version or checksum is another folder. */
export function cachedName(name: string, lock: ArtifactLock): string {
  const sorted = Object.entries(lock.files).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const all = JSON.stringify(sorted) + (lock.moduleSum ?? '')
  const sum = createHash('sha256').update(all).digest('hex')
  return `${name}-${lock.version}-${sum.slice(0, digitsInName)}`
}

/** Size and checksum of each file of a folder. */
export function tableOf(folder: string): FileTable {
  const entries = readdirSync(folder).map((file) => {
    const bytes = readFileSync(join(folder, file))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return [file, { sizeBytes: bytes.length, sha256 }] as const
  })
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

const lockPath = (name: string): string => join(import.meta.dirname, 'locks', `${name}.json`)

/** @throws {Error} there is none yet: the service cannot be trusted, `lock` makes one. */
export function readLock(name: string): ArtifactLock {
  const path = lockPath(name)
  if (!existsSync(path)) {
    throw new Error(`"${name}" has no lock; npm run services -- lock ${name} makes it`)
  }
  return JSON.parse(readFileSync(path, 'utf8')) as ArtifactLock
}

/** Replaces the lock. @returns its path. */
export function writeLock(name: string, lock: ArtifactLock): string {
  const path = lockPath(name)
  writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`)
  return path
}
