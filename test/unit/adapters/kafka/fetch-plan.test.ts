import { expect, test } from 'vitest'
import { planFetch } from '../../../../src/adapters/kafka/fetch-plan.ts'
import { readingOf } from '../../../../src/adapters/kafka/reading.ts'
import { offset } from '../../../../src/model/offset.ts'
import { topicId } from '../../../../src/model/topic-partition.ts'
import { anySource } from '../../../support/read-batches.ts'

const readings = ['a', 'b'].flatMap((topic) =>
  [0, 1, 2].map((partition) => ({
    ...readingOf({ ...anySource, topic, topicId: topicId(`id of ${topic}`), partition }),
    position: offset(BigInt(partition)),
    leaderEpoch: 4,
    lastEpoch: 3,
  })),
)

test('each partition is first within as many turns as there are partitions', () => {
  const firsts = Array.from({ length: 6 }, (_, turn) => {
    const [topic] = planFetch(readings, turn)
    return `${topic?.topic}/${topic?.partitions[0]?.partition}`
  })
  expect(firsts.sort()).toEqual(['a/0', 'a/1', 'a/2', 'b/0', 'b/1', 'b/2'])
})

test('every turn asks for everything, with offset and epochs', () => {
  const [first, second] = planFetch(readings, 5)
  expect([first?.partitions.length, second?.partitions.length]).toEqual([3, 3])
  expect(first?.topicId).toBe(`id of ${first?.topic}`)
  const one = second?.partitions.find(({ partition }) => partition === 2)
  expect(one).toEqual({ partition: 2, fetchOffset: 2n, leaderEpoch: 4, lastEpoch: 3 })
  expect(planFetch([], 3)).toEqual([])
})
