/** Kafka 4: needs Java 17; logs by log4j 2. */
import { type KafkaRelease, kafkaArtifacts, kafkaNodes } from './kafka-node.ts'

// 4.4.0 names `kafka-tools`, which was not published.
const version = '4.3.1'

const log4j2 = `appender.out.type=Console
appender.out.name=out
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
`

const release: KafkaRelease = {
  name: 'kafka-4',
  version,
  artifacts: kafkaArtifacts(version, 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4'),
  settings: {},
  logging: {
    fileName: 'log4j2.properties',
    text: log4j2,
    word: (path) => `-Dlog4j2.configurationFile=${path}`,
  },
}

export const kafka4 = kafkaNodes(release, 1)
export const kafka4Three = kafkaNodes(release, 3)
