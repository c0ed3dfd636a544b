/** The faults of `docs/faults.md`, on a real broker, under a running daemon. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { hasKafka, RealKafka, wantsKafka } from '../support/real-kafka.ts'
import { clusterCases } from './faults/cluster-cases.ts'
import { kafkaCases } from './faults/kafka-cases.ts'
import { putThrough } from './faults/put-through.ts'

/** The other one is tried by hand: `LAKEWARD_FAULTS_ON=kafka-3`. */
const name = process.env['LAKEWARD_FAULTS_ON'] === 'kafka-3' ? 'kafka-3' : 'kafka-4'

for (const { of, cases, isThere } of [
  { of: name, cases: kafkaCases, isThere: hasKafka },
  { of: `${name}-three`, cases: clusterCases, isThere: wantsKafka },
] as const) {
  describe.skipIf(!isThere(of))(`faults of ${of}`, () => {
    let kafka: RealKafka | undefined
    beforeAll(async () => {
      kafka = await RealKafka.start(of)
    })
    afterAll(() => kafka?.close())

    test.each(cases)('$name: told, retried, and the lake is the ledger', async (fault) => {
      if (kafka === undefined) throw new Error(`${of} was not started`)
      await putThrough(kafka, fault)
    })
  })
}
