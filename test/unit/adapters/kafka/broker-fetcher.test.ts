import { expect, test } from 'vitest'
import { BrokerFetcher } from '../../../../src/adapters/kafka/broker-fetcher.ts'
import { FetchConnection } from '../../../../src/adapters/kafka/fetch-connection.ts'
import { LoadMeter } from '../../../../src/adapters/kafka/load-meter.ts'
import { readingOf } from '../../../../src/adapters/kafka/reading.ts'
import { TroubleBoard } from '../../../../src/adapters/kafka/trouble-board.ts'
import { SystemClock } from '../../../../src/adapters/local/system-clock.ts'
import { offset } from '../../../../src/model/offset.ts'
import { sourceOptions } from '../../../support/kafka-world.ts'
import { anySource } from '../../../support/read-batches.ts'
import { RecordingReader } from '../../../support/recording-reader.ts'

test('a replica that is not listed any more gives its partitions back to their leaders', async () => {
  const lent = { ...readingOf(anySource), position: offset(0n), leaderId: 1, nodeId: 2 }
  const options = sourceOptions({ host: '127.0.0.1', port: 1 }, ['t'])
  const clock = new SystemClock()
  let woken = 0
  const fetcher = new BrokerFetcher(2, {
    options,
    clock,
    connection: new FetchConnection(options, clock),
    reader: new RecordingReader(),
    trouble: new TroubleBoard(() => undefined),
    meter: new LoadMeter(clock),
    readings: () => [lent],
    addressOf: () => undefined,
    refuse: () => undefined,
    judgeRange: () => undefined,
    lookAgain: () => undefined,
    wakeOthers: () => {
      woken++
    },
  })
  const done = fetcher.run()
  fetcher.stop()
  await done
  expect(lent.nodeId).toBe(1)
  expect(woken).toBe(1)
})
