import { duration, secret, text } from '../base/config-units.ts'
import { choice, section } from '../base/config-value.ts'

/** The key `format` of a stream. */
export const formatConfig = choice(
  ['raw-event', 'protobuf', 'confluent-protobuf'],
  ['json', 'debezium-json', 'canal-json', 'text'],
)

/** The key `schema` of a stream. */
export const schemaConfig = section({
  file: text({
    accepted: 'path of a .proto file, or of a FileDescriptorSet (.desc, .pb)',
    shape: /^[^\0]+\.(proto|desc|pb)$/,
  }).describe(
    'File with the message: source, or a compiled set with all imports. Looked for in the ' +
      'registry, then beside the configuration.',
  ),
  message: text({
    accepted: 'the full name of a message: growth.AppEvent',
    shape: /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/,
  }).describe('Message of one event.'),
})

/** The key `eventTime` of a stream. */
export const eventTimeConfig = section({
  outOfOrderness: duration({ min: '0s', max: '7d' })
    .prefault('30s')
    .describe('How much earlier than its predecessors in a topic-partition an event may be.'),
  futureMax: duration({ min: '0s', max: '365d' })
    .prefault('1h')
    .describe('Events further in the future become dead letters.'),
  pastMax: duration({ min: '1m', max: '36500d' })
    .prefault('30d')
    .describe('Events further in the past become dead letters.'),
  field: text({
    accepted: 'names of fields from the message on: created_at, or meta.created_at',
    shape: /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/,
  })
    .optional()
    .describe(
      'A field of the message with the event time: an integer, or a google.protobuf.Timestamp. ' +
        'Without it: see eventTime.',
    ),
  unit: choice(['s', 'ms', 'us', 'ns'])
    .optional()
    .describe('Of an integer in `field`, counted from 1970. Without it: ms.'),
})

/** The section `schemaRegistry`. */
export const schemaRegistryConfig = section({
  url: text({
    accepted: 'http://host:port, https://host/path, or file:./folder with files such as 42.proto',
    shape: /^(https?:\/\/[^\s?#@]+[^\s?#@/]|file:[^\0]+)$/,
  }).describe("Confluent's registry or one that speaks its HTTP API, or a folder."),
  username: text({ accepted: 'the name of the user', shape: /^[^\s:]+$/ })
    .optional()
    .describe('Basic authentication, with password.'),
  password: secret().optional().describe('The password of the user.'),
}).check((context) => {
  const { url, username, password } = context.value
  const problem = (message: string, key: string): void => {
    context.issues.push({ code: 'custom', input: context.value, message, path: [key] })
  }
  if ((username === undefined) !== (password === undefined)) {
    const key = username === undefined ? 'username' : 'password'
    problem('missing beside the other; accepted: username and password, or neither', key)
  }
  if (username !== undefined && url.startsWith('file:')) {
    problem('given with a folder; accepted: with http:// and https:// only', 'username')
  }
})
