/**
 * HDFS on loopback: a namenode, a datanode and, where asked for, HttpFS; from the jars alone.
 *
 * - The jars lack the folders of the daemons' web pages, and the daemons end without them.
 * - Without the opened package every call to the namenode is answered 500.
 * - Times are short: a datanode that is gone is noticed within half a minute, not eleven.
 * - A folder that everybody may write to stands on it once it is up: `hdfsFirstFolder`.
 */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { MavenArtifacts } from './maven-project.ts'
import {
  type Ports,
  portOf,
  type ServiceKind,
  type ServicePlace,
  type ServicePlan,
  type TextFile,
} from './service-kind.ts'

const version = '3.4.1'

/** Anybody may write below it. */
export const hdfsFirstFolder = '/lakeward'

const artifacts: MavenArtifacts = {
  kind: 'maven',
  // The first to name a jar chooses its version: in another order Jackson's parts do not fit.
  roots: [
    { coordinate: `org.apache.hadoop:hadoop-hdfs:${version}` },
    { coordinate: `org.apache.hadoop:hadoop-hdfs-client:${version}` },
    { coordinate: `org.apache.hadoop:hadoop-common:${version}` },
    { coordinate: `org.apache.hadoop:hadoop-hdfs-httpfs:${version}` },
  ],
}

const clusterPorts = [
  'namenode-rpc',
  'namenode',
  'datanode',
  'datanode-http',
  'datanode-ipc',
] as const

interface HdfsShape {
  readonly name: string
  readonly httpfs: boolean
}

function hdfsCluster(shape: HdfsShape): ServiceKind {
  const { name, httpfs } = shape
  return {
    name,
    version,
    artifacts,
    artifactsOf: 'hdfs',
    portNames: [...clusterPorts, ...(httpfs ? ['httpfs'] : [])],
    plan: (place) => planOf(shape, place),
    address: (ports) => `127.0.0.1:${portOf(ports, httpfs ? 'httpfs' : 'namenode')}`,
    isReady: async (ports) => {
      const doors = httpfs ? ['namenode', 'httpfs'] : ['namenode']
      for (const door of doors) if (!(await takesFolder(portOf(ports, door)))) return false
      return takesFile(ports)
    },
  }
}

export const hdfs = hdfsCluster({ name: 'hdfs', httpfs: false })
export const hdfsHttpfs = hdfsCluster({ name: 'hdfs-httpfs', httpfs: true })

const hadoop = 'org.apache.hadoop'
const namenodeClass = `${hadoop}.hdfs.server.namenode.NameNode`
const webFolders = ['hdfs', 'datanode', 'secondary', 'journal', 'static']

function planOf({ httpfs }: HdfsShape, place: ServicePlace): ServicePlan {
  const { folder, artifactsFolder } = place
  const at = (name: string): string => join(folder, name)
  const java = (mainClass: string, properties: readonly string[], ...words: readonly string[]) => [
    'java',
    '-Xmx192m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '--add-opens=java.base/java.lang=ALL-UNNAMED',
    '-Djava.net.preferIPv4Stack=true',
    ...properties,
    '-cp',
    `${folder}/:${artifactsFolder}/*`,
    mainClass,
    ...words,
  ]
  const httpfsClass = `${hadoop}.fs.http.server.HttpFSServerWebServer`
  const pages = webFolders.map((name) => at(`webapps/${name}`))
  return {
    files: [
      { path: at('log4j.properties'), text: logging },
      xmlFile(at('core-site.xml'), coreSettings(place)),
      xmlFile(at('hdfs-site.xml'), hdfsSettings(place)),
      ...(httpfs ? httpfsFiles(place) : []),
    ],
    prepare: [
      { command: ['mkdir', '-p', ...pages], makes: pages.at(-1) ?? '' },
      {
        command: java(namenodeClass, [], '-format', '-nonInteractive'),
        makes: at('name/current/VERSION'),
      },
    ],
    processes: [
      { name: 'namenode', command: java(namenodeClass, []) },
      { name: 'datanode', command: java(`${hadoop}.hdfs.server.datanode.DataNode`, []) },
      ...(httpfs
        ? [
            {
              name: 'httpfs',
              command: java(
                httpfsClass,
                httpfsFolders.map((name) => `-Dhttpfs.${name}.dir=${folder}`),
              ),
            },
          ]
        : []),
    ],
  }
}

