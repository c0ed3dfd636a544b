import { describe, expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import type { SwapEntry } from '../../../src/model/swap-entry.ts'
import { planClosing } from '../../../src/protocol/close-plan.ts'
import { foldEntry } from '../../../src/protocol/fold.ts'
import { planForget } from '../../../src/protocol/forget-plan.ts'
import { decideStaging } from '../../../src/protocol/garbage.ts'
import { planSwap, type SwapFacts } from '../../../src/protocol/swap-plan.ts'
import { appendEntry, entryBase, foldAll, stream } from '../../support/log-samples.ts'
import {
  announced,
  away,
  begun,
  forgetOf,
  hour,
  mergeOf,
  one,
  open,
  outputOf,
  ready,
  readyOf,
  replaced,
  replaceOf,
  swapCommit,
  told,
  two,
  undoOf,
  why,
  writerCommit,
} from '../../support/swap-samples.ts'

describe('planning a swap', () => {
  const facts = (state: FoldState, changes: Partial<SwapFacts> = {}): SwapFacts => ({
    state,
    publishedHere: new Set(),
    commitId: swapCommit(0),
    why: 'merge',
    stream,
    partitionPath: hour.path,
    inputs: undefined,
    ...changes,
  })

  test.each([
    ['a merge', open, {}],
    ['a merge of what this process has published', foldAll(begun), { publishedHere: true }],
    ['a refill of what is gone', foldAll(begun), { why: 'refill' }],
    ['a replacement of what is announced', ready, { why: 'replace' }],
  ] as const)('%s is planned as the log will take it', (_, state, changes) => {
    const here = 'publishedHere' in changes ? new Set([writerCommit(1)]) : new Set<never>()
    const asked = 'why' in changes ? { why: changes.why } : {}
    const plan = planSwap(facts(state, { ...asked, publishedHere: here }))
    if (plan.kind !== 'swap') throw new Error(plan.because)
    expect(plan.inputRowCount).toBe(20)
    const { swap } = plan
    const body = { files: [outputOf(0, swap.location)] }
    const entry = mergeOf(0, { ...swap, body })
    expect(why(state, entry)).toBeUndefined()
  })

  test('an undo is planned once its output is known as published', () => {
    expect(planSwap(facts(replaced, { why: 'undo' }))).toMatchObject({ kind: 'wait' })
    const publishedHere = new Set([swapCommit(0)])
    const plan = planSwap(facts(replaced, { why: 'undo', commitId: swapCommit(2), publishedHere }))
    expect(plan).toMatchObject({ kind: 'swap', swap: { restored: [one.path, two.path] } })
    const known = appendEntry(swapCommit(1), { publishedNext: 1 })
    const state = foldEntry(replaced, replaced.next, known, '').state
    if (plan.kind === 'swap') {
      expect(why(state, { ...undoOf(2, 0), ...plan.swap })).toBeUndefined()
    }
    expect(planSwap(facts(ready, { why: 'undo' }))).toMatchObject({ kind: 'refuse' })
    const forgotten = foldEntry(state, state.next, forgetOf(swapCommit(0), two.path), '').state
    expect(planSwap(facts(forgotten, { why: 'undo' }))).toMatchObject({
      because: expect.stringContaining('was given up'),
    })
  })

  test('what cannot be is refused, what is not yet waits, each with its reason', () => {
    const outcome = (state: FoldState, changes: Partial<SwapFacts>): unknown => {
      const plan = planSwap(facts(state, changes))
      return plan.kind === 'swap' ? 'swap' : `${plan.kind}: ${plan.because}`
    }
    expect(outcome(open, { stream: 'x' })).toBe('refuse: the log knows no such partition')
    expect(outcome(open, { inputs: [] })).toBe('refuse: it has no files')
    expect(outcome(open, { inputs: ['x'] })).toBe('refuse: "x" is not one of its files')
    expect(outcome(foldAll(begun), {})).toBe(`wait: "${one.path}" is not published yet`)
    expect(outcome(foldAll(begun), { why: 'merge', inputs: [two.path] })).toMatch(/wait/)
    expect(outcome(ready, { why: 'refill' })).toMatch(/refuse: it is announced/)
    expect(outcome(ready, { inputs: [one.path] })).toMatch(/every file is swapped, or none/)
    const unknown = facts(replaced, { publishedHere: new Set([swapCommit(0)]) })
    expect(planSwap(unknown)).toMatchObject({ because: 'a file of it is not announced yet' })
  })
})

describe('planning to forget', () => {
  const next = readyOf(4, swapCommit(0), { files: [outputOf(0, away(0))], revision: 2 })
  const graceMs = durationMs(1_000)
  const sinceMs = entryBase(swapCommit(0)).stagedAtMs
  const pathsAt = (state: FoldState, nowMs: number): readonly string[] =>
    planForget({ state, nowMs: unixMs(nowMs), graceMs }).flatMap(({ paths }) => paths)

  test('files that were replaced go when their grace is over and all know of it', () => {
    const state = foldAll([...announced, replaceOf(0, writerCommit(3)), next])
    expect(pathsAt(state, sinceMs + 999)).toEqual([])
    expect(pathsAt(state, sinceMs + 1_000)).toEqual([one.path, two.path])
    const [files] = planForget({ state, nowMs: unixMs(sinceMs + 1_000), graceMs })
    expect(
      why(state, { ...forgetOf(writerCommit(4)), files: files ? [files] : [] }),
    ).toBeUndefined()
    expect(pathsAt(ready, sinceMs + 1_000)).toEqual([])
  })

  test('not before the new place is announced and delivered', () => {
    expect(pathsAt(replaced, sinceMs + 1_000)).toEqual([])
    const waiting = readyOf(4, swapCommit(0), { files: [outputOf(0, away(0))], revision: 2 }, ['w'])
    const state = foldAll([...announced, replaceOf(0, writerCommit(3)), waiting])
    expect(pathsAt(state, sinceMs + 1_000)).toEqual([])
    const elsewhere = state.undelivered.map((one) => ({
      ...one,
      manifest: { ...one.manifest, partitionPath: 'dt=2026-11-20/hour=09' },
    }))
    expect(pathsAt({ ...state, undelivered: elsewhere }, sinceMs + 1_000)).toHaveLength(2)
    const others = state.undelivered.map((one) => ({
      ...one,
      manifest: { ...one.manifest, stream: 'x' },
    }))
    expect(pathsAt({ ...state, undelivered: others }, sinceMs + 1_000)).toHaveLength(2)
  })
})

describe('staging for a swap', () => {
  const journal = (entry: SwapEntry) => ({
    pipeline: 'growth',
    commitId: entry.commitId,
    ranges: [],
    swap: {
      stream: entry.stream,
      partitionPath: entry.partition.path,
      place: entry.place,
      version: entry.version,
      inputs: entry.inputs,
    },
  })
  const kindOver = (state: FoldState, entry: SwapEntry): string =>
    decideStaging(state, entry.commitId, journal(entry)).kind

  test('is kept while it may be decided, and garbage once what it relies on is over', () => {
    expect(kindOver(open, mergeOf(0))).toBe('keep')
    expect(kindOver(foldAll([...begun, told, mergeOf(1)]), mergeOf(0))).toBe('garbage')
    expect(kindOver(ready, mergeOf(0))).toBe('garbage')
    expect(kindOver(open, mergeOf(0, { stream: 'x' }))).toBe('garbage')
    expect(kindOver(ready, replaceOf(0, writerCommit(3)))).toBe('keep')
    expect(kindOver(replaced, replaceOf(1, writerCommit(3)))).toBe('garbage')
  })

  test('of a decided swap is kept until its files are known as published', () => {
    expect(kindOver(foldAll([...begun, told, mergeOf(0)]), mergeOf(0))).toBe('keep')
  })
})

describe('leaving the state', () => {
  const facts = (state: FoldState) => ({
    state,
    nowMs: unixMs(Date.UTC(2027, 0, 1)),
    closeAfterMs: () => durationMs(0),
    closingsMax: 9,
  })

  test('a partition stays while a swapped-out file of it is not forgotten', () => {
    const next = readyOf(4, swapCommit(0), { files: [outputOf(0, away(0))], revision: 2 })
    const known = appendEntry(swapCommit(1), { publishedNext: 1 })
    const state = foldAll([...announced, replaceOf(0, writerCommit(3)), known, next])
    const list = { path: 'list', sizeBytes: 1, sha256: 'a'.repeat(64), previous: '0'.repeat(64) }
    const closing = { stream, partition: hour, version: writerCommit(4), list }
    const entry = {
      kind: 'closed-late',
      ...entryBase(writerCommit(6)),
      closings: [closing],
    } as const
    expect(planClosing(facts(state))).toEqual([])
    expect(why(state, entry)).toMatch(/swapped out and are not forgotten/)
    const forget = forgetOf(writerCommit(4), one.path, two.path)
    const forgotten = foldEntry(state, state.next, forget, '').state
    expect(planClosing(facts(forgotten))).toEqual([])
    expect(why(forgotten, entry)).toMatch(/is not published/)
    const done = appendEntry(swapCommit(9), { publishedNext: 9 })
    const free = foldEntry(forgotten, forgotten.next, done, '').state
    expect(planClosing(facts(free))).toHaveLength(1)
  })
})
