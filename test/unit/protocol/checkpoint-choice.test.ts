import { describe, expect, test } from 'vitest'
import { decideCheckpoint, isCheckpointDue } from '../../../src/protocol/checkpoint-choice.ts'
import type { CheckpointName } from '../../../src/protocol/log-paths.ts'

const at = (next: number, checksum16: string): CheckpointName => ({
  path: `${next}-${checksum16}`,
  next,
  checksum16,
})
const ours = new Map([
  [10, 'aaaa-and-more'],
  [12, 'bbbb-and-more'],
])
const facts = {
  firstRead: 10,
  next: 12,
  grown: true,
  checksumAt: (next: number): string | undefined => ours.get(next),
}

describe('a reader that has read [10, 12)', () => {
  test('stays when no checkpoint stands above where it began', () => {
    expect(decideCheckpoint({ ...facts, names: [at(10, 'zzzz'), at(4, 'yyyy')] }).kind).toBe('stay')
  })

  test('stays when the checkpoint was made from the very entries it read', () => {
    expect(decideCheckpoint({ ...facts, names: [at(12, 'bbbb')] }).kind).toBe('stay')
    const twoHistories = [at(12, 'zzzz'), at(12, 'bbbb')]
    expect(decideCheckpoint({ ...facts, names: twoHistories }).kind).toBe('stay')
  })

  test('begins again when the checkpoint was made from other entries', () => {
    const names = [at(11, 'cccc'), at(12, 'zzzz')]
    const decision = decideCheckpoint({ ...facts, names })
    expect(decision).toEqual({ kind: 'begin-again', candidates: [names[1], names[0]] })
  })

  test('reads on when a checkpoint stands above the tail, and begins again when that finds nothing', () => {
    const names = [at(40, 'dddd')]
    expect(decideCheckpoint({ ...facts, names }).kind).toBe('read-on')
    expect(decideCheckpoint({ ...facts, names, grown: false }).kind).toBe('begin-again')
  })
})

describe('a checkpoint is due', () => {
  const stateOf = (next: number, partitionCount: number): Parameters<typeof isCheckpointDue>[0] => {
    const { size } = { size: partitionCount }
    const partitions = Object.assign(new Map(), {})
    Object.defineProperty(partitions, 'size', { value: size })
    const stream = { progress: new Map(), partitions, announcedNextMs: undefined }
    return { next, streams: new Map([['app_events', stream]]) }
  }
  const dueOf = (partitionCount: number): readonly number[] =>
    Array.from({ length: 1_025 }, (_, next) => next).filter((next) =>
      isCheckpointDue(stateOf(next, partitionCount)),
    )

  test('every eight entries of a small state', () => {
    expect(dueOf(0).slice(0, 3)).toEqual([8, 16, 24])
    expect(dueOf(4_096).slice(0, 2)).toEqual([8, 16])
  })

  test('more seldom the more partitions it holds, but not more seldom than every 256 entries', () => {
    expect(dueOf(4_097).slice(0, 2)).toEqual([16, 32])
    expect(dueOf(40_000).slice(0, 2)).toEqual([128, 256])
    expect(dueOf(1_000_000_000)).toEqual([256, 512, 768, 1_024])
  })
})
