import { expect, test } from 'vitest'
import { decideForget } from '../../../src/protocol/forget-choice.ts'
import { decideStepOver } from '../../../src/protocol/step-over.ts'

const readable = { path: 'checkpoints/9', readable: true }
const torn = { path: 'checkpoints/10', readable: false }

test('only what nobody can read, and nothing stands above of, is stepped over', () => {
  const facts = { index: 5, checkpointsAbove: [] }
  expect(decideStepOver({ ...facts, standing: 'unreadable' })).toEqual({ kind: 'step-over' })
  expect(decideStepOver({ ...facts, standing: 'stand-in' })).toEqual({ kind: 'done' })
  expect(decideStepOver({ ...facts, standing: 'whole' }).kind).toBe('refuse')
  expect(decideStepOver({ ...facts, standing: 'absent' }).kind).toBe('refuse')
})

test('a checkpoint above was made by who could read the entry: nothing is stepped over', () => {
  const facts = { index: 5, standing: 'unreadable' } as const
  const said = (checkpointsAbove: (typeof readable)[]): unknown =>
    decideStepOver({ ...facts, checkpointsAbove })
  expect(said([torn, readable])).toMatchObject({
    kind: 'refuse',
    because: expect.stringContaining('read from checkpoint "checkpoints/9"'),
  })
  expect(said([torn])).toMatchObject({
    kind: 'refuse',
    because: expect.stringContaining('"checkpoints/10" stands above it and is unreadable'),
  })
})

test('what is undecided or cannot be judged is given up, and nothing else', () => {
  expect(decideForget('undecided')).toEqual({ kind: 'forget' })
  expect(decideForget('unjudged')).toEqual({ kind: 'forget' })
  const refused = (['nothing', 'garbage', 'unpublished', 'foreign'] as const).map(decideForget)
  expect(refused.map(({ kind }) => kind)).toEqual(Array(4).fill('refuse'))
  const reasons = refused.map((decision) => ('because' in decision ? decision.because : ''))
  expect(new Set(reasons).size).toBe(4)
})
