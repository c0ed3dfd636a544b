/** The example from a real Kafka to a real bucket, as its header says, with fewer events. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { commandEndsWell, python, requireService } from '../support/require-service.ts'

const events = 50_000
const script = new URL('../../examples/kafka-s3/run.ts', import.meta.url).pathname

const hasModule = (name: 'httpfs' | 'pyarrow', module: string): boolean =>
  requireService(name, () => commandEndsWell(python, ['-c', `import ${module}`]))

describe.skipIf(!hasKafka('kafka-4') || !hasS3('s3'))('from Kafka to S3', () => {
  test('each event is a row, by verify and by readers over S3', { timeout: 400_000 }, async () => {
    const s3 = await RealS3.start('s3')
    const kafka = await RealKafka.start('kafka-4')
    try {
      const place = ['--brokers', kafka.address, '--endpoint', s3.endpoint]
      const words = [script, ...place, '--events', `${events}`]
      const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' })
      expect(status, stdout + stderr).toBe(0)
      const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as object
      expect(told).toMatchObject({ events, verified: true })
      const all = { rows: events, orders: events }
      if (hasModule('httpfs', 'duckdb_extension_httpfs'))
        expect(told).toMatchObject({ duckdb: all })
      if (hasModule('pyarrow', 'pyarrow.fs')) expect(told).toMatchObject({ pyarrow: all })
    } finally {
      await kafka.close()
      await s3.close()
    }
  })
})
