import { duration, text } from '../base/config-units.ts'
import { choice, notBuilt, section } from '../base/config-value.ts'

/** The key `format` of a stream. */
export const formatConfig = choice(
  ['raw-event', 'protobuf'],
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
  field: notBuilt('A field of the message with the event time.'),
})
