/** What `docs/faults.md` is made of. */
import { clusterCases } from './cluster-cases.ts'
import type { FaultSection } from './fault-case.ts'
import { hdfsCases } from './hdfs-cases.ts'
import { kafkaCases } from './kafka-cases.ts'
import { metastoreCases } from './metastore-cases.ts'
import { s3Cases } from './s3-cases.ts'

export const faultSections: readonly FaultSection[] = [
  {
    title: 'Kafka',
    about: `\`test/system/kafka-faults.test.ts\`, on a real broker; the last two rows on three, where
\`LAKEWARD_REQUIRE=kafka-4-three\` asks for it. The tries are counted where a proxy stands between;
that other topic-partitions go on is asserted where one stops.`,
    retries: {
      backoff: 'tried again, with pauses that grow to 5 s',
      never: 'not tried again: that topic-partition stops, the others go on',
    },
    rows: [...kafkaCases, ...clusterCases],
  },
  {
    title: 'S3',
    about: `\`test/system/s3-faults.test.ts\`, on versitygw behind a proxy that answers in its place
where the fault is the store's own; a full disk is a limit on the size of its files. A user is told
by \`/readyz\`; how often a request came is counted by the proxy; \`verify --deep\` is clean in the
end.`,
    retries: {
      backoff: 'tried again, with pauses that grow to 30 s',
      never: 'not tried again',
    },
    rows: s3Cases,
  },
  {
    title: 'HDFS',
    about: `\`test/system/hdfs-faults.test.ts\`, on a real namenode and datanode behind doors at which
single calls are hurt, where \`LAKEWARD_REQUIRE=hdfs-faults\` asks for it. A user is told by \`/readyz\`;
standby, safe mode, full disks and the refused user are answers that a door gives.`,
    retries: {
      backoff: 'tried again, with pauses that grow to 30 s',
      never: 'not tried again',
    },
    rows: hdfsCases,
  },
  {
    title: 'Hive Metastore',
    about: `\`test/system/metastore-faults.test.ts\`, on a real metastore behind a proxy, where
\`LAKEWARD_REQUIRE=hive\` asks for it. A user is told by the log, \`registration-failed\` or
\`delivery-failed\`; meanwhile rows of both streams are written and committed, and in the end the
metastore has every hour of both in its place.`,
    retries: {
      backoff: 'tried again, with pauses that grow to five minutes; nothing waits in the lake',
      never: 'not tried again',
    },
    rows: metastoreCases,
  },
]
