import { hash } from 'node:crypto'
import { z } from 'zod'
import { duration, secret, text, textForm, topicForm, wholeNumber } from '../base/config-units.ts'
import { choice, configValue, listOf, notBuilt, section } from '../base/config-value.ts'
import type { SecretReference } from '../base/secret.ts'

/** A place that announcements are delivered to. */
export type NotifyTarget =
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: SecretReference }
  | { readonly kind: 'kafka'; readonly topic: string }
  | { readonly kind: 'success-file' }

const urlForm = textForm({
  accepted: 'an http:// or https:// URL without user and password',
  shape: /^https?:\/\/[^\s]+$/,
})

const webhookUrl = configValue<string>({
  ...urlForm,
  hidden: true,
  read: (given) => {
    const read = urlForm.read(given)
    if (read.kind !== 'value') return read
    const url = URL.parse(read.value)
    if (url === null) return { kind: 'refused', because: 'is not a URL' }
    if (url.username !== '' || url.password !== '') {
      return { kind: 'refused', because: 'carries a user or password' }
    }
    return read
  },
})

const targetSection = section({
  webhook: section({
    url: webhookUrl.describe('Where each announcement is posted.'),
    secret: secret().describe('Key of the signature (HMAC-SHA256) that each request carries.'),
  })
    .optional()
    .describe('A signed HTTP request for each announcement; any 2xx acknowledges it.'),
  'success-file': section({})
    .optional()
    .describe('A file `_SUCCESS` with the manifest in the folder of each announced partition.'),
  hive: notBuilt('Partitions of a Hive Metastore.'),
  kafka: section({
    topic: configValue<string>(topicForm).describe(
      'Where the messages go. It must be there: none is made.',
    ),
  })
    .optional()
    .describe('A message for each announcement, keyed by stream, to the brokers of `kafka`.'),
})

const notifyTarget = z.codec(
  targetSection.check((context) => {
    if (Object.keys(context.value).length === 1) return
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: 'not exactly one target; accepted: webhook, kafka, success-file',
    })
  }),
  z.custom<NotifyTarget>(),
  {
    decode: ({ webhook, kafka }): NotifyTarget => {
      if (webhook !== undefined) return { kind: 'webhook', ...webhook }
      return kafka === undefined ? { kind: 'success-file' } : { kind: 'kafka', ...kafka }
    },
    encode: (target): z.output<typeof targetSection> => {
      if (target.kind === 'success-file') return { 'success-file': {} }
      if (target.kind === 'kafka') return { kafka: { topic: target.topic } }
      return { webhook: { url: target.url, secret: target.secret } }
    },
  },
)

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

/** The key `ready` of a stream: what its partitions wait for besides. */
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
  const [address = '', query] = target.url.split(/\?(.*)/s)
  if (query === undefined) return `webhook:${address}`
  return `webhook:${address}?${hash('sha256', query, 'hex').slice(0, shownHashDigits)}`
}
