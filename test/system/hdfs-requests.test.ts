/** What a whole commit asks of a namenode, counted by one in memory under a running daemon. */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { eventually } from '../support/eventually.ts'
import { FakeHdfs } from '../support/fake-hdfs.ts'
import { numberRecord, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const hourMs = 3_600_000
/** Hours that the lake's clock has not reached long ago: the fake's files are of this moment. */
const startMs = Math.floor(1_700_000_000_000 / hourMs) * hourMs
const hours = [0, 1]

/** For two files of one table. */
const forFiles = { CREATE: 2, GETFILESTATUS: 2, RENAME: 2 }
/** For the journal of a commit, of however many tables. */
const forJournal = { CREATE: 1, GETFILESTATUS: 1, RENAME: 1, DELETE: 1 }

test.each([
  ['new', forFiles],
  ['continue', { CREATE: 2, GETFILESTATUS: 2, CONCAT: 2 }],
] as const)(
  'a commit asks a namenode for each file, and for one journal, file.mode %s',
  async (mode, wanted) => {
    await using folder = await temporaryFolder()
    const fake = await FakeHdfs.start()
    onTestFinished(() => fake.close())
    const broker = await startBroker({ directory: join(folder.path, 'broker') })
    onTestFinished(() => broker.close())
    broker.createTopic('numbers', 1)
    const config = await writeNumbersConfig(folder.path, {
      brokerPort: broker.port,
      assignment: 'static',
      lake: `{ url: "hdfs://${fake.address}/lake", hdfs: { blockSize: 128MiB } }`,
      mode,
      more: 'commit: { interval: 250ms }\nready: { delay: 12h, idle: 12h }',
    })
    const args = ['run', '-c', config, '--worker-index', '0', '--worker-count', '1']
    const daemon = new LakewardProcess(args)
    onTestFinished(() => daemon.kill())
    const brokers = [`127.0.0.1:${broker.port}`]
    const producer = new RecordProducer({ brokers, clientId: 'test', compression: 'none' })
    onTestFinished(() => producer.close())
    const committed = (): number =>
      daemon.stderr.filter((line) => line.includes('"event":"committed"')).length
    const commitOnce = async (round: number): Promise<void> => {
      const records = hours.map((hour) => {
        const n = round * hours.length + hour
        const timestampMs = startMs + hour * hourMs
        const value = numberRecord('numbers', n, timestampMs)
        return { topic: 'numbers', partition: 0, key: undefined, value, timestampMs }
      })
      await producer.send(records)
      const name = `commit ${round}`
      await eventually(name, 60_000, () => (committed() === round ? true : undefined))
    }

    await commitOnce(1)
    const from = fake.requests.length
    await commitOnce(2)
    const countsIn = (folder: string): Record<string, number> => {
      const counts: Record<string, number> = {}
      for (const { call, path } of fake.requests.slice(from)) {
        // Listings are of what is announced and cleaned; the second step goes to a datanode.
        if (!path.startsWith(`${folder}/`) || /^LISTSTATUS|-2$/.test(call)) continue
        counts[call] = (counts[call] ?? 0) + 1
      }
      return counts
    }
    expect(countsIn('/lake/numbers')).toEqual(wanted)
    expect(countsIn('/lake/_lakeward/test/_staging')).toEqual(forJournal)
    expect(await daemon.stop()).toBe(0)
  },
)
