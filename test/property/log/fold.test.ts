import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCheckpoint, parseCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import {
  completeEntry,
  encodeEntry,
  parseEntryHead,
  storedBodyOf,
} from '../../../src/codec/log/entry.ts'
import { countsAddUp } from '../../../src/model/counts.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import {
  type EntryVerdict,
  emptyFold,
  foldEntry,
  headChecksumOf,
} from '../../../src/protocol/fold.ts'
import { decideStaging } from '../../../src/protocol/garbage.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import { entryOf, type Move, moves } from './log-arbitrary.ts'

interface History {
  readonly entries: readonly LogEntry[]
  readonly verdicts: readonly EntryVerdict[]
  /** States before each entry, and after the last. */
  readonly states: readonly FoldState[]
}

const headOf = (entry: LogEntry): Uint8Array => encodeEntry(entry, () => 'body').head

const step = (state: FoldState, entry: LogEntry): ReturnType<typeof foldEntry> =>
  foldEntry(state, state.next, entry, headChecksumOf(headOf(entry)))

function historyOf(drawn: readonly Move[]): History {
  const entries: LogEntry[] = []
  const verdicts: EntryVerdict[] = []
  const states = [emptyFold()]
  for (const move of drawn) {
    const before = states.at(-1) ?? emptyFold()
    const entry = entryOf(before, move)
    const { state, verdict } = step(before, entry)
    entries.push(entry)
    verdicts.push(verdict)
    states.push(state)
  }
  return { entries, verdicts, states }
}

const written = (state: FoldState): string => Buffer.from(encodeCheckpoint(state)).toString('hex')
const throughCheckpoint = (state: FoldState): FoldState =>
  parseCheckpoint(encodeCheckpoint(state), 'checkpoint')

test('from any checkpoint the rest of the log folds to the same bytes and the same verdicts', () => {
  let [decided, voided] = [0, 0]
  const law = fc.property(moves, fc.nat(40), (drawn, cut) => {
    const { entries, verdicts, states } = historyOf(drawn)
    const from = Math.min(cut, entries.length)
    let state = throughCheckpoint(states[from] ?? emptyFold())
    for (const [index, entry] of entries.slice(from).entries()) {
      const folded = step(state, entry)
      expect(folded.verdict).toEqual(verdicts[from + index])
      state = folded.state
    }
    expect(written(state)).toBe(written(states.at(-1) ?? emptyFold()))
    decided += verdicts.filter(({ kind }) => kind === 'decided').length
    voided += verdicts.filter(({ kind }) => kind === 'void').length
  })
  fc.assert(law, { numRuns: 80 })
  expect(decided).toBeGreaterThan(150)
  expect(voided).toBeGreaterThan(50)
})

test('a state written down and read back is written down as the same bytes', () => {
  const law = fc.property(moves, (drawn) => {
    const state = historyOf(drawn).states.at(-1) ?? emptyFold()
    expect(written(throughCheckpoint(state))).toBe(written(state))
  })
  fc.assert(law, { numRuns: 50 })
})

test('folding on leaves every earlier state as it was', () => {
  const law = fc.property(moves, (drawn) => {
    const { entries, states } = historyOf(drawn)
    const before = states.map(written)
    for (const [index, entry] of entries.entries()) step(states[index] ?? emptyFold(), entry)
    expect(states.map(written)).toEqual(before)
  })
  fc.assert(law, { numRuns: 25 })
})

test('a void entry changes nothing but voids, writers, next and checksum', () => {
  let seen = 0
  const law = fc.property(moves, (drawn) => {
    const { verdicts, states } = historyOf(drawn)
    for (const [index, { kind }] of verdicts.entries()) {
      const [before, after] = [states[index], states[index + 1]]
      if (kind !== 'void' || before === undefined || after === undefined) continue
      const { voids, voidCount, writers, next, checksum } = before
      expect(written({ ...after, voids, voidCount, writers, next, checksum })).toBe(written(before))
      expect([after.next, after.voidCount]).toEqual([next + 1, voidCount + 1])
      expect(after.checksum).not.toBe(checksum)
      seen++
    }
  })
  fc.assert(law, { numRuns: 50 })
  expect(seen).toBeGreaterThan(30)
})

