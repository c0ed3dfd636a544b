/** The rights of docs/rights.md on a broker that refuses all else: enough, and each is needed. */
import { readFileSync } from 'node:fs'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  AnnouncementProducer,
  type AnnouncementProducerOptions,
  jsonForm,
} from '../../src/adapters/kafka/announcement-producer.ts'
import type { KafkaSourceOptions } from '../../src/adapters/kafka/options.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import type { Fault } from '../../src/base/fault.ts'
import { eventually } from '../support/eventually.ts'
import { sampleManifest } from '../support/log-samples.ts'
import { commitAsConsumer } from '../support/plain-consumer.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { SourceRun, until } from '../support/source-run.ts'

const at = { topic: 'growth.events', partition: 0 }
const sasl = { mechanism: 'plain', username: 'lake', password: 'lake-secret' } as const
const boundMs = 60_000
/** What each right is for, by its resource. */
const usesOf: Readonly<Record<string, readonly string[]>> = {
  'growth.': ['read'],
  growth: ['read'],
  'lake.ready': ['announce', 'announceInTransaction'],
  'lakeward/growth/': ['announceInTransaction'],
  old: ['takeOver'],
}
const operations = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Describe: AclOperationTypes.DESCRIBE,
} as const

interface Rule {
  readonly text: string
  readonly rule: ReturnType<typeof ruleOf>
}

function ruleOf(line: string) {
  const word = (flag: string): string | undefined => new RegExp(`--${flag} (\\S+)`).exec(line)?.[1]
  const operation = operations[word('operation') as keyof typeof operations]
  const [topic, group, transactionalId] = ['topic', 'group', 'transactional-id'].map(word)
  const ofId = transactionalId === undefined ? undefined : AclResourceTypes.TRANSACTIONAL_ID
  const isPrefix = word('resource-pattern-type') === 'prefixed'
  return {
    resourceType: ofId ?? (topic === undefined ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC),
    resourceName: topic ?? group ?? transactionalId ?? '',
    resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    principal: word('allow-principal') ?? '',
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  }
}

