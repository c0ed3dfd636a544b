/** Kafka 3.9, the last of its line; logs by log4j 1. */
import { type KafkaRelease, kafkaArtifacts, kafkaNodes } from './kafka-node.ts'

const version = '3.9.2'

const log4j1 = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.err
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %m (%c{1})%n
`

const release: KafkaRelease = {
  name: 'kafka-3',
  version,
  artifacts: kafkaArtifacts(version, 'org.slf4j:slf4j-reload4j:1.7.36'),
  // A preview in this version, off unless named; 4 has it and warns of the setting.
  settings: { 'group.coordinator.rebalance.protocols': 'classic,consumer' },
  logging: {
    fileName: 'log4j.properties',
    text: log4j1,
    word: (path) => `-Dlog4j.configuration=file:${path}`,
  },
}

export const kafka3 = kafkaNodes(release, 1)
export const kafka3Three = kafkaNodes(release, 3)
