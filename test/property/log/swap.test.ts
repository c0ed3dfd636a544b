/**
 * Swaps, undo and forget, planned on folds as old as they like: what the log makes of them keeps
 * every row, brings back nothing that was given up, and is the same from any checkpoint.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import { completeEntry, encodeEntry, parseEntryHead } from '../../../src/codec/log/entry.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import type { FoldedPartition, FoldState } from '../../../src/model/fold-state.ts'
import { type CommitId, commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { emptyFold, foldEntry, headChecksumOf } from '../../../src/protocol/fold.ts'
import { planForget } from '../../../src/protocol/forget-plan.ts'
import { publishedPath } from '../../../src/protocol/log-paths.ts'
import { planSwap } from '../../../src/protocol/swap-plan.ts'
import {
  appendEntry,
  entryBase,
  namedFiles,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleRange,
  startRange,
  stream,
  table,
} from '../../support/log-samples.ts'

interface Step {
  readonly kind: 'append' | 'tell' | 'ready' | 'merge' | 'replace' | 'undo' | 'refill' | 'forget'
  readonly writer: number
  /** How many entries the planner's fold is behind. */
  readonly behind: number
  readonly amount: number
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(
      ...(['append', 'append', 'append', 'tell', 'tell', 'tell', 'ready', 'ready'] as const),
      ...(['merge', 'merge', 'replace', 'replace', 'undo', 'undo', 'undo', 'undo'] as const),
      ...(['refill', 'forget'] as const),
    ),
    writer: fc.nat(1),
    behind: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(4)),
    amount: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 12, maxLength: 40, size: 'max' },
)

const hour = sampleHour(13)
const writerOf = (number: number) => writerId(`${number}`.repeat(32))
const partitionIn = (state: FoldState): FoldedPartition | undefined =>
  state.streams.get(stream)?.partitions.get(hour.path)

const fileOf = (commitId: CommitId, rowCount: number, location?: string): DataFile => {
  const name = { pipeline: 'growth', table, partitionPath: hour.path, commitId, ordinal: 0 }
  return { ...sampleFile(commitId, 13), path: publishedPath(name, location), rowCount }
}

/** The entry that somebody makes over the fold `seen`; undefined when he finds nothing to do. */
function entryOf(seen: FoldState, step: Step, commitId: CommitId): LogEntry | undefined {
  const partition = partitionIn(seen)
  switch (step.kind) {
    case 'append': {
      const next = seen.positions.get('lake')?.values().next().value?.next
      const at = Number(next ?? 0n)
      if (next === undefined) return appendEntry(commitId, { ranges: [startRange(0, 0)] })
      return appendEntry(commitId, {
        ranges: [sampleRange(0, at, at + step.amount)],
        places: [{ stream, partition: hour }],
        body: { files: [fileOf(commitId, step.amount)] },
      })
    }
    case 'tell':
      return appendEntry(commitId, { published: [...seen.unpublished.keys()] })
    case 'ready': {
      const revision = (partition?.revision ?? 0) + 1
      const told = namedFiles(partition?.files ?? [], partition?.manifest)
      const manifest = { ...sampleManifest(13, revision), ...told }
      const version = partition?.version
      const announcement = { stream, partition: hour, version, manifest, targets: [] }
      return { kind: 'ready', ...entryBase(commitId), announcements: [announcement] }
    }
    case 'forget': {
      const facts = { state: seen, nowMs: unixMs(Date.UTC(2027, 0, 1)), graceMs: durationMs(0) }
      const files = planForget(facts)
      return { kind: 'forget', ...entryBase(commitId), why: 'gc', commits: [], files }
    }
    default:
      return swapOf(seen, step.kind, step.amount, commitId)
  }
}

function swapOf(
  state: FoldState,
  why: 'merge' | 'replace' | 'undo' | 'refill',
  amount: number,
  commitId: CommitId,
): LogEntry | undefined {
  // Whoever merges has published what he takes, which the log need not know yet.
  const publishedHere = new Set(why === 'undo' ? [] : state.unpublished.keys())
  const facts = { state, publishedHere, commitId, why, stream }
  const plan = planSwap({ ...facts, partitionPath: hour.path, inputs: undefined })
  if (plan.kind !== 'swap') return undefined
  const { swap, inputRowCount } = plan
  const lostRowCount = why === 'refill' ? Math.min(amount, inputRowCount) : 0
  const rowCount = why === 'replace' ? inputRowCount + amount : inputRowCount - lostRowCount
  const files = why === 'undo' || rowCount === 0 ? [] : [fileOf(commitId, rowCount, swap.location)]
  return {
    kind: 'swap',
    ...entryBase(commitId),
    ...swap,
    reason: '',
    lostRowCount,
    body: { files },
  }
}

