import { expect, test } from 'vitest'
import type { ClusterFacts } from '../../../../src/adapters/kafka/cluster-facts.ts'
import { LoadMeter } from '../../../../src/adapters/kafka/load-meter.ts'
import { ReadSet } from '../../../../src/adapters/kafka/read-set.ts'
import { isReadable } from '../../../../src/adapters/kafka/reading.ts'
import { TroubleBoard } from '../../../../src/adapters/kafka/trouble-board.ts'
import { SystemClock } from '../../../../src/adapters/local/system-clock.ts'
import { offset } from '../../../../src/model/offset.ts'
import { clusterId, sourceKey, topicId } from '../../../../src/model/topic-partition.ts'
import { anySource } from '../../../support/read-batches.ts'
import { RecordingReader } from '../../../support/recording-reader.ts'

const clusterOf = (cluster: string, id: string): ClusterFacts => ({
  clusterId: clusterId(cluster),
  brokers: new Map(),
  topics: new Map([
    [
      'events',
      {
        topic: 'events',
        topicId: topicId(id),
        partitions: [{ partition: 3, leaderId: 1, leaderEpoch: 2 }],
      },
    ],
  ]),
  missingTopics: [],
  hiddenTopics: new Map(),
})
const same = clusterOf('cluster', anySource.topicId)

const opened = () => {
  const reader = new RecordingReader()
  const meter = new LoadMeter(new SystemClock())
  const set = new ReadSet(reader, new TroubleBoard(() => {}), meter)
  const [reading] = set.add([anySource])
  if (reading === undefined) throw new Error('nothing was added')
  return { reader, set, reading }
}

test('another cluster under the same address stops the partition, once', () => {
  const { reader, set, reading } = opened()
  set.onCluster(clusterOf('another', anySource.topicId))
  set.onCluster(clusterOf('another', anySource.topicId))
  expect(reader.refused.map(({ fault }) => [fault.code, fault.facts])).toEqual([
    [
      'KAFKA_CLUSTER_CHANGED',
      { topicPartition: 'events/3', logHas: 'cluster', brokerHas: 'another' },
    ],
  ])
  expect(isReadable(reading)).toBe(false)
})

test('a seek with the old id does not open a topic that was made anew', () => {
  const { reader, set, reading } = opened()
  set.onCluster(clusterOf('cluster', 'new'))
  set.seek(anySource, offset(0n), -1)
  expect(reader.refused.map(({ fault }) => fault.code)).toEqual([
    'KAFKA_TOPIC_RECREATED',
    'KAFKA_TOPIC_RECREATED',
  ])
  set.seek({ ...anySource, topicId: topicId('new') }, offset(0n), -1)
  expect(isReadable(reading)).toBe(true)
  expect(reading.nodeId).toBe(1)
})

test('where the reader began late does not overrule a seek, nor a revocation', () => {
  const { set, reading } = opened()
  const from = new Map([[sourceKey(anySource), offset(5n)]])
  set.seek(anySource, offset(9n), 4)
  set.begin([reading], from)
  expect(reading).toMatchObject({ position: 9n, lastEpoch: 4 })
  const again = set.add([anySource])
  set.remove([anySource])
  set.begin(again, from)
  expect(again[0]?.position).toBeUndefined()
})

test('what is given up is void at once, and is not refused any more', () => {
  const { reader, set, reading } = opened()
  set.onCluster(same)
  const { version } = reading
  set.remove([anySource])
  expect(reading.version).toBeGreaterThan(version)
  set.onCluster(clusterOf('another', 'new'))
  expect(reader.refused).toEqual([])
  expect(set.sources()).toEqual([])
})
