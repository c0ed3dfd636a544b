import type { z } from 'zod'
import { address, duration, secret, text, topicForm } from '../base/config-units.ts'
import { choice, configValue, listOf, type ReadValue, section } from '../base/config-value.ts'
import { isoOf, type UnixMs, unixMs } from '../base/time.ts'
import { tlsSection } from '../base/tls-config.ts'
import { isTopicPattern, patternOf } from '../model/topic-selection.ts'
import type { StartAt } from '../ports/source.ts'

const patternLengthMax = 500

/** The name of one Kafka topic, or a pattern that selects topics by their whole name. */
export const topicSelector = configValue<string>({
  ...topicForm,
  accepted: `${topicForm.accepted}; or a pattern of whole names, as "growth\\..*"`,
  jsonSchema: { type: 'string', minLength: 1, maxLength: patternLengthMax },
  read: (given) =>
    typeof given === 'string' && isTopicPattern(given) ? readPattern(given) : topicForm.read(given),
})

function readPattern(given: string): ReadValue<string> {
  if (given.length > patternLengthMax) {
    return { kind: 'refused', because: `is longer than ${patternLengthMax} characters` }
  }
  if (given.includes('/')) return { kind: 'refused', because: 'has a "/", which no topic has' }
  try {
    patternOf(given)
    return { kind: 'value', value: given }
  } catch (error) {
    return { kind: 'refused', because: `is no pattern: ${String(error)}` }
  }
}

const isoMoment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/

function momentOf(given: unknown): UnixMs | undefined {
  if (typeof given !== 'string' || !isoMoment.test(given)) return undefined
  const at = Date.parse(given)
  return Number.isNaN(at) ? undefined : unixMs(at)
}

const groupStart = /^group:([\x21-\x7e]{1,249})$/

const startPosition = configValue<StartAt>({
  accepted: 'earliest, latest, group:NAME, a time with its zone such as 2026-11-20T13:00:00Z',
  jsonSchema: {
    type: 'string',
    pattern: `^(earliest|latest|group:[!-~]{1,249}|${isoMoment.source.slice(1, -1)})$`,
  },
  read: (given) => {
    if (given === 'earliest' || given === 'latest') return { kind: 'value', value: given }
    const group = typeof given === 'string' ? groupStart.exec(given)?.[1] : undefined
    if (group !== undefined) return { kind: 'value', value: { group } }
    const value = momentOf(given)
    if (value !== undefined) return { kind: 'value', value }
    return { kind: 'refused', because: 'is not a position' }
  },
  print: (position) => {
    if (typeof position === 'object') return `group:${position.group}`
    return typeof position === 'string' ? position : isoOf(position)
  },
})

const passwordKeys = 'username and password'
const saslConfig = section({
  mechanism: choice(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']).describe(
    'How we prove who we are.',
  ),
  username: text({ accepted: 'the name of the user', shape: /^\S+$/ })
    .optional()
    .describe('The user; not with `oauthbearer`.'),
  password: secret().optional().describe('The password of the user; not with `oauthbearer`.'),
  token: secret()
    .optional()
    .describe('The token, with `oauthbearer` alone; read anew for each login.'),
}).check((context) => {
  const { mechanism, username, password, token } = context.value
  const problem = (message: string): void => {
    context.issues.push({ code: 'custom', input: context.value, message, path: ['mechanism'] })
  }
  if (mechanism === 'oauthbearer') {
    const right = token !== undefined && username === undefined && password === undefined
    if (!right) problem(`"oauthbearer" goes with token alone, not with ${passwordKeys}`)
    return
  }
  const right = token === undefined && username !== undefined && password !== undefined
  if (!right) problem(`"${mechanism}" goes with ${passwordKeys}, not with token`)
})

/** A name as group.instance.id takes it, with room for the number of a worker. */
export const instanceShape = /^[A-Za-z0-9._-]{1,200}$/

const kafkaSection = section({
  brokers: listOf(address('host:port'))
    .min(1, 'empty; accepted: at least one host:port')
    .describe('Brokers to ask first; they name the others.'),
  group: text({ accepted: 'the name of a consumer group', shape: /^[\x21-\x7e]{1,249}$/ })
    .optional()
    .describe(
      'Consumer group: who reads what; offsets live in the commit log. Without it: the pipeline.',
    ),
  assignment: choice(['group', 'static'])
    .prefault('group')
    .describe(
      'Who reads what: `group` by membership, `static` by --worker-index of --worker-count.',
    ),
  instance: text({
    accepted: 'a name of A-Z a-z 0-9 . _ -, or env:NAME of one',
    shape: /^(env:[A-Za-z_][A-Za-z0-9_]*|[A-Za-z0-9._-]{1,200})$/,
  })
    .optional()
    .describe(
      'Static membership (group.instance.id): a name of this process alone, of each worker with ' +
        'its number behind it. A restart within sessionTimeout then moves nothing.',
    ),
  groupProtocol: choice(['classic', 'consumer'])
    .prefault('classic')
    .describe(
      'Who assigns within the group: `classic`: its leader, by observed bytes; `consumer` ' +
        '(KIP-848, Kafka 4.x): the brokers, by count. All members alike (workers.md).',
    ),
  start: startPosition
    .prefault('earliest')
    .describe(
      'Where to read from a topic-partition that the commit log does not know; ' +
        '`group:NAME`: where that consumer group ended (sources.md).',
    ),
  sessionTimeout: duration({ min: '1s', max: '5m' })
    .prefault('10s')
    .describe(
      'After how long without a heartbeat the brokers take a member of the group for dead. ' +
        "Not of groupProtocol: consumer, where it is the brokers' setting.",
    ),
  sasl: saslConfig.optional().describe('Log in to the brokers. Without it: no login.'),
  tls: tlsSection('brokers ask')
    .optional()
    .describe('Talk to the brokers over TLS. Without it: plain TCP.'),
})

/** The section `kafka`. */
export const kafkaConfig = kafkaSection.check((context) => {
  const { instance, groupProtocol, assignment } = context.value
  if (assignment === 'group') return
  const message = 'given with assignment: static, which has no group; accepted: with group'
  const refuse = (key: string): void => {
    context.issues.push({ code: 'custom', input: context.value, message, path: [key] })
  }
  if (instance !== undefined) refuse('instance')
  if (groupProtocol === 'consumer') refuse('groupProtocol')
})

export type KafkaConfig = z.output<typeof kafkaSection>

/** The key `alignment` of a stream. */
export const alignmentConfig = section({
  maxSkew: duration({ min: '1s', max: '7d' }).describe(
    'How far in event time one topic-partition may be ahead of the slowest; it is paused beyond.',
  ),
})
