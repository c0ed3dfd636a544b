/**
 * A Hive Metastore on loopback as a service, without Hadoop around it: its tables are in a Derby
 * database in the instance's folder, its warehouse is beside it.
 *
 * Invariants:
 * - What the metastore brings of Hadoop is too old for it, or two versions at once: Hadoop's own
 *   parts are left out and named one by one.
 * - The tables of the database are made as they are first needed: the first calls take seconds.
 */
import { join } from 'node:path'
import { metastoreVersion } from '../../support/metastore-version.ts'
import { isListening, kerberosRealm, realmPlan } from './kerberos.ts'
import type { MavenArtifacts } from './maven-project.ts'
import {
  type Ports,
  portOf,
  type ServiceKind,
  type ServicePlace,
  type ServicePlan,
} from './service-kind.ts'

/** What differs between versions. */
export interface HiveRelease {
  readonly name: string
  readonly version: string
  readonly coordinate: string
  /** Parts of Hadoop that this version needs besides. */
  readonly hadoop: readonly string[]
  /** It stands in a realm of Kerberos, as hive/localhost, and lets in whom that knows. */
  readonly secured?: true
}

const hadoopVersion = '3.4.1'
const oldLogging = ['org.slf4j:slf4j-log4j12', 'log4j:log4j']
const newLogging = ['org.slf4j:slf4j-reload4j', 'ch.qos.reload4j:reload4j']

const artifactsOf = ({ coordinate, hadoop }: HiveRelease): MavenArtifacts => ({
  kind: 'maven',
  roots: [
    // `jdk.tools` is of Java 8 and stops Maven on a newer one.
    { coordinate, without: ['jdk.tools:jdk.tools', 'org.apache.hadoop:*', ...oldLogging] },
    { coordinate: `org.apache.hadoop:hadoop-common:${hadoopVersion}`, without: newLogging },
    ...[...hadoop, 'hadoop-hdfs-client'].map((part) => ({
      coordinate: `org.apache.hadoop:${part}:${hadoopVersion}`,
    })),
  ],
})

export const hiveMetastore = (release: HiveRelease): ServiceKind => ({
  name: release.name,
  version: release.version,
  artifacts: artifactsOf(release),
  ...(release.secured ? { artifactsOf: 'hive' } : {}),
  portNames: release.secured ? ['thrift', 'kdc'] : ['thrift'],
  plan: (place) => planOf(place, release.secured === true),
  address: (ports) =>
    `thrift://${release.secured ? 'localhost' : '127.0.0.1'}:${portOf(ports, 'thrift')}`,
  // Who comes without a ticket is asked nothing.
  isReady: (ports) => (release.secured ? isListening(portOf(ports, 'thrift')) : isAnswering(ports)),
})

function planOf(place: ServicePlace, isSecured: boolean): ServicePlan {
  const { folder, artifactsFolder, ports } = place
  const port = portOf(ports, 'thrift')
  const realm = isSecured ? realmPlan(place) : { files: [], prepare: [], processes: [] }
  const security = isSecured ? securitySettings(folder) : {}
  const coreSite = { path: join(folder, 'core-site.xml'), text: xmlText(coreSecurity) }
  return {
    files: [
      ...realm.files,
      ...(isSecured ? [coreSite] : []),
      {
        path: join(folder, 'metastore-site.xml'),
        text: xmlText({ ...siteSettings(folder, port), ...security }),
      },
      { path: join(folder, 'log4j2.properties'), text: log4j2 },
    ],
    prepare: realm.prepare,
    processes: [
      ...realm.processes,
      {
        name: 'metastore',
        command: [
          'java',
          '-Xmx384m',
          // The second compiler costs half of a start's CPU time and pays only in long runs.
          '-XX:TieredStopAtLevel=1',
          '-XX:+UseSerialGC',
          '-Djava.awt.headless=true',
          '-Djava.net.preferIPv4Stack=true',
          `-Dderby.stream.error.file=${join(folder, 'derby.log')}`,
          ...(isSecured ? [`-Djava.security.krb5.conf=${join(folder, 'krb5.conf')}`] : []),
          '-cp',
          // Where its configuration is looked for.
          `${folder}/:${join(artifactsFolder, '*')}`,
          'org.apache.hadoop.hive.metastore.HiveMetaStore',
          '-p',
          String(port),
        ],
      },
    ],
  }
}

const coreSecurity = { 'hadoop.security.authentication': 'kerberos' }

const securitySettings = (folder: string) => ({
  'metastore.sasl.enabled': true,
  'metastore.kerberos.principal': `hive/localhost@${kerberosRealm}`,
  'metastore.kerberos.keytab.file': join(folder, 'hive.keytab'),
  // It knows nobody of this machine by another name.
  'hadoop.security.authentication': 'kerberos',
})

function siteSettings(folder: string, port: number) {
  const warehouse = `file://${join(folder, 'warehouse')}`
  const metastore = 'org.apache.hadoop.hive.metastore'
  return {
    'metastore.thrift.uris': `thrift://127.0.0.1:${port}`,
    'metastore.thrift.port': port,
    'metastore.thrift.bind.host': '127.0.0.1',
    'metastore.warehouse.dir': warehouse,
    'metastore.warehouse.external.dir': warehouse,
    'javax.jdo.option.ConnectionURL': `jdbc:derby:;databaseName=${folder}/derby;create=true`,
    'javax.jdo.option.ConnectionDriverName': 'org.apache.derby.jdbc.EmbeddedDriver',
    'metastore.schema.verification': false,
    'datanucleus.schema.autoCreateAll': true,
    // Others of the list clean up what tests look at, or are in no jar of the metastore.
    'metastore.task.threads.always': `${metastore}.events.EventCleanerTask`,
    // The default is a class of Hive itself.
    'metastore.expression.proxy': `${metastore}.DefaultPartitionExpressionProxy`,
    'metastore.thread.pool.size': 10,
    'metastore.server.min.threads': 4,
    'metastore.execute.setugi': true,
    'datanucleus.connectionPool.maxPoolSize': 4,
  }
}

function xmlText(settings: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `  <property><name>${name}</name><value>${value}</value></property>`,
  )
  return ['<?xml version="1.0"?>', '<configuration>', ...lines, '</configuration>', ''].join('\n')
}

const log4j2 = `status = warn
rootLogger.level = info
rootLogger.appenderRef.c.ref = c
appender.c.type = Console
appender.c.name = c
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
logger.dn.name = DataNucleus
logger.dn.level = error
`

/** The port opens a moment before calls are served. */
async function isAnswering(ports: Ports): Promise<boolean> {
  return (await metastoreVersion(portOf(ports, 'thrift'))) !== ''
}