const httpfsFolders = ['home', 'config', 'log', 'temp']

const httpfsFiles = ({ folder, ports }: ServicePlace): readonly TextFile[] => [
  xmlFile(join(folder, 'httpfs-site.xml'), {
    'httpfs.http.hostname': '127.0.0.1',
    'httpfs.http.port': portOf(ports, 'httpfs'),
    'httpfs.hadoop.config.dir': folder,
  }),
  { path: join(folder, 'httpfs-signature.secret'), text: 'lakeward tests\n' },
]

type HadoopSettings = Readonly<Record<string, string | number | boolean>>

function coreSettings({ folder, ports }: ServicePlace): HadoopSettings {
  const user = userInfo().username
  return {
    'fs.defaultFS': `hdfs://127.0.0.1:${portOf(ports, 'namenode-rpc')}`,
    'hadoop.tmp.dir': join(folder, 'tmp'),
    // HttpFS speaks for others.
    [`hadoop.proxyuser.${user}.hosts`]: '*',
    [`hadoop.proxyuser.${user}.users`]: '*',
  }
}

function hdfsSettings({ folder, ports }: ServicePlace): HadoopSettings {
  const at = (name: string): string => `127.0.0.1:${portOf(ports, name)}`
  return {
    'dfs.namenode.rpc-address': at('namenode-rpc'),
    'dfs.namenode.http-address': at('namenode'),
    'dfs.namenode.name.dir': `file://${join(folder, 'name')}`,
    'dfs.datanode.data.dir': `file://${join(folder, 'data')}`,
    'dfs.datanode.address': at('datanode'),
    'dfs.datanode.http.address': at('datanode-http'),
    'dfs.datanode.ipc.address': at('datanode-ipc'),
    'dfs.datanode.hostname': '127.0.0.1',
    'dfs.client.use.datanode.hostname': true,
    'dfs.datanode.use.datanode.hostname': true,
    'dfs.namenode.datanode.registration.ip-hostname-check': false,
    'dfs.replication': 1,
    'dfs.permissions.enabled': true,
    'dfs.namenode.safemode.extension': 0,
    'dfs.heartbeat.interval': 1,
    'dfs.namenode.heartbeat.recheck-interval': 2_000,
    'dfs.namenode.redundancy.interval.seconds': '1s',
    'dfs.namenode.fs-limits.min-block-size': 65_536,
    'dfs.datanode.du.reserved': 0,
    'dfs.disk.balancer.enabled': false,
  }
}

const logging = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.err
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %m (%c{1})%n
`

/** No value holds a character that XML would read. */
const xmlFile = (path: string, settings: HadoopSettings): TextFile => ({
  path,
  text: [
    '<configuration>',
    ...Object.entries(settings).map(
      ([name, value]) => `  <property><name>${name}</name><value>${value}</value></property>`,
    ),
    '</configuration>',
    '',
  ].join('\n'),
})

/**
 * A datanode takes a file: the namenode counts one as living for half a minute after it was killed.
 */
async function takesFile(ports: Ports): Promise<boolean> {
  const url = urlOf(portOf(ports, 'namenode'), '/lakeward-ready', 'CREATE&overwrite=true')
  const way = await fetch(`${url}&noredirect=true`, { method: 'PUT' })
  const { Location: location } = (await way.json()) as { Location: string }
  // A datanode says "100 Continue" to whom did not ask, which Fetch takes for a broken server.
  const sent = request(location, { method: 'PUT' }).end('x')
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  return answer.statusCode === 201
}

/** The beans of a namenode answer before its calls do, and calls that write are the last. */
async function takesFolder(port: number): Promise<boolean> {
  const url = urlOf(port, hdfsFirstFolder, 'MKDIRS&permission=777')
  const answer = await fetch(url, { method: 'PUT' })
  await answer.arrayBuffer()
  return answer.status === 200
}

const urlOf = (port: number, path: string, operation: string): string =>
  `http://127.0.0.1:${port}/webhdfs/v1${path}?op=${operation}&user.name=${userInfo().username}`
