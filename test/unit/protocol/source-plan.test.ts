import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { unixMs } from '../../../src/base/time.ts'
import type { FoldedPosition } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import {
  clusterId,
  type SourcePartition,
  sourceKey,
  topicId,
} from '../../../src/model/topic-partition.ts'
import {
  type BrokerPart,
  decideStart,
  judgeSource,
  type LanePositions,
  remedyText,
} from '../../../src/protocol/source-judgement.ts'
import { planAccept, planReset, type SourcePlan } from '../../../src/protocol/source-plan.ts'
import { sampleSource } from '../../support/log-samples.ts'

const topic = 'growth.events'
const at = (next: number) => nextOffset(BigInt(next))
const anew = (partition: number): SourcePartition => ({
  ...sampleSource(partition),
  topicId: topicId('made-anew'),
})

const position = (
  source: SourcePartition,
  next: number,
  more: Partial<FoldedPosition> = {},
): [ReturnType<typeof sourceKey>, FoldedPosition] => [
  sourceKey(source),
  {
    source,
    next: at(next),
    leaderEpoch: 4,
    commitId: commitIdOf(writerId('0a'.repeat(16)), 0),
    sinceMs: unixMs(0),
    movedAtMs: unixMs(0),
    eventWatermarkMs: undefined,
    ...more,
  },
]

const part = (
  source: SourcePartition,
  [earliest, end]: readonly [number, number] = [0, 50],
  epochEnd?: readonly [number, number],
): BrokerPart => ({
  source,
  earliest: offset(BigInt(earliest)),
  end: at(end),
  epochEnd: epochEnd && { leaderEpoch: epochEnd[0], next: at(epochEnd[1]) },
})
const silent = (source: SourcePartition): BrokerPart => {
  return { source, earliest: undefined, end: undefined, epochEnd: undefined }
}

const known: LanePositions = new Map([
  position(sampleSource(0), 20),
  position(sampleSource(1), 30, { resetEpoch: 2 }),
])
const question = (parts: readonly BrokerPart[], partition?: number, positions = known) => {
  return { lane: 'lake', positions, topic, partition, parts }
}
/** "0: 20 → 25 (epoch 0)" */
const told = (plan: SourcePlan): unknown =>
  plan.kind !== 'moves'
    ? plan
    : plan.moves.map(({ source, expected, next, resetEpoch }) => {
        const id = source.topicId === 'made-anew' ? 'new ' : ''
        return `${id}${source.partition}: ${expected} → ${next} (epoch ${resetEpoch})`
      })

describe('a topic-partition', () => {
  const judged = (one: BrokerPart) => {
    const found = judgeSource(known, one)
    return 'fault' in found ? [found.kind, found.fault.code] : [found.kind]
  }
  const lost = ['lost', 'KAFKA_OFFSET_OUT_OF_RANGE']

  test('fits from its first record to its end', () => {
    expect(judged(part(sampleSource(0), [20, 20], [4, 20]))).toEqual(['fits'])
    expect(judged(part(sampleSource(0), [20, 25]))).toEqual(['fits'])
  })

  test('has lost records below the first and beyond the last one there is', () => {
    expect(judged(part(sampleSource(0), [21, 25]))).toEqual(lost)
    expect(judged(part(sampleSource(0), [0, 19]))).toEqual(lost)
  })

  test('has parted where the epoch ends earlier, or is not the leader’s', () => {
    const parted = ['lost', 'KAFKA_LOG_DIVERGED']
    expect(judged(part(sampleSource(0), [0, 50], [4, 19]))).toEqual(parted)
    expect(judged(part(sampleSource(0), [0, 50], [3, 40]))).toEqual(parted)
  })

  test('of another id or cluster is another, of no position new, without leader silent', () => {
    const moved = { ...sampleSource(0), clusterId: clusterId('elsewhere') }
    expect(judged(part(anew(0)))).toEqual(['another', 'KAFKA_TOPIC_RECREATED'])
    expect(judged(part(moved))).toEqual(['another', 'KAFKA_CLUSTER_CHANGED'])
    expect(judged(part(sampleSource(2)))).toEqual(['new'])
    expect(judged(silent(sampleSource(0)))).toEqual(['silent'])
  })

  test('that ended is not read, unless nothing else is read under the name', () => {
    const ended = position(sampleSource(0), 20, { ended: true })
    expect(decideStart(new Map([ended]), sampleSource(0)).kind).toBe('known')
    const both = new Map([ended, position(anew(0), 5)])
    expect(decideStart(both, sampleSource(0))).toMatchObject({
      kind: 'refused',
      fault: { code: 'KAFKA_TOPIC_RECREATED' },
    })
    expect(decideStart(both, anew(0)).kind).toBe('known')
    expect(decideStart(both, anew(1)).kind).toBe('added-partition')
  })
})

