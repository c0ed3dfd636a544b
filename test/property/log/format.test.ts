/** Logs that writers of several versions put to: what is decided, and who can read how far. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCheckpoint, parseCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import {
  completeEntry,
  encodeEntry,
  parseEntryHead,
  storedBodyOf,
} from '../../../src/codec/log/entry.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { emptyFold, foldEntry, headChecksumOf } from '../../../src/protocol/fold.ts'
import { faultOf } from '../../support/thrown.ts'
import { entryOf, moves } from './log-arbitrary.ts'

const newest = 3

/** How far an entry's format is from the one in force: mostly it is that one. */
const shifts = fc.array(fc.constantFrom(0, 0, 0, 0, 1, 2, -1), { minLength: 40, maxLength: 40 })

const headOf = (entry: LogEntry): Uint8Array => encodeEntry(entry, () => 'body').head
const step = (state: FoldState, entry: LogEntry) =>
  foldEntry(state, state.next, entry, headChecksumOf(headOf(entry)))
const written = (state: FoldState): string => Buffer.from(encodeCheckpoint(state)).toString('hex')

/** What does not change when an entry is void. */
const kept = ({ config, positions, streams, evidence, unpublished, undelivered }: FoldState) =>
  JSON.stringify([config, positions, streams, evidence, unpublished, undelivered].map(plain))
const plain = (value: unknown): unknown =>
  JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return String(part)
    return part instanceof Map ? [...part] : part
  })

interface History {
  readonly entries: readonly LogEntry[]
  /** Before each entry, and after the last. */
  readonly states: readonly FoldState[]
  readonly decided: readonly boolean[]
}

const histories: fc.Arbitrary<History> = fc.tuple(moves, shifts).map(([drawn, shifted]) => {
  const entries: LogEntry[] = []
  const states = [emptyFold()]
  const decided: boolean[] = []
  for (const [at, move] of drawn.entries()) {
    const before = states.at(-1) ?? emptyFold()
    const inForce = before.config.format
    // Every other config entry raises the format, or there would be few histories with several.
    const shift = move.kind === 'config' ? at % 2 : (shifted[at] ?? 0)
    const format = Math.min(newest, Math.max(1, inForce + shift))
    const entry = { ...entryOf(before, move), format }
    const { state, verdict } = step(before, entry)
    entries.push(entry)
    states.push(state)
    decided.push(verdict.kind === 'decided')
  }
  return { entries, states, decided }
})

const at = <T>(items: readonly T[], index: number): T => {
  const item = items[index]
  if (item === undefined) throw new Error(`nothing at ${index}`)
  return item
}

test('the format is raised by decided config entries alone, and never falls', () => {
  let [raised, refused] = [0, 0]
  const law = fc.property(histories, ({ entries, states, decided }) => {
    for (const [index, entry] of entries.entries()) {
      const [before, after] = [at(states, index), at(states, index + 1)]
      const [from, to] = [before.config.format, after.config.format]
      const isRaise = entry.kind === 'config' && at(decided, index) && entry.format > from
      expect(to).toBe(isRaise ? entry.format : from)
      if (isRaise) raised += 1
      const isOther = entry.format !== from && !isRaise
      const isStandIn = entry.kind === 'void' && entry.format === 1
      if (!isOther || isStandIn) continue
      expect(at(decided, index), `${entry.kind} of ${entry.format} in ${from}`).toBe(false)
      expect(kept(after)).toBe(kept(before))
      refused += 1
    }
  })
  fc.assert(law, { numRuns: 500 })
  expect(raised).toBeGreaterThan(30)
  expect(refused).toBeGreaterThan(300)
})

test('from any checkpoint a log of several formats folds to the same bytes', () => {
  const law = fc.property(histories, fc.nat(40), ({ entries, states }, cut) => {
    const from = Math.min(cut, entries.length)
    let state = parseCheckpoint(encodeCheckpoint(at(states, from)), 'checkpoint', newest)
    expect(state.config.format).toBe(at(states, from).config.format)
    for (const entry of entries.slice(from)) state = step(state, entry).state
    expect(written(state)).toBe(written(at(states, entries.length)))
  })
  fc.assert(law, { numRuns: 80 })
})

test('an older reader folds what others fold, up to what it does not know, and stops by name', () => {
  let stopped = 0
  const law = fc.property(histories, fc.integer({ min: 1, max: newest }), (history, knows) => {
    const { entries, states } = history
    let state = emptyFold()
    for (const entry of entries) {
      const head = headOf(entry)
      if (entry.format > knows) {
        const fault = faultOf(() => parseEntryHead(head, 'log/7.json', knows))
        const facts = { path: 'log/7.json', format: entry.format, newestKnown: knows }
        expect(fault).toMatchObject({ code: 'LOG_FORMAT_TOO_NEW', facts })
        stopped += 1
        break
      }
      const parsed = parseEntryHead(head, 'log/7.json', knows)
      expect(storedBodyOf(parsed)).toBeUndefined()
      const read = completeEntry(parsed, undefined, 'log/7.json')
      state = foldEntry(state, state.next, read, headChecksumOf(head)).state
      expect(written(state)).toBe(written(at(states, state.next)))
    }
    const last = encodeCheckpoint(at(states, entries.length))
    const { format } = at(states, entries.length).config
    if (format <= knows) return
    const fault = faultOf(() => parseCheckpoint(last, 'checkpoints/9', knows))
    expect(fault).toMatchObject({ code: 'LOG_FORMAT_TOO_NEW', facts: { path: 'checkpoints/9' } })
  })
  fc.assert(law, { numRuns: 100 })
  expect(stopped).toBeGreaterThan(30)
})
