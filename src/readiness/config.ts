import { hash } from 'node:crypto'
import { z } from 'zod'
import {
  addressForm,
  duration,
  principal,
  text,
  textForm,
  topicForm,
  truth,
  wholeNumber,
} from '../base/config-units.ts'
import { choice, configValue, listOf, section } from '../base/config-value.ts'
import { type CommandTarget, commandSection, commandTarget } from './command-config.ts'
import { type WebhookTarget, webhookSection, webhookTarget } from './webhook-config.ts'

/** A place that announcements are delivered to. */
export type NotifyTarget =
  | WebhookTarget
  | KafkaTarget
  | { readonly kind: 'success-file' }
  | CommandTarget
  | HiveTarget

/** A topic of the brokers that are read from. */
interface KafkaTarget {
  readonly kind: 'kafka'
  readonly topic: string
  readonly format: 'json' | 'protobuf'
  readonly transactional: boolean
}

/** A database of a Hive Metastore. */
export interface HiveTarget {
  readonly kind: 'hive'
  /** "thrift://host:9083", in the order in which they are tried. */
  readonly uris: readonly string[]
  readonly database: string
  readonly register: 'first-commit' | 'ready'
  readonly user: string
  /** Root of the lake as readers of the metastore reach it; undefined: as the lake's URL says. */
  readonly location: string | undefined
  /** Undefined: no login, the metastore believes `user`. */
  readonly kerberos:
    | { readonly service: string; readonly principal?: string | undefined }
    | undefined
}

const metastoreUri = configValue<string>({
  ...addressForm({
    accepted: 'thrift://host:9083',
    shape: /^thrift:\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?$/,
  }),
})

const lakeRoot = textForm({
  accepted: 'an absolute URL: hdfs://nameservice/warehouse, s3a://bucket/prefix, file:///lake',
  shape: /^[a-z][a-z0-9]*:\/\/[^\s?#]*[^\s?#/]$/,
})

const hiveSection = section({
  uris: listOf(metastoreUri)
    .min(1, 'an empty list; accepted: one address or several')
    .describe('Addresses of one metastore, tried in this order.'),
  database: text({
    accepted: 'the name of a database, in lower case',
    shape: /^[a-z0-9_]{1,128}$/,
  }).describe('Where the tables are. It must be there: none is made.'),
  register: choice(['first-commit', 'ready'])
    .prefault('first-commit')
    .describe('When a partition is shown: once it has rows, or not before it is announced.'),
  user: text({ accepted: 'the name of a user', shape: /^[A-Za-z0-9._@/-]{1,128}$/ })
    .prefault('lakeward')
    .describe('As whom the metastore is asked, and who owns tables that are made.'),
  location: configValue<string>(lakeRoot)
    .optional()
    .describe(
      'Root of the lake as readers of the metastore reach it; default: the lake’s own URL.',
    ),
  kerberos: section({
    service: text({ accepted: 'hive', shape: /^[A-Za-z0-9._-]{1,128}$/ })
      .prefault('hive')
      .describe("First part of the metastore's principal; the second is the host of the address."),
    principal: principal()
      .optional()
      .describe('Who we are. Without it: the first of the keytab or the cache.'),
  })
    .optional()
    .describe('Login by Kerberos (SASL GSSAPI), with the ticket of the environment.'),
})

const targetSection = section({
  webhook: webhookSection
    .optional()
    .describe('A signed HTTP request for each announcement; any 2xx acknowledges it.'),
  'success-file': section({})
    .optional()
    .describe('A file `_SUCCESS` with the manifest in the folder of each announced partition.'),
  hive: hiveSection
    .optional()
    .describe('Tables and partitions in a Hive Metastore, kept as they are announced.'),
  kafka: section({
    topic: configValue<string>(topicForm).describe(
      'Where the messages go. It must be there: none is made.',
    ),
    format: choice(['json', 'protobuf'])
      .prefault('json')
      .describe('The value: the manifest’s JSON, or a message of proto/ready_manifest.proto.'),
    transactional: truth()
      .prefault(false)
      .describe('Each message is a transaction, which readers of committed records see whole.'),
  })
    .optional()
    .describe('A message for each announcement, keyed by stream, to the brokers of `kafka`.'),
  command: commandSection
    .optional()
    .describe('A command that is run for each announcement; its end with 0 acknowledges it.'),
})

const notifyTarget = z.codec(
  targetSection.check((context) => {
    if (Object.keys(context.value).length === 1) return
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: 'not exactly one target; accepted: webhook, kafka, hive, success-file, command',
    })
  }),
  z.custom<NotifyTarget>(),
  {
    decode: ({ webhook, kafka, hive, command }): NotifyTarget => {
      if (command !== undefined) return commandTarget(command)
      if (webhook !== undefined) return webhookTarget(webhook)
      if (hive !== undefined) return hiveTarget(hive)
      return kafka === undefined ? { kind: 'success-file' } : { kind: 'kafka', ...kafka }
    },
    encode: (target): z.output<typeof targetSection> => {
      if (target.kind === 'success-file') return { 'success-file': {} }
      if (target.kind === 'kafka') {
        const { kind: _kind, ...kafka } = target
        return { kafka }
      }
      if (target.kind === 'command') {
        const { kind: _kind, argv, ...command } = target
        return { command: { ...command, argv: [...argv] } }
      }
      if (target.kind === 'hive') {
        const { uris, database, register, user, location, kerberos } = target
        const place = location === undefined ? {} : { location }
        const login = kerberos === undefined ? {} : { kerberos }
        return { hive: { uris: [...uris], database, register, user, ...place, ...login } }
      }
      const { kind: _kind, ...webhook } = target
      return { webhook }
    },
  },
)

