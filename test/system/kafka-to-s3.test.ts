/** The example from a real Kafka to a real bucket, as its header says, with fewer events. */
import { spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { commandEndsWell, python, requireService } from '../support/require-service.ts'

const events = 50_000
const script = new URL('../../examples/kafka-s3/run.ts', import.meta.url).pathname
/** Each is asked for: what is missing is named, and fails where it is required. */
const hasServers = [hasKafka('kafka-4'), hasS3('s3')].every(Boolean)
const byEach = { rows: events, orders: events }

const hasModule = (name: 'httpfs' | 'pyarrow', module: string): boolean =>
  requireService(name, () => commandEndsWell(python, ['-c', `import ${module}`]))

/** What the example says in its last line. */
async function runExample(): Promise<object> {
  const s3 = await RealS3.start('s3')
  const kafka = await RealKafka.start('kafka-4')
  try {
    const place = ['--brokers', kafka.address, '--endpoint', s3.endpoint]
    const words = [script, ...place, '--events', `${events}`]
    const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as object
  } finally {
    await kafka.close()
    await s3.close()
  }
}

describe.skipIf(!hasServers)('each event from Kafka is a row on S3', () => {
  let told: object
  beforeAll(async () => {
    told = await runExample()
  }, 400_000)

  test('by verify', () => {
    expect(told).toMatchObject({ events, verified: true })
  })

  test.skipIf(!hasModule('httpfs', 'duckdb_extension_httpfs'))('by DuckDB', () => {
    expect(told).toMatchObject({ duckdb: byEach })
  })

  test.skipIf(!hasModule('pyarrow', 'pyarrow.fs'))('by pyarrow', () => {
    expect(told).toMatchObject({ pyarrow: byEach })
  })
})