describe('to accept', () => {
  test('what is gone goes on with the first record left, in the epoch after', () => {
    const parts = [part(sampleSource(0), [25, 50]), part(sampleSource(1), [40, 50])]
    const both = ['0: 20 → 25 (epoch 0)', '1: 30 → 40 (epoch 2)']
    expect(told(planAccept(question(parts)))).toEqual(both)
    expect(told(planAccept(question(parts, 1)))).toEqual(both.slice(1))
  })

  test('a leader’s other log goes on where the two part, or with its first record', () => {
    const parts = [part(sampleSource(0), [0, 50], [4, 12]), part(sampleSource(1), [10, 50], [4, 8])]
    const moves = ['0: 20 → 12 (epoch 0)', '1: 30 → 10 (epoch 2)']
    expect(told(planAccept(question(parts)))).toEqual(moves)
  })

  test('is refused where nothing says from where the logs part', () => {
    const because = expect.stringMatching(/nothing says from where .* "lakeward source reset --to"/)
    const ends = [
      [3, 40],
      // Epoch 4 may have begun before 12 where it was read, and the leader's 3 have gone on there.
      [3, 12],
      // The leader knows no epoch up to 4.
      [-1, -1],
    ] as const
    const parted = ends.map((end) => part(sampleSource(0), [0, 50], end))
    for (const one of [part(sampleSource(0), [0, 10]), ...parted]) {
      expect(planAccept(question([one]))).toEqual({ kind: 'unclear', because })
    }
  })

  test('a topic made anew ends every old partition and begins every new one', () => {
    const parts = [part(anew(0), [7, 9])]
    expect(told(planAccept(question(parts)))).toEqual([
      '0: 20 → undefined (epoch 0)',
      '1: 30 → undefined (epoch 2)',
      'new 0: undefined → 7 (epoch 0)',
    ])
    expect(planAccept(question(parts, 0))).toMatchObject({ kind: 'unclear' })
    const half = [...parts, silent(anew(1))]
    const because = `no leader answers for "${topic}/1"`
    expect(planAccept(question(half))).toEqual({ kind: 'unclear', because })
  })

  test('what was read before and ended goes on where it ended', () => {
    const back: LanePositions = new Map([
      position(sampleSource(0), 20, { ended: true }),
      position(sampleSource(1), 30, { ended: true, resetEpoch: 2 }),
      position(anew(0), 5),
    ])
    const parts = [part(sampleSource(0), [0, 50], [4, 25]), part(sampleSource(1), [33, 50])]
    const accepted = [
      'new 0: 5 → undefined (epoch 0)',
      '0: 20 → 20 (epoch 0)',
      '1: 30 → 33 (epoch 2)',
    ]
    expect(told(planAccept(question(parts, undefined, back)))).toEqual(accepted)
    const unclear = [silent(sampleSource(0)), part(sampleSource(1), [0, 10])]
    for (const one of unclear) {
      expect(planAccept(question([one], undefined, back))).toMatchObject({ kind: 'unclear' })
    }
  })

  test('a topic that is gone ends as a whole, if the brokers say so', () => {
    const gone = { ...question([]), gone: true }
    expect(told(planAccept(gone))).toEqual([
      '0: 20 → undefined (epoch 0)',
      '1: 30 → undefined (epoch 2)',
    ])
    expect(planAccept({ ...gone, gone: false })).toMatchObject({ kind: 'unclear' })
    expect(planAccept({ ...gone, partition: 0 })).toMatchObject({ kind: 'unclear' })
    expect(planAccept({ ...gone, positions: new Map() })).toMatchObject({ kind: 'unclear' })
  })

  test('is nothing where all fits, and refused where nobody answers or nothing is', () => {
    const parts = [part(sampleSource(0)), part(sampleSource(2))]
    expect(planAccept(question(parts))).toEqual({ kind: 'nothing' })
    expect(planAccept(question([...parts, silent(sampleSource(1))]))).toMatchObject({
      because: `no leader answers for "${topic}/1"`,
    })
    expect(planAccept(question([]))).toMatchObject({
      because: `the brokers have no topic "${topic}"`,
    })
    expect(planAccept(question(parts, 7))).toMatchObject({
      because: `the brokers have no "${topic}/7"`,
    })
  })
})

