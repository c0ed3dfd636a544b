/** `lakeward check --connect` against a broker and a lake: what is there, and what is not. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { FakeMetastore } from '../support/fake-metastore.ts'
import { FakeS3 } from '../support/fake-s3.ts'

let folder = ''
let broker: EmbeddedBroker

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lakeward-connect-'))
  broker = await startBroker({ directory: join(folder, 'broker'), port: 0 })
  broker.createTopic('growth.events', 3)
  writeFileSync(join(folder, 'a.proto'), 'syntax = "proto3"; message A { string id = 1; }')
})

afterAll(async () => {
  await broker.close()
  rmSync(folder, { recursive: true })
})

interface Tried {
  readonly exit: number | null
  readonly answer: unknown
}

interface Outside {
  readonly brokers: string
  readonly topic: string
  readonly lake: string
  /** A bucket instead of a folder. */
  readonly s3: FakeS3
  /** Ports of a metastore's addresses. */
  readonly metastore: readonly number[]
}

/** Runs the command on a configuration with this outside. */
async function check(outside: Partial<Outside>): Promise<Tried> {
  const brokers = outside.brokers ?? `127.0.0.1:${broker.port}`
  const file = join(folder, 'lakeward.yaml')
  const uris = outside.metastore?.map((port) => `"thrift://127.0.0.1:${port}"`).join()
  const notify = uris && `ready: { notify: [{ hive: { uris: [${uris}], database: ods } }] }`
  writeFileSync(
    file,
    `pipeline: growth
kafka: { brokers: ["${brokers}"] }
lake: { ${lakeKeys(outside)} }
${notify ?? ''}
streams:
  - name: a
    topic: ${outside.topic ?? 'growth.events'}
    schema: { file: a.proto, message: A }
`,
  )
  const words = [join('bin', 'lakeward.js'), 'check', '-c', file, '--connect', '--json']
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [out, [exit]] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { exit: typeof exit === 'number' ? exit : null, answer: JSON.parse(out) }
}

function lakeKeys({ s3, lake = './lake' }: Partial<Outside>): string {
  if (s3 === undefined) return `url: "file:${lake}"`
  const credentials = 'credentials: { accessKey: "file:./a.proto", secretKey: "file:./a.proto" }'
  return `url: "s3://${s3.bucket}/lake", endpoint: "${s3.endpoint}", ${credentials}`
}

const lakeOk = { what: 'lake', verdict: 'ok', text: expect.stringMatching(/can be written$/) }

test('a broker with the topics and a lake that takes writes are ok, and left alone', async () => {
  const cluster = `cluster "${broker.clusterId}" of "127.0.0.1:${broker.port}"`
  expect(await check({})).toMatchObject({
    exit: 0,
    answer: {
      ok: true,
      connections: [
        { what: 'secrets', verdict: 'ok' },
        {
          what: 'kafka',
          verdict: 'ok',
          text: `${cluster} has 3 partitions of 1 topics`,
        },
        lakeOk,
      ],
    },
  })
  const left = readdirSync(join(folder, 'lake'), { recursive: true, withFileTypes: true })
  expect(left.filter((entry) => entry.isFile())).toEqual([])
})

test('a topic that is not there is named, with exit code 1', async () => {
  expect(await check({ topic: 'growth.none' })).toMatchObject({
    exit: 1,
    answer: {
      ok: false,
      connections: [
        {},
        {
          what: 'kafka',
          verdict: 'failed',
          text: expect.stringMatching(/no topic "growth.none"$/),
        },
        lakeOk,
      ],
    },
  })
})

test('a broker out of reach is exit code 3, and the lake is tried all the same', async () => {
  expect(await check({ brokers: '127.0.0.1:1' })).toMatchObject({
    exit: 3,
    answer: {
      connections: [
        {},
        { what: 'kafka', verdict: 'failed', text: expect.stringMatching(/^could not reach any/) },
        lakeOk,
      ],
    },
  })
})

test('a lake that takes no writes is exit code 3', async () => {
  expect(await check({ lake: './a.proto/lake' })).toMatchObject({
    exit: 3,
    answer: {
      connections: [
        {},
        { what: 'kafka', verdict: 'ok' },
        { what: 'lake', verdict: 'failed', text: expect.stringMatching(/a\.proto|ENOTDIR/) },
      ],
    },
  })
})

test('rules of a bucket against the lake fail, and those that are not told do not', async () => {
  const s3 = await FakeS3.start()
  onTestFinished(() => s3.close())
  expect(await check({ s3 })).toMatchObject({ exit: 0, answer: { connections: [{}, {}, lakeOk] } })
  s3.lifecycle =
    '<Rule><ID>old</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>' +
    '<Expiration><Days>3</Days></Expiration></Rule>'
  const lake = (verdict: string, text: RegExp) => ({
    connections: [{}, {}, { what: 'lake', verdict, text: expect.stringMatching(text) }],
  })
  expect(await check({ s3 })).toMatchObject({
    exit: 1,
    answer: lake('failed', /can be written; rule "old" removes all objects after 3 days$/),
  })
  s3.fail = ({ query }) =>
    query.has('lifecycle')
      ? { moment: 'before', answer: { status: 403, code: 'AccessDenied' } }
      : undefined
  expect(await check({ s3 })).toMatchObject({
    exit: 0,
    answer: lake('ok', /can be written; rules of the storage are not known: .*403 AccessDenied$/),
  })
})

test('a metastore is asked for its version and the database, and left as it was', async () => {
  const metastore = await FakeMetastore.start()
  const { port } = metastore
  const hive = (tried: object) => ({ answer: { connections: [{}, {}, {}, tried] } })
  expect(await check({ metastore: [port] })).toMatchObject({
    exit: 2,
    ...hive({
      what: 'hive:ods',
      verdict: 'failed',
      text: `catalog "thrift://127.0.0.1:${port}" has no database "ods"`,
    }),
  })
  metastore.createDatabase('ods')
  expect(await check({ metastore: [port] })).toMatchObject({
    exit: 0,
    ...hive({ verdict: 'ok', text: 'metastore 0-fake has the database "ods"' }),
  })
  expect(metastore.users).toEqual(['lakeward', 'lakeward'])
  expect(metastore.databases.get('ods')?.size).toBe(0)
  await metastore.close()
  expect(await check({ metastore: [port] })).toMatchObject({
    exit: 3,
    ...hive({ verdict: 'failed', text: expect.stringMatching(/^could not ask catalog/) }),
  })
})
