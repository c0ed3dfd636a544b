/** The whole log of a lake, from its first entry, and what it proves on the way. */
import { foldInto } from './fold.ts'
import { type LogState, newState } from './fold-state.ts'
import { type DataFile, type Entry, type Partition, readEntry } from './log-entry.ts'
import { entryAt } from './paths.ts'

export interface JudgedEntry {
  readonly entry: Entry
  readonly decided: boolean
}

export interface JudgedLog {
  readonly entries: readonly JudgedEntry[]
  readonly state: LogState
  /** Files that were lost, and whose rows an operator gave up. */
  readonly givenUpFiles: readonly { readonly file: DataFile; readonly partition: Partition }[]
  /** What could not be read; nothing is known of what follows it. */
  readonly unreadable: string | undefined
}

/** What lies, or lay, at a path. */
export type Read = (path: string) => Uint8Array | undefined

/**
 * Folds the log.
 *
 * @param onFolded told after each entry; the state is the same object each time.
 */
export function readLog(
  read: Read,
  pipeline: string,
  onFolded: (state: LogState, judged: JudgedEntry, index: number) => void,
): JudgedLog {
  const state = newState()
  const entries: JudgedEntry[] = []
  const givenUpFiles: JudgedLog['givenUpFiles'][number][] = []
  for (;;) {
    const path = entryAt(pipeline, entries.length)
    const head = read(path)
    if (head === undefined) return { entries, state, givenUpFiles, unreadable: undefined }
    try {
      const entry = readEntry(head, read)
      const lost = lostBy(state, entry)
      const judged = { entry, decided: foldInto(state, entry, head) }
      if (judged.decided) givenUpFiles.push(...lost)
      entries.push(judged)
      onFolded(state, judged, entries.length - 1)
    } catch (error) {
      return {
        entries,
        state,
        givenUpFiles,
        unreadable: `"${path}" cannot be read: ${String(error)}`,
      }
    }
  }
}

/** Live files that it gives up. */
function lostBy({ streams }: LogState, entry: Entry): JudgedLog['givenUpFiles'] {
  if (entry.kind !== 'swap' || entry.lostRowCount === 0) return []
  const { stream, partition, inputs } = entry
  const live = streams.get(stream)?.partitions.get(partition.path)?.files ?? []
  return live.filter(({ path }) => inputs.includes(path)).map((file) => ({ file, partition }))
}

/** What somebody folded who could read the entry after `state`. */
export function readThrough(state: LogState, entry: Entry, head: Uint8Array): LogState {
  const read = structuredClone(state)
  foldInto(read, entry, head)
  return read
}

/**
 * Up to when topic-partitions are known to have brought everything of a stream. What was known
 * once stays known, though newer evidence may not tell it any more.
 */
export class Passed {
  readonly #idleMs: number
  /** By stream and topic-partition. */
  readonly #untilMs = new Map<string, number>()
  #beyond: Passed | undefined

  constructor(idleMs: number) {
    this.#idleMs = idleMs
  }

  /** Topic-partitions that passed a moment of event time. */
  partitions(stream: string, dueMs: number): ReadonlySet<number> {
    const known = [...this.#untilMs].filter(([key]) => key.startsWith(`${stream} `))
    const passed = known.filter(([, untilMs]) => untilMs >= dueMs)
    const here = passed.map(([key]) => Number(/\d+$/.exec(key)?.[0]))
    return new Set([...here, ...(this.#beyond?.partitions(stream, dueMs) ?? [])])
  }

  /**
   * Of an entry that was stepped over: what was announced above it by who could read it stays so,
   * for what it covered is read again, and is the same. Until its notice, which those stop at.
   *
   * @param read all below it, and it.
   */
  lookBeyond(read: LogState, names: readonly string[]): void {
    this.#beyond = new Passed(this.#idleMs)
    this.#beyond.look(read, names)
  }

  /** Its notice: nobody knows of it any more. */
  stopBeyond(): void {
    this.#beyond = undefined
  }

  look({ streams, positions, evidence }: LogState, names: readonly string[]): void {
    for (const [key, { next, sinceMs }] of positions.get('lake') ?? []) {
      const proof = evidence.get(key)
      for (const name of names) {
        const progress = streams.get(name)?.progress.get(key)
        if (progress !== undefined) this.#raise(`${name} ${key}`, progress.eventWatermarkMs)
        const quietMs = (progress?.rowsAtMs ?? sinceMs) + this.#idleMs
        if (proof === undefined || BigInt(next) < BigInt(proof.highWatermark)) continue
        if (proof.askedAtMs < quietMs) continue
        this.#raise(`${name} ${key}`, proof.askedAtMs - this.#idleMs)
      }
    }
  }

  /** An operator moved it: nothing is known of the reading that begins. */
  forget(key: string): void {
    for (const known of this.#untilMs.keys())
      if (known.endsWith(` ${key}`)) this.#untilMs.delete(known)
  }

  #raise(key: string, untilMs: number): void {
    this.#untilMs.set(key, Math.max(this.#untilMs.get(key) ?? untilMs, untilMs))
  }
}
