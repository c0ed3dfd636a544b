import type { FaultTable } from './definition.ts'

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

/** What can go wrong between us and the Kafka brokers. */
export const kafkaFaults = {
  KAFKA_UNREACHABLE: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { brokers: readonly string[]; reason: string }) =>
      `could not reach any Kafka broker of "${f.brokers.join(',')}": ${f.reason}`,
    hint: 'Check kafka.brokers, the network and that the brokers run; lakeward goes on trying.',
  },
  BROKER_PORT_TAKEN: {
    domain: 'user',
    retry: 'never',
    message: (f: { host: string; port: number; reason: string }) =>
      `the embedded broker cannot listen on "${f.host}:${f.port}": ${f.reason}`,
    hint: 'Stop what listens there, or give the broker another port; port 0 takes a free one.',
  },
  BROKER_TOPIC_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { topic: string; reason: string }) =>
      `the embedded broker cannot make topic "${f.topic}": ${f.reason}`,
    hint: 'Name the topic with 1 to 249 of a-z A-Z 0-9 . _ - and give it at least one partition.',
  },
  BROKER_DIRECTORY_IN_USE: {
    domain: 'user',
    retry: 'never',
    message: (f: { directory: string; processId: number }) =>
      `the embedded broker cannot open "${f.directory}": process ${f.processId} holds it`,
    hint: 'Stop that process; if it is no broker, delete the file "broker.lock" in the folder.',
  },
  BROKER_LOG_CORRUPT: {
    domain: 'external',
    retry: 'never',
    message: (f: { file: string; positionBytes: number; sizeBytes: number; reason: string }) =>
      `segment "${f.file}" is broken at byte ${f.positionBytes} of ${f.sizeBytes}: ${f.reason}`,
    hint: 'Only the newest segment may end torn. Restore the file, or delete its topic folder.',
  },
  BROKER_STORAGE_REFUSED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { operation: string; path: string; reason: string }) =>
      `the embedded broker could not ${f.operation} "${f.path}": ${f.reason}`,
    hint: 'Make room or grant permission in the broker folder; producers are told and may retry.',
  },
  BROKER_REQUEST_MALFORMED: {
    domain: 'external',
    retry: 'never',
    message: (f: { reason: string }) =>
      `a request to the embedded broker is malformed: ${f.reason}`,
    hint: 'The broker closes such a connection as real ones do; check the client and its versions.',
  },
  KAFKA_BATCHES_REWRITTEN: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; next: bigint }) =>
      `"${f.topicPartition}" was read in batches that ended at offset ${f.next}, ` +
      'and has a batch across it',
    hint: 'Its records are not as they were read; see "lakeward log refill --help" for --lost.',
  },
  KAFKA_FORMAT_NOT_SUPPORTED: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; offset: bigint; magic: number }) =>
      `"${f.topicPartition}" holds record format ${f.magic} at offset ${f.offset}, not format 2`,
    hint: 'Let the broker rewrite the topic in format 2, or pass it with "lakeward source reset".',
  },
  KAFKA_CODEC_NOT_SUPPORTED: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; offset: bigint; codec: number }) =>
      `the batch of "${f.topicPartition}" at offset ${f.offset} uses codec ${f.codec}, not 0 to 4`,
    hint: 'Produce with gzip, snappy, lz4, zstd or no compression; "source reset" passes it.',
  },
  KAFKA_BATCH_CORRUPT: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; offset: bigint; expected: number; actual: number }) =>
      `the batch of "${f.topicPartition}" at offset ${f.offset} has checksum ${hex(f.actual)}, ` +
      `its header says ${hex(f.expected)}`,
    hint: 'Check the broker and its replicas; pass it with "lakeward source reset --to".',
  },
  KAFKA_RECORDS_CORRUPT: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; offset: bigint; reason: string }) =>
      `the batch of "${f.topicPartition}" at offset ${f.offset} cannot be read: ${f.reason}`,
    hint: 'Find the producer of the batch; pass it with "lakeward source reset --to".',
  },
  KAFKA_BATCH_TOO_LARGE: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; offset: bigint; sizeBytesMax: number }) =>
      `the batch of "${f.topicPartition}" at offset ${f.offset} inflates past ` +
      `${f.sizeBytesMax} bytes`,
    hint: 'Make the producer send smaller batches; pass this one with "lakeward source reset".',
  },
  KAFKA_ANSWER_MALFORMED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { reason: string }) => `could not read an answer of a Kafka broker: ${f.reason}`,
    hint: 'Check that kafka.brokers names Kafka ports, and that kafka.tls fits the listener.',
  },
  KAFKA_OFFSET_OUT_OF_RANGE: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; asked: bigint; earliest: bigint; latest: bigint }) =>
      `"${f.topicPartition}" has no offset ${f.asked}: it holds ${f.earliest} up to ${f.latest}`,
    hint: 'Records may be gone. Go on with "lakeward source accept", or "source reset --to".',
  },
  KAFKA_TOPIC_RECREATED: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; logHas: string; brokerHas: string }) =>
      `"${f.topicPartition}" was read under topic id "${f.logHas}", ` +
      `the broker has "${f.brokerHas}"`,
    hint: 'The topic was deleted and made anew. Accept the new one with "lakeward source accept".',
  },
  KAFKA_CLUSTER_CHANGED: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; logHas: string; brokerHas: string }) =>
      `"${f.topicPartition}" was read from cluster "${f.logHas}", the brokers are "${f.brokerHas}"`,
    hint: 'Check kafka.brokers. If the move is meant, accept it with "lakeward source accept".',
  },
  KAFKA_LOG_DIVERGED: {
    domain: 'external',
    retry: 'never',
    message: (f: { topicPartition: string; asked: bigint; leaderEpoch: number; next: bigint }) =>
      `"${f.topicPartition}" was read up to ${f.asked}, its leader's log of epoch ` +
      `${f.leaderEpoch} ends at ${f.next}`,
    hint: 'The brokers lost records that are in the lake. Decide with "lakeward source accept".',
  },
  SOURCE_MOVE_REFUSED: {
    domain: 'external',
    retry: 'never',
    message: (f: { command: string; at: string; because: string }) =>
      `"lakeward ${f.command}" of "${f.at}" is refused: ${f.because}`,
    hint: 'See "lakeward source ls" for where the log and the brokers stand; nothing was changed.',
  },
  KAFKA_VERSION_NOT_SUPPORTED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { api: string; needed: string; offered: string }) =>
      `the broker offers "${f.api}" in versions ${f.offered}, needed is ${f.needed}`,
    hint: 'Use Kafka 3.1 to 4.x (kafka.instance: 3.2, groupProtocol consumer: 4.0), or the like.',
  },
  KAFKA_AUTHENTICATION_REFUSED: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { mechanism: string; username: string; reason: string }) =>
      `Kafka refused user "${f.username}" by "${f.mechanism}": ${f.reason}`,
    hint: 'Check kafka.sasl: mechanism, username and the secret that password refers to.',
  },
  KAFKA_GROUP_REFUSED: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { group: string; reason: string }) =>
      `could not join consumer group "${f.group}": ${f.reason}`,
    hint: 'Check that only lakeward uses kafka.group, its rights, and the session timeout.',
  },
  KAFKA_START_GROUP_BUSY: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { group: string; state: string }) =>
      `consumer group "${f.group}", named by kafka.start, still has members: it is "${f.state}"`,
    hint: 'Stop the consumers of that group; lakeward then starts where they ended.',
  },
  KAFKA_START_GROUP_EMPTY: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { group: string }) =>
      `consumer group "${f.group}", named by kafka.start, has no offset of any configured topic`,
    hint: 'Check the name of the group, or give kafka.start a position such as earliest.',
  },
  KAFKA_INSTANCE_FENCED: {
    domain: 'user',
    retry: 'never',
    message: (f: { group: string; instanceId: string }) =>
      `another process has joined group "${f.group}" as instance "${f.instanceId}"; ` +
      'this one reads nothing any more',
    hint: 'Give each process its own kafka.instance, then restart the one that has stopped.',
  },
  KAFKA_INSTANCE_HELD: {
    domain: 'user',
    retry: 'backoff',
    message: (f: { group: string; instanceId: string }) =>
      `could not join group "${f.group}" as instance "${f.instanceId}": another member holds it`,
    hint: 'Give each process its own kafka.instance; after a kill the brokers wait a session.',
  },
  KAFKA_TOPIC_GONE: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { topicPartition: string; topicId: string; next: bigint }) =>
      `"${f.topicPartition}" of topic id "${f.topicId}" was read up to ${f.next}, ` +
      'and the brokers do not have it any more',
    hint: 'If its end is meant, run "lakeward source accept TOPIC --why ..."; it waits till then.',
  },
  KAFKA_TOPIC_HIDDEN: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { topic: string; reason: string }) =>
      `the brokers did not show topic "${f.topic}": ${f.reason}`,
    hint: 'Check our right to describe and read the topic; lakeward goes on trying.',
  },
  KAFKA_PARTITION_REFUSED: {
    domain: 'external',
    retry: 'backoff',
    message: (f: { topicPartition: string; reason: string }) =>
      `could not read "${f.topicPartition}": ${f.reason}`,
    hint: 'Check the topic, its leader and our right to read it; lakeward goes on trying.',
  },
} as const satisfies FaultTable