const hiveTarget = ({
  uris,
  database,
  register,
  user,
  location,
  kerberos,
}: z.output<typeof hiveSection>): HiveTarget => {
  return { kind: 'hive', uris, database, register, user, location, kerberos }
}

/** The section `ready`. */
export const readyConfig = section({
  delay: duration({ min: '0s', max: '7d' })
    .prefault('5m')
    .describe('How long after the end of a partition it is announced at the earliest.'),
  idle: duration({ min: '100ms', max: '7d' })
    .prefault('10m')
    .describe('How long a topic-partition must bring no rows before it can count as idle.'),
  deliver: section({
    deadline: duration({ min: '1s', max: '10m' })
      .prefault('60s')
      .describe('Longest time that one delivery may take.'),
  })
    .prefault({})
    .describe('Delivery of announcements.'),
  notify: listOf(notifyTarget)
    .prefault([])
    .describe('Where announcements go, besides the manifest on the lake.'),
})

export type ReadyConfig = z.output<typeof readyConfig>

/** Of hours, more than a year: each is an announcement, and stands in the log for days. */
const emptyRunMaxMax = 10_000

/** The key `ready` of a stream: what its partitions wait for besides, and how many are empty. */
export const streamReadyConfig = section({
  rowsMin: wholeNumber({ min: 1, max: 2 ** 40 })
    .optional()
    .describe('A partition with fewer rows is not announced. Without it an empty one is too.'),
  deadLettersMax: wholeNumber({ min: 0, max: 2 ** 40 })
    .optional()
    .describe('A partition of which more events are dead letters is not announced.'),
  after: listOf(text({ accepted: 'the name of a stream', shape: /^[A-Za-z0-9][\w-]{0,127}$/ }))
    .prefault([])
    .describe('Streams that must have announced the same span of time before.'),
  emptyRunMax: wholeNumber({ min: 1, max: emptyRunMaxMax })
    .prefault(744)
    .describe(
      'Longest run of partitions without rows to be announced; a longer one is told as one range.',
    ),
})

/** The key `late` of a stream. */
export const lateConfig = section({
  policy: choice(['append', 'divert', 'dead-letter'])
    .prefault('dead-letter')
    .describe('What becomes of rows that come after their partition was announced.'),
  every: duration({ min: '1s', max: '7d' })
    .prefault('5m')
    .describe('How long after a revision appended rows wait to be announced by the next one.'),
  closeAfter: duration({ min: '1m', max: '3650d' })
    .prefault('7d')
    .describe('How long after its announcement a partition takes late rows; then it is closed.'),
})

const shownHashDigits = 8

/**
 * The name of a target in the log, in metrics and in messages; two targets of one name are refused.
 *
 * A URL's query often carries a token: the name has a hash of it,
 * "webhook:https://host/hook?1a2b3c4d".
 */
export function targetName(target: NotifyTarget): string {
  if (target.kind === 'success-file') return target.kind
  if (target.kind === 'kafka') return `kafka:${target.topic}`
  if (target.kind === 'hive') return `hive:${target.database}`
  if (target.kind === 'command') return `command:${target.name}`
  const [address = '', query] = target.url.split(/\?(.*)/s)
  if (query === undefined) return `webhook:${address}`
  return `webhook:${address}?${hash('sha256', query, 'hex').slice(0, shownHashDigits)}`
}
