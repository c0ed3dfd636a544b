/**
 * A judge of logs that knows entries and the fold, and nothing of who wrote them or how. It takes
 * no checkpoint.
 */
import { completeEntry, parseEntryHead, storedBodyOf } from '../../src/codec/log/entry.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import type { LogEntry } from '../../src/model/log-entry.ts'
import { emptyFold, foldEntry, headChecksumOf } from '../../src/protocol/fold.ts'
import { entryPath } from '../../src/protocol/log-paths.ts'
import type { SimStore } from '../sim/lake.ts'

interface JudgedEntry {
  readonly entry: LogEntry
  readonly decided: boolean
  /** The fold of everything below it. */
  readonly before: FoldState
}

export interface JudgedLog {
  readonly entries: readonly JudgedEntry[]
  readonly state: FoldState
}

/** Folds the whole log of a simulated lake, from its first entry. */
export function judgeLog(store: Pick<SimStore, 'get'>, pipeline: string): JudgedLog {
  let state = emptyFold()
  const entries: JudgedEntry[] = []
  for (;;) {
    const path = entryPath(pipeline, entries.length)
    const head = store.get(path)?.body
    if (head === undefined) return { entries, state }
    const parsed = parseEntryHead(head, path, Number.MAX_SAFE_INTEGER)
    const body = storedBodyOf(parsed)
    const bodyBytes = body === undefined ? undefined : store.get(body.path)?.body
    const entry = completeEntry(parsed, bodyBytes, path)
    const step = foldEntry(state, entries.length, entry, headChecksumOf(head))
    entries.push({ entry, decided: step.verdict.kind === 'decided', before: state })
    state = step.state
  }
}
