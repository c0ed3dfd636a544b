import { describe, expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { planClosing } from '../../../src/protocol/close-plan.ts'
import { foldSwap } from '../../../src/protocol/fold-swap.ts'
import { homeLocation, isSpilled, spillTable } from '../../../src/protocol/log-paths.ts'
import { holdsSpilled, planHome, spilledFileOf } from '../../../src/protocol/spill-plan.ts'
import { planSwap } from '../../../src/protocol/swap-plan.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  sampleFile,
  sampleHour,
  stream,
  table,
} from '../../support/log-samples.ts'

const id = (counter: number) => commitIdOf(writerId('a'.repeat(32)), counter)

const spilled = (counter: number, hour: number, ordinal = 0): DataFile => {
  const file = sampleFile(id(counter), hour, ordinal)
  const away = homeLocation(spillTable('growth', table), sampleHour(hour).path)
  return { ...file, path: `${away}/${file.path.split('/').at(-1)}` }
}

/** Commits of files; `isTold` says in the last entry that all are published. */
function stateOf(commits: readonly (readonly DataFile[])[], isTold = true): FoldState {
  const entries = commits.map((files, counter) => {
    const hours = new Set(files.map(({ partitionPath }) => Number(partitionPath.slice(-2))))
    const places = [...hours].map((hour) => ({ stream, partition: sampleHour(hour) }))
    return appendEntry(id(counter), { places, body: { files } })
  })
  const told = appendEntry(id(commits.length), { publishedNext: isTold ? commits.length : 0 })
  return foldAll([...entries, told])
}

interface KnownHere {
  readonly here?: readonly number[]
  readonly standing?: readonly DataFile[]
}

const planned = (state: FoldState, batchBytesMax = 100, known: KnownHere = {}) =>
  planHome({
    state,
    publishedHere: new Set((known.here ?? []).map(id)),
    standing: new Set((known.standing ?? []).map(({ stagedPath }) => stagedPath)),
    batchBytesMax,
  })
    .map((batch) => ({
      hour: Number(batch.partitionPath.slice(-2)),
      paths: batch.files.map(({ path }) => path),
    }))
    .sort((a, b) => a.hour - b.hour)

test('a partition of our own streams does not leave the state before its files are home', () => {
  const letters = { stream: '_dead_letters', table: 'growth_dead_letters' }
  const closable = (file: DataFile) => {
    const places = [{ stream: letters.stream, partition: sampleHour(13) }]
    const state = foldAll([
      appendEntry(id(0), { places, body: { files: [{ ...file, ...letters }] } }),
      appendEntry(id(1), { publishedNext: 1 }),
    ])
    const facts = { nowMs: sampleHour(99).startMs, closeAfterMs: () => durationMs(0) }
    return planClosing({ ...facts, state, closingsMax: 9 })
  }
  expect(closable(sampleFile(id(0), 13))).toHaveLength(1)
  expect(closable(spilled(0, 13))).toEqual([])
})

describe('files that their table refused', () => {
  test('come home by partition, those at home stay', () => {
    const [one, two, three] = [spilled(0, 13), spilled(1, 13, 1), spilled(1, 14, 2)]
    const state = stateOf([
      [one, sampleFile(id(0), 13, 5)],
      [two, three],
    ])
    expect(planned(state)).toEqual([
      { hour: 13, paths: [one.path, two.path] },
      { hour: 14, paths: [three.path] },
    ])
  })

  test('come in batches, a large one alone', () => {
    const files = [0, 1, 2].map((ordinal) => spilled(0, 13, ordinal))
    const [small, ...rest] = files
    const large = { ...spilled(0, 13, 3), sizeBytes: 1_000 }
    const all = stateOf([[large, ...files]])
    expect(planned(all, 8).map(({ paths }) => paths)).toEqual([
      [large.path],
      [small?.path, rest[0]?.path],
      [rest[1]?.path],
    ])
  })

  test('wait until they are published', () => {
    const state = stateOf([[spilled(0, 13)]], false)
    expect(planned(state)).toEqual([])
    expect(planned(state, 100, { here: [0] })).toHaveLength(1)
  })

  test('do not wait for other files of their commit', () => {
    const [stands, waits] = [spilled(0, 13), spilled(0, 14, 1)]
    const state = stateOf([[stands, waits]], false)
    expect(planned(state, 100, { standing: [stands] })).toEqual([
      { hour: 13, paths: [stands.path] },
    ])
  })

  test('come home to an announced partition too: late rows that no revision names yet', () => {
    const state = stateOf([[spilled(0, 13)]])
    const folded = state.streams.get(stream)
    const known = folded?.partitions.get(sampleHour(13).path)
    if (folded === undefined || known === undefined) throw new Error('the partition is there')
    const announced = { ...known, place: 'announced' } as const
    const partitions = new Map([[sampleHour(13).path, announced]])
    const streams = new Map([[stream, { ...folded, partitions }]])
    expect(planned({ ...state, streams })).toEqual(planned(state))
    expect(planned(state)).toHaveLength(1)
  })

  test('are told apart from those at home, also after they have come', () => {
    const file = spilled(0, 13)
    const state = stateOf([[file]])
    const at = (folded: FoldState) =>
      folded.streams.get(stream)?.partitions.get(sampleHour(13).path)
    const known = at(state)
    expect(known && spilledFileOf(known)).toEqual(file)
    expect(isSpilled(file.path)).toBe(true)
    const facts = { state, publishedHere: new Set<never>(), commitId: id(2), stream }
    const partitionPath = sampleHour(13).path
    const plan = planSwap({ ...facts, why: 'move', partitionPath, inputs: [file.path] })
    if (plan.kind !== 'swap') throw new Error(plan.because)
    const home = sampleFile(id(2), 13)
    const draft = { kind: 'swap', reason: '', lostRowCount: 0, body: { files: [home] } } as const
    const entry = { ...entryBase(id(2)), ...plan.swap, ...draft }
    const after = at(foldSwap(state, 2, entry))
    expect(after?.files).toEqual([home])
    expect(after && spilledFileOf(after)).toBeUndefined()
    expect(isSpilled(home.path)).toBe(false)
  })
})

test('whether anything lies in the spill area is told without a look at the lake', () => {
  expect(holdsSpilled(stateOf([[sampleFile(id(0), 13)]]))).toBe(false)
  expect(holdsSpilled(stateOf([[sampleFile(id(0), 13)], [spilled(1, 14)]]))).toBe(true)
})
