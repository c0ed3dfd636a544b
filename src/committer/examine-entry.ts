import { hash } from 'node:crypto'
import { isFault } from '../base/fault.ts'
import { completeEntry, parseEntryHead, storedBodyOf } from '../codec/log/entry.ts'
import { type EntryIndex, entryFormat, type LogEntry } from '../model/log-entry.ts'
import type { Lake } from '../ports/lake.ts'
import { entryPath } from '../protocol/log-paths.ts'

/** What stands at an index of the log. */
export type ExaminedEntry =
  | { readonly kind: 'absent' }
  | { readonly kind: 'whole'; readonly entry: LogEntry }
  /** Head or body are not what an entry is. */
  | {
      readonly kind: 'unreadable'
      readonly head: Uint8Array
      readonly sha256: string
      readonly reason: string
    }

/**
 * Looks whether an entry can be read, with its body.
 *
 * @throws {Fault} `LAKE_…`; `LOG_FORMAT_TOO_NEW`: it is somebody's who can read it.
 */
export async function examineEntry(
  lake: Lake,
  pipeline: string,
  index: EntryIndex,
  newestFormat: number = entryFormat,
): Promise<ExaminedEntry> {
  const path = entryPath(pipeline, index)
  const bytes = await lake.read(path)
  if (bytes === undefined) return { kind: 'absent' }
  try {
    const head = parseEntryHead(bytes, path, newestFormat)
    const body = storedBodyOf(head)
    const bodyBytes = body === undefined ? undefined : await lake.read(body.path)
    return { kind: 'whole', entry: completeEntry(head, bodyBytes, path) }
  } catch (error) {
    if (!isFault(error, 'LOG_ENTRY_UNREADABLE')) throw error
    const { reason } = error.facts
    return { kind: 'unreadable', head: bytes, sha256: hash('sha256', bytes, 'hex'), reason }
  }
}