interface Happened {
  readonly entry: LogEntry
  readonly decided: boolean
  readonly before: FoldState
  readonly after: FoldState
}

const folded = (state: FoldState, entry: LogEntry) => {
  const { head } = encodeEntry(entry, () => 'body')
  const read = completeEntry(parseEntryHead(head, 'x'), undefined, 'x')
  return foldEntry(state, state.next, read, headChecksumOf(head))
}

function historyOf(drawn: readonly Step[]): readonly Happened[] {
  const history: Happened[] = []
  const states = [emptyFold()]
  for (const [counter, step] of drawn.entries()) {
    const seen = states[Math.max(0, states.length - 1 - step.behind)] ?? emptyFold()
    const before = states.at(-1) ?? emptyFold()
    const entry = entryOf(seen, step, commitIdOf(writerOf(step.writer), counter))
    if (entry === undefined) continue
    const { state: after, verdict } = folded(before, entry)
    history.push({ entry, decided: verdict.kind === 'decided', before, after })
    states.push(after)
  }
  return history
}

const written = (state: FoldState): string => Buffer.from(encodeCheckpoint(state)).toString('hex')
const rowsIn = (state: FoldState): number =>
  (partitionIn(state)?.files ?? []).reduce((sum, { rowCount }) => sum + rowCount, 0)

test('no row is lost or doubled but by a replacement, and by a refill as it says', () => {
  const seen: Record<string, number> = {}
  const law = fc.property(steps, (drawn) => {
    for (const { entry, decided, before, after } of historyOf(drawn)) {
      const name = entry.kind === 'swap' ? entry.why : entry.kind
      const verdict = decided ? name : `${name} void`
      seen[verdict] = (seen[verdict] ?? 0) + 1
      const grown = rowsIn(after) - rowsIn(before)
      if (!decided) expect(grown).toBe(0)
      else if (entry.kind === 'append') {
        expect(grown).toBe(entry.body.files.reduce((sum, { rowCount }) => sum + rowCount, 0))
      } else if (entry.kind !== 'swap') expect(grown).toBe(0)
      else if (entry.why === 'merge' || entry.why === 'refill') {
        expect(grown).toBe(0 - entry.lostRowCount)
      }
    }
  })
  fc.assert(law, { numRuns: 200 })
  const often = ['merge', 'replace', 'undo', 'refill', 'forget', 'ready']
  const rarely = ['merge void', 'replace void', 'ready void']
  expect([...often, ...rarely].filter((name) => seen[name] === undefined)).toEqual([])
})

test('what was given up is never live again, and what is to be deleted is not live', () => {
  const law = fc.property(steps, (drawn) => {
    const givenUp = new Set<string>()
    for (const { entry, decided, after } of historyOf(drawn)) {
      if (decided && entry.kind === 'swap' && entry.place === 'open') {
        for (const path of entry.inputs) givenUp.add(path)
      }
      if (decided && entry.kind === 'forget') {
        for (const { paths } of entry.files) for (const path of paths) givenUp.add(path)
      }
      const partition = partitionIn(after)
      const live = (partition?.files ?? []).map(({ path }) => path)
      const removed = (partition?.removed ?? []).map(({ file }) => file.path)
      expect(new Set([...live, ...removed]).size).toBe(live.length + removed.length)
      expect([...live, ...removed].filter((path) => givenUp.has(path))).toEqual([])
      for (const { files, removals = [] } of after.unpublished.values()) {
        for (const { path } of removals) expect(givenUp).toContain(path)
        for (const { path } of files) expect(givenUp).not.toContain(path)
      }
    }
  })
  fc.assert(law, { numRuns: 60 })
})

test('all live files of a partition lie in its location, and no entry moves them but a swap', () => {
  const law = fc.property(steps, (drawn) => {
    for (const { entry, before, after } of historyOf(drawn)) {
      const partition = partitionIn(after)
      const location = partition?.location ?? `${table}/${hour.path}`
      for (const { path } of partition?.files ?? []) expect(path).toContain(`${location}/`)
      if (entry.kind === 'swap') continue
      expect(partition?.location).toBe(partitionIn(before)?.location)
    }
  })
  fc.assert(law, { numRuns: 40 })
})

test('from a checkpoint at any point the rest gives the same bytes', () => {
  const law = fc.property(steps, fc.nat(30), (drawn, cut) => {
    const history = historyOf(drawn)
    const from = history[Math.min(cut, history.length - 1)]
    if (from === undefined) return
    let state = parseCheckpoint(encodeCheckpoint(from.before), 'checkpoint')
    for (const { entry, after } of history.slice(history.indexOf(from))) {
      state = folded(state, entry).state
      expect(written(state)).toBe(written(after))
    }
  })
  fc.assert(law, { numRuns: 30 })
})
