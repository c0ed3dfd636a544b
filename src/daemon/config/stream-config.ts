import { z } from 'zod'
import { text } from '../../base/config-units.ts'
import { listOf, section } from '../../base/config-value.ts'
import type { DeepReadonly } from '../../base/deep-readonly.ts'
import { etlConfig, limitsConfig } from '../../etl/config.ts'
import {
  columnsConfig,
  fileConfig,
  mappingConfig,
  namesConfig,
  partitionConfig,
} from '../../exporter/config.ts'
import { eventTimeConfig, formatConfig, schemaConfig } from '../../parser/config.ts'
import { lateConfig, streamReadyConfig } from '../../readiness/config.ts'
import { alignmentConfig, topicSelector } from '../../source/config.ts'

const oneOfTopics = 'accepted: either topic or topics'

const streamSection = section({
  name: text({
    accepted: 'letters, digits, "_" and "-", not beginning with "_"',
    shape: /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/,
  }).describe('Name of the stream; in the envelope, the log, manifests and commands.'),
  topic: topicSelector
    .optional()
    .describe('Topic that carries the stream, or a pattern of topics: `growth\\..*`.'),
  topics: listOf(topicSelector)
    .min(1, 'empty; accepted: at least one topic')
    .optional()
    .describe('Topics and patterns that carry the stream, when there are several.'),
  format: formatConfig
    .prefault('raw-event')
    .describe(
      '`raw-event`: the envelope of proto/raw_event.proto; `protobuf`: the bare message; ' +
        "`confluent-protobuf`: Confluent's wire format, see schemaRegistry.",
    ),
  schema: schemaConfig.describe('Message of the stream.'),
  eventTime: eventTimeConfig
    .prefault({})
    .describe(
      'Event times: of a field, else of the envelope, or of the record where there is none.',
    ),
  table: text({
    accepted: 'letters, digits and "_", beginning with a letter',
    shape: /^[A-Za-z][A-Za-z0-9_]{0,127}$/,
  })
    .optional()
    .describe('Table, a folder of the lake. Without it: the name of the stream, "-" as "_".'),
  partition: partitionConfig.prefault({}).describe('Partitions of the table, by event time.'),
  file: fileConfig.prefault({}).describe('Parquet files of the table.'),
  ready: streamReadyConfig.prefault({}).describe('What partitions of the stream wait for besides.'),
  late: lateConfig.prefault({}).describe('Rows that come after their partition was announced.'),
  alignment: alignmentConfig
    .optional()
    .describe('Keeps the topic-partitions that one process reads side by side in event time.'),
  columns: columnsConfig.prefault([]).describe('Columns with the identity of each row.'),
  names: namesConfig
    .prefault('as-declared')
    .describe('Names of columns: as in the message, in snake_case, or in lower case.'),
  mapping: mappingConfig
    .prefault({})
    .describe('How values become columns where there is a choice; protobuf-to-parquet.md.'),
  etl: etlConfig.prefault([]).describe('Steps between the topic and the table.'),
  limits: limitsConfig
    .prefault({})
    .describe('Bounds of one stream: its memory, and its user code.'),
})

type StreamSection = z.output<typeof streamSection>
type Filled = Omit<StreamSection, 'topic' | 'topics' | 'table'>

/** One stream, with topics and table filled in. */
export type StreamConfig = DeepReadonly<Filled & { topics: string[]; table: string }>

/** A stream and its position in `streams`. */
export interface PlacedStream {
  readonly index: number
  readonly stream: StreamConfig
}

/** One entry of `streams`, or one file of the folder `streams/`. */
export const streamConfig = z.codec(
  streamSection.check((context) => {
    const { topic, topics } = context.value
    const problem = (message: string): void => {
      context.issues.push({ code: 'custom', input: context.value, message, path: ['topic'] })
    }
    if (topic === undefined && topics === undefined) problem(`missing; ${oneOfTopics}`)
    if (topic !== undefined && topics !== undefined) {
      problem(`given beside topics; ${oneOfTopics}`)
    }
  }),
  z.custom<StreamConfig>(),
  {
    decode: ({ topic, topics, table, ...rest }): StreamConfig => ({
      ...rest,
      topics: topics ?? (topic === undefined ? [] : [topic]),
      table: table ?? rest.name.replaceAll('-', '_'),
    }),
    encode: (stream): StreamSection => structuredClone(stream) as StreamSection,
  },
)