test('positions and watermarks go back with an operator’s move alone, reset epochs never', () => {
  let moved = 0
  const law = fc.property(moves, (drawn) => {
    const { entries, states } = historyOf(drawn)
    for (const [index, after] of states.slice(1).entries()) {
      const before = states[index] ?? emptyFold()
      for (const [lane, ofLane] of before.positions) {
        for (const [key, { next, resetEpoch = 0 }] of ofLane) {
          const then = after.positions.get(lane)?.get(key)
          expect(then?.resetEpoch ?? 0).toBeGreaterThanOrEqual(resetEpoch)
          if (then?.resetEpoch !== before.positions.get(lane)?.get(key)?.resetEpoch) moved++
          else expect(then?.next).toBeGreaterThanOrEqual(next)
        }
      }
      const wasMoved = entries[index]?.kind === 'source'
      for (const [name, { progress }] of before.streams) {
        if (wasMoved) continue
        const then = after.streams.get(name)?.progress
        for (const [key, { eventWatermarkMs }] of progress) {
          expect(then?.get(key)?.eventWatermarkMs).toBeGreaterThanOrEqual(eventWatermarkMs)
        }
      }
    }
  })
  fc.assert(law, { numRuns: 200 })
  expect(moved).toBeGreaterThan(3)
})

/** True where a decided append says that its rows of the partition are late. */
const bringsLate = (entry: LogEntry | undefined, stream: string, path: string): boolean =>
  entry?.kind === 'append' &&
  entry.places.some((at) => at.late === true && at.stream === stream && at.partition.path === path)

const calm = { writer: 0, at: 0, faulty: false, telling: false }
/** An hour is announced, and gets a row: chance draws that in one history of a hundred. */
const lateAppend: Move[] = [
  { ...calm, kind: 'ready', hour: 4, length: 0 },
  { ...calm, kind: 'append', hour: 0, length: 0 },
  { ...calm, kind: 'append', hour: 4, length: 1, telling: true },
]

test('announced partitions keep their files until they are closed, whatever an operator moves', () => {
  let grown = 0
  const law = fc.property(moves, (drawn) => {
    const { entries, states } = historyOf(drawn)
    for (const [index, after] of states.slice(1).entries()) {
      const before = states[index] ?? emptyFold()
      for (const [name, { partitions }] of before.streams) {
        for (const [path, { place, files, version }] of partitions) {
          if (place === 'open') continue
          const then = after.streams.get(name)?.partitions.get(path)
          if (then === undefined && entries[index]?.kind === 'closed-late') continue
          // Late rows come beside what was announced, and a later revision tells of them.
          const mayGrow = bringsLate(entries[index], name, path)
          expect(then).toMatchObject(mayGrow ? { place } : { place, files, version })
          expect(then?.files.slice(0, files.length)).toEqual(files)
          grown += (then?.files.length ?? 0) > files.length ? 1 : 0
        }
      }
    }
  })
  fc.assert(law, { numRuns: 80, examples: [[lateAppend]] })
  expect(grown).toBeGreaterThan(0)
})

test('staging that is garbage at any time can be decided at no later time', () => {
  let garbage = 0
  const law = fc.property(moves, (drawn) => {
    const { entries, states } = historyOf(drawn)
    for (const [index, state] of states.entries()) {
      const staged = entries.flatMap((entry) => (entry.kind === 'append' ? [entry] : []))
      for (const entry of staged) {
        const { commitId, ranges, replay } = entry
        // Of an entry that lies ahead the fold does not know the letters yet.
        const known = replay?.letters.length === 1 && entries.indexOf(entry) <= index
        const letters = known ? { letters: replay.letters } : {}
        const journal = { pipeline: 'growth', commitId, ranges, ...letters }
        if (decideStaging(state, commitId, journal).kind === 'keep') continue
        garbage++
        for (const later of states.slice(index)) expect(brokenReliance(later, entry)).toBeDefined()
      }
    }
  })
  fc.assert(law, { numRuns: 80 })
  expect(garbage).toBeGreaterThan(20)
})

