/**
 * Whose rows a file holds: followed from the append that wrote them through swaps.
 *
 * Invariant: a swap is followed where it keeps the rows of one commit together. A refill takes
 * files of one commit, and the files of a move stand in the order of what they take the place of.
 * Of a file that grew it is the append that began it: what came later is in no refill.
 */
import type { LogEntry } from '../model/log-entry.ts'

/**
 * Takes one more decided entry, in the order of the log.
 *
 * @param origins by path.
 * @param own stands for the entry.
 */
export function noteOrigins<T>(origins: Map<string, T>, entry: LogEntry, own: T): void {
  if (entry.kind === 'append') {
    for (const { path, base } of entry.body.files) if (base === undefined) origins.set(path, own)
  }
  if (entry.kind !== 'swap' || (entry.why !== 'refill' && entry.why !== 'move')) return
  for (const [at, { path }] of entry.body.files.entries()) {
    const origin = origins.get(entry.inputs[entry.why === 'move' ? at : 0] ?? '')
    if (origin !== undefined) origins.set(path, origin)
  }
}