/** The commands of the page, one a line. */
const rules: readonly Rule[] = readFileSync('docs/rights.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('kafka-acls --add'))
  .map((text) => ({ text, rule: ruleOf(text) }))

/** A resource with a rule is closed to all that no rule names. */
const closed = [
  [AclResourceTypes.TOPIC, '*'],
  [AclResourceTypes.GROUP, '*'],
  [AclResourceTypes.TRANSACTIONAL_ID, '*'],
  [AclResourceTypes.CLUSTER, 'kafka-cluster'],
].map(([resourceType, resourceName]) => ({
  resourceType: Number(resourceType),
  resourceName: String(resourceName),
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: 'User:nobody',
  host: '*',
  operation: AclOperationTypes.ALL,
  permissionType: AclPermissionTypes.ALLOW,
}))

describe.skipIf(!hasKafka('kafka-4'))('the least rights on kafka-4', () => {
  let kafka: RealKafka | undefined
  const sources = new SourceRun()
  const broker = (): RealKafka => {
    if (kafka === undefined) throw new Error('kafka-4 was not started')
    return kafka
  }
  beforeAll(async () => {
    kafka = await RealKafka.start('kafka-4')
    await kafka.createTopic('growth.events', 1)
    await kafka.createTopic('lake.ready', 1)
    await kafka.append(at, { records: [{ value: 'one' }] })
    const committed = { topic: at.topic, next: new Map([[0, 1n]]) }
    await commitAsConsumer(kafka.client(), 'old', committed, 'leaves')
    await kafka.asAdmin((admin) => admin.createAcls({ acl: closed }))
  })
  afterAll(() => kafka?.close())
  beforeEach(async () => {
    await broker().asAdmin((admin) => admin.createAcls({ acl: rules.map(({ rule }) => rule) }))
    for (const { rule } of rules) await knows(rule, true)
  })
  afterEach(() => sources.close())

  /** The controller has a rule some moments before the broker goes by it. */
  const knows = (rule: Rule['rule'], isThere: boolean): Promise<true> =>
    eventually(`the broker ${isThere ? 'has' : 'forgot'} a rule`, boundMs, async () => {
      const { resources } = await broker().asAdmin((admin) => admin.describeAcls(rule))
      return resources.length > 0 === isThere || undefined
    })

  const options = (): Partial<KafkaSourceOptions> => ({
    sasl,
    assignment: 'group',
    group: 'growth',
  })
  const codeOf = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => 'done',
      (error: Fault) => error.code,
    )

  /** What each use of the broker comes to: 'done', or the code of what it says. */
  async function tried(): Promise<Readonly<Record<string, string>>> {
    const port = broker().portOf('sasl')
    const reader = await sources.read(port, ['growth\\..*'], options())
    const told = (): string | undefined => reader.troubles.find((fault) => fault)?.code
    const seen = (): boolean => reader.count > 0 || told()?.startsWith('KAFKA_') === true
    const isEmpty = async (source: ReturnType<SourceRun['source']>): Promise<boolean> =>
      (await source.metadata()).sources.length === 0
    const asking = sources.source(port, ['growth\\..*'], options())
    if (await isEmpty(asking)) return { read: 'hidden' }
    await until('records, or why not', seen)
    const announce = await announced({ transactional: false })
    const announceInTransaction = await announced({ transactional: true })
    const takeOver = await eventually('the old group has no members', boundMs, async () => {
      const code = await codeOf(asking.groupOffsets('old'))
      return code === 'KAFKA_START_GROUP_BUSY' ? undefined : code
    })
    const read = reader.count > 0 ? 'done' : (told() ?? '')
    return { read, announce, announceInTransaction, takeOver }
  }

  /** What an announcement comes to: 'done', or the code of what the producer says. */
  async function announced(
    how: Pick<AnnouncementProducerOptions, 'transactional'>,
    pipeline = 'growth',
  ): Promise<string> {
    const announcing = new AnnouncementProducer({
      brokers: [`127.0.0.1:${broker().portOf('sasl')}`],
      clientId: 'test',
      sasl,
      target: 'kafka:lake.ready',
      topic: 'lake.ready',
      form: jsonForm,
      clock: new SystemClock(),
      ...how,
    })
    const { signal } = new AbortController()
    const manifest = { ...sampleManifest(13), pipeline, logEntry: 7 }
    const outcome = await codeOf(announcing.deliver(manifest, signal))
    await announcing.close()
    return outcome
  }

  test('are enough to read, to announce, also in transactions, and to take over', async () => {
    expect(rules).toHaveLength(5)
    expect(await tried()).toEqual({
      read: 'done',
      announce: 'done',
      announceInTransaction: 'done',
      takeOver: 'done',
    })
  })

  test('are none to the transactions of another pipeline', async () => {
    expect(await announced({ transactional: true }, 'sales')).toBe('NOTIFY_FAILED')
    expect(await announced({ transactional: false }, 'sales')).toBe('done')
  })

  test('are enough for a member of KIP-848, and what it may not see costs it no more', async () => {
    const named = ['growth.events', 'not.ours']
    const more = { ...options(), groupProtocol: 'consumer' } as const
    const reader = await sources.read(broker().portOf('sasl'), named, more)
    await until('records', () => reader.count > 0)
    expect(reader.troubles.map((fault) => fault?.code)).toEqual(['KAFKA_TOPIC_HIDDEN'])
  })

  test.each(rules)('are not enough without: $text', async ({ rule }) => {
    const { permissionType, ...gone } = rule
    await broker().asAdmin((admin) => admin.deleteAcls({ filters: [{ ...gone, permissionType }] }))
    await knows(rule, false)
    const outcomes = Object.entries(await tried())
    const failed = outcomes.filter(([, outcome]) => outcome !== 'done').map(([use]) => use)
    expect(failed).toEqual(usesOf[rule.resourceName])
  })
})