/** Half of the moves bring letters of two hours, or take some in: chance alone seldom does both. */
const lettersAmongMoves = moves.map((drawn) =>
  drawn.map((move, at): Move => {
    if (at % 2 === 1) return move
    return { ...move, kind: at % 4 === 0 ? 'letters' : 'replay', hour: move.hour % 2 }
  }),
)

test('late letters are taken in once, and every event that was read keeps one fate', () => {
  let [taken, again] = [0, 0]
  const law = fc.property(lettersAmongMoves, (drawn) => {
    const { entries, verdicts, states } = historyOf(drawn)
    const spent = new Set<string>()
    for (const [index, entry] of entries.entries()) {
      if (entry.kind !== 'append' || entry.replay === undefined) continue
      const isDecided = verdicts[index]?.kind === 'decided'
      for (const { commitId } of entry.replay.letters) {
        if (spent.has(commitId)) again += 1
        if (!isDecided) continue
        expect(spent.has(commitId)).toBe(false)
        spent.add(commitId)
        taken += 1
      }
      const [before, after] = [states[index], states[index + 1]].map(readIn)
      if (isDecided) expect(after).toBe(before)
    }
    for (const { streams } of states) {
      for (const { partitions } of streams.values()) {
        for (const { counts } of partitions.values()) {
          expect(countsAddUp(counts)).toBe(true)
          expect(Math.min(counts.read, counts.late, counts.written)).toBeGreaterThanOrEqual(0)
        }
      }
    }
  })
  fc.assert(law, { numRuns: 100 })
  expect(taken).toBeGreaterThan(20)
  expect(again).toBeGreaterThan(5)
})

/** Events that were read, of all streams and partitions. */
const readIn = (state: FoldState = emptyFold()): number =>
  [...state.streams.values()].reduce((sum, { partitions, closed }) => {
    const open = [...partitions.values()].reduce((all, { counts }) => all + counts.read, 0)
    return sum + open + (closed?.counts.read ?? 0)
  }, 0)

test('unpublished are exactly the decided commits with files that no decided entry tells of', () => {
  const law = fc.property(moves, (drawn) => {
    const { entries, verdicts, states } = historyOf(drawn)
    const expected = new Set<string>()
    for (const [index, entry] of entries.entries()) {
      if (verdicts[index]?.kind === 'void') continue
      const told = (id: string): boolean =>
        id.startsWith(entry.writerId) && Number(id.split('-')[1]) < entry.publishedNext
      for (const id of [...expected].filter(told)) expected.delete(id)
      for (const id of entry.published) expected.delete(id)
      if (entry.kind === 'append' && entry.body.files.length > 0) expected.add(entry.commitId)
    }
    const last = states.at(-1) ?? emptyFold()
    expect([...last.unpublished.keys()].sort()).toEqual([...expected].sort())
    const ofWriters = [...last.writers.values()].flatMap(({ unpublished }) => unpublished)
    expect(ofWriters.sort()).toEqual([...expected].sort())
  })
  fc.assert(law, { numRuns: 50 })
})

test('every entry is read back as it was written, with its body inside or beside it', () => {
  const law = fc.property(moves, (drawn) => {
    for (const entry of historyOf(drawn).entries) {
      const encoded = encodeEntry(entry, (sha256) => `bodies/${sha256}`)
      const head = parseEntryHead(encoded.head, 'entry')
      expect(storedBodyOf(head)).toBeUndefined()
      expect(completeEntry(head, undefined, 'entry')).toEqual(entry)
    }
  })
  fc.assert(law, { numRuns: 25 })
})