describe('to reset', () => {
  const parts = [part(sampleSource(0), [5, 50]), part(sampleSource(1), [5, 50])]
  const to = (next: number) => new Map(parts.map(({ source }) => [sourceKey(source), at(next)]))

  test('goes back or forth to an offset that is there', () => {
    expect(told(planReset(question(parts), to(5)))).toEqual([
      '0: 20 → 5 (epoch 0)',
      '1: 30 → 5 (epoch 2)',
    ])
    expect(told(planReset(question(parts, 0), to(50)))).toEqual(['0: 20 → 50 (epoch 0)'])
    expect(planReset(question(parts, 0), to(20))).toEqual({ kind: 'nothing' })
  })

  test('is refused outside of what the brokers hold', () => {
    const because = `"${topic}/0" has no offset 51: it holds 5 up to 50`
    expect(planReset(question(parts), to(51))).toEqual({ kind: 'unclear', because })
    expect(planReset(question(parts), to(4))).toMatchObject({ kind: 'unclear' })
    expect(planReset(question(parts), new Map())).toMatchObject({ kind: 'unclear' })
  })

  test('is refused for what is another topic, not begun, silent or missing', () => {
    const refused = [part(anew(0)), part(sampleSource(2)), silent(sampleSource(0))]
    const why = [/accept "growth.events" first/, /knows no position/, /no leader answers/]
    for (const [index, one] of refused.entries()) {
      const plan = planReset(question([one]), new Map([[sourceKey(one.source), at(9)]]))
      expect(plan).toMatchObject({ because: expect.stringMatching(why[index] ?? /^$/) })
    }
    expect(planReset(question([]), to(9))).toMatchObject({ kind: 'unclear' })
  })

  test('to where it stands is a move where records were lost', () => {
    const parted = [part(sampleSource(0), [0, 50], [3, 40])]
    expect(told(planReset(question(parted), to(20)))).toEqual(['0: 20 → 20 (epoch 0)'])
  })
})

describe('a topic that the log does not know', () => {
  test('is begun, whatever else was read before', () => {
    expect(decideStart(new Map(), sampleSource(0))).toEqual({ kind: 'new-topic' })
    const other = { ...sampleSource(0), topic: 'others', topicId: topicId('another') }
    expect(decideStart(known, other)).toEqual({ kind: 'new-topic' })
  })
})

test('a refusal says what to do in one sentence', () => {
  const fault = new Fault('KAFKA_TOPIC_GONE', { topicPartition: 'a/0', topicId: 'id', next: 5n })
  const text = remedyText(fault)
  expect(text.startsWith(`${fault.message}. `)).toBe(true)
  expect(text.endsWith('.')).toBe(false)
  expect(fault.hint.startsWith(text.slice(fault.message.length + 2))).toBe(true)
})
