/**
 * What must hold of a lake whose log was judged: what is covered, and which objects stand.
 */
import { expect } from 'vitest'
import { encodeCheckpoint } from '../../src/codec/log/checkpoint.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import { topicPartitionName } from '../../src/model/topic-partition.ts'
import type { SimStore } from '../sim/lake.ts'
import type { JudgedLog } from './judged-log.ts'

/** Ranges of decided appends by topic-partition, in the order of the log: "[0,5) [5,9)". */
export function coverage({ entries }: JudgedLog): Readonly<Record<string, string>> {
  const covered: Record<string, string[]> = {}
  for (const { entry, decided } of entries) {
    if (!decided || entry.kind !== 'append') continue
    for (const { source, first, next } of entry.ranges) {
      const ranges = (covered[topicPartitionName(source)] ??= [])
      if (next > first) ranges.push(`[${first},${next})`)
    }
  }
  return Object.fromEntries(Object.entries(covered).map(([name, at]) => [name, at.join(' ')]))
}

/** Every offset in [first, next) of every topic-partition is covered exactly once, in order. */
export function expectCoveredOnce(log: JudgedLog, next: Readonly<Record<string, number>>): void {
  const reached: Record<string, bigint> = {}
  for (const { entry, decided } of log.entries) {
    if (!decided || entry.kind !== 'append') continue
    for (const range of entry.ranges) {
      const name = topicPartitionName(range.source)
      expect(range.first, `${name} goes on where it ended`).toBe(reached[name] ?? range.first)
      reached[name] = range.next
    }
  }
  const expected = Object.entries(next).map(([name, at]) => [name, BigInt(at)])
  expect(reached).toEqual(Object.fromEntries(expected))
}

/** Standing as Parquet files are exactly the files that the log holds as live, with their bytes. */
export function expectPublishedExactly(log: JudgedLog, store: SimStore): void {
  const live = [...log.state.streams.values()].flatMap(({ partitions }) =>
    [...partitions.values()].flatMap(({ files }) => files),
  )
  const standing = [...store.keys()].filter((path) => path.endsWith('.parquet'))
  expect(standing.sort()).toEqual(live.map(({ path }) => path).sort())
  for (const { path, sizeBytes } of live) {
    expect(store.get(path)?.body.byteLength, path).toBe(sizeBytes)
  }
}

/** Two states that would be written down as the same bytes. */
export function expectSameState(a: FoldState, b: FoldState): void {
  const text = (state: FoldState): string => Buffer.from(encodeCheckpoint(state)).toString('hex')
  expect(text(a)).toBe(text(b))
}
