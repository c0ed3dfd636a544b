/**
 * HDFS on loopback, from the jars alone: a namenode, or a pair of them that share a folder of
 * edits; a datanode, or three; and, where asked for, HttpFS.
 *
 * - The jars lack the folders of the daemons' web pages, and the daemons end without them.
 * - Without the opened package every call to the namenode is answered 500.
 * - Times are short: a datanode that is gone is noticed within half a minute, not eleven.
 * - A folder that everybody may write to stands on it once it is up: `hdfsFirstFolder`.
 * - Of a pair none is active by itself: a process beside them makes one so (hdfs-failover.ts).
 * - Each of three datanodes has an address of its own, so that one can be left out by name.
 */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { certificateSteps, storePassword } from './kafka-listeners.ts'
import type { MavenArtifacts } from './maven-project.ts'
import {
  portOf,
  type ServiceKind,
  type ServicePlace,
  type ServicePlan,
  type TextFile,
} from './service-kind.ts'

const version = '3.4.1'

const completionDelayKey = 'dfs.client.block.write.locateFollowingBlock.initial.delay.ms'

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

interface HdfsShape {
  readonly name: string
  readonly httpfs?: boolean
  readonly namenodes?: 1 | 2
  readonly datanodes?: 1 | 3
  /** All answer by HTTPS alone, with certificates of their own authority (kafka-listeners.ts). */
  readonly tls?: boolean
}

/** "namenode", "namenode-2". */
const nodesOf = (kind: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => (index === 0 ? kind : `${kind}-${index + 1}`))

const clusterPorts = ({ namenodes = 1, datanodes = 1 }: HdfsShape): readonly string[] => [
  ...nodesOf('namenode', namenodes).flatMap((node) => [`${node}-rpc`, node]),
  ...nodesOf('datanode', datanodes).flatMap((node) => [node, `${node}-http`, `${node}-ipc`]),
]

function hdfsCluster(shape: HdfsShape): ServiceKind {
  const { name, httpfs = false, namenodes = 1, tls = false } = shape
  const scheme = tls ? 'https' : 'http'
  return {
    name,
    version,
    artifacts,
    artifactsOf: 'hdfs',
    portNames: [...clusterPorts(shape), ...(httpfs ? ['httpfs'] : [])],
    plan: (place) => planOf(shape, place),
    address: (ports) => {
      const doors = httpfs ? ['httpfs'] : nodesOf('namenode', namenodes)
      return doors.map((door) => `127.0.0.1:${portOf(ports, door)}`).join(',')
    },
    isReady: async (ports) => {
      const door = (port: number): string => `${scheme}://127.0.0.1:${port}`
      if (httpfs && !(await takesFolder(door(portOf(ports, 'httpfs'))))) return false
      // One of them is active; the other answers that it is not.
      for (const node of nodesOf('namenode', namenodes)) {
        const at = door(portOf(ports, node))
        if ((await takesFolder(at)) && (await takesFile(at))) return true
      }
      return false
    },
  }
}

export const hdfs = hdfsCluster({ name: 'hdfs' })
export const hdfsHttpfs = hdfsCluster({ name: 'hdfs-httpfs', httpfs: true })
export const hdfsHa = hdfsCluster({ name: 'hdfs-ha', namenodes: 2 })
export const hdfsTls = hdfsCluster({ name: 'hdfs-tls', tls: true })
export const hdfsThree = hdfsCluster({ name: 'hdfs-three', datanodes: 3 })

const hadoop = 'org.apache.hadoop'
const namenodeClass = `${hadoop}.hdfs.server.namenode.NameNode`
const webFolders = ['hdfs', 'datanode', 'secondary', 'journal', 'static']

function planOf(shape: HdfsShape, place: ServicePlace): ServicePlan {
  const { httpfs = false, namenodes = 1, datanodes = 1, tls = false } = shape
  const { folder, artifactsFolder } = place
  const isPair = namenodes === 2
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
      xmlFile(at('core-site.xml'), coreSettings(place, isPair)),
      xmlFile(at('hdfs-site.xml'), hdfsSettings(shape, place)),
      ...(httpfs ? httpfsFiles(place) : []),
      ...(tls ? [xmlFile(at('ssl-server.xml'), storeSettings(folder))] : []),
    ],
    prepare: [
      ...(tls ? certificateSteps(folder) : []),
      { command: ['mkdir', '-p', ...pages], makes: pages.at(-1) ?? '' },
      {
        command: java(
          namenodeClass,
          [],
          ...(isPair ? nodeWords(place, 'namenode') : []),
          '-format',
          '-nonInteractive',
        ),
        makes: at('name/current/VERSION'),
      },
      ...(isPair
        ? [{ command: ['cp', '-r', at('name'), at('name-2')], makes: at('name-2/current/VERSION') }]
        : []),
    ],
    processes: [
      ...nodesOf('namenode', namenodes).map((node) => ({
        name: node,
        command: java(namenodeClass, [], ...(isPair ? nodeWords(place, node) : [])),
      })),
      ...nodesOf('datanode', datanodes).map((node, index) => ({
        name: node,
        command: java(
          `${hadoop}.hdfs.server.datanode.DataNode`,
          [],
          ...(datanodes > 1 ? datanodeWords(place, node, index) : []),
        ),
      })),
      ...(isPair
        ? [
            {
              name: 'failover',
              command: [
                process.execPath,
                join(import.meta.dirname, 'hdfs-failover.ts'),
                ...nodesOf('namenode', namenodes).map(
                  (node) => `${node}=${portOf(place.ports, node)}`,
                ),
                '--',
                ...java(`${hadoop}.hdfs.tools.DFSHAAdmin`, []),
              ],
            },
          ]
        : []),
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

/** What is another namenode's own: who it is, and its folder. */
const nodeWords = ({ folder }: ServicePlace, node: string): readonly string[] => [
  `-Ddfs.ha.namenode.id=${node}`,
  `-Ddfs.namenode.name.dir=file://${join(folder, node.replace('namenode', 'name'))}`,
]

function datanodeWords({ folder, ports }: ServicePlace, node: string, index: number) {
  const host = `127.0.0.${index + 1}`
  return [
    `-Ddfs.datanode.data.dir=file://${join(folder, node.replace('datanode', 'data'))}`,
    `-Ddfs.datanode.address=${host}:${portOf(ports, node)}`,
    `-Ddfs.datanode.http.address=${host}:${portOf(ports, `${node}-http`)}`,
    `-Ddfs.datanode.ipc.address=${host}:${portOf(ports, `${node}-ipc`)}`,
    `-Ddfs.datanode.hostname=${host}`,
  ]
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

/** Of a pair of namenodes. */
const nameservice = 'lakeward'

function coreSettings({ folder, ports }: ServicePlace, isPair: boolean): HadoopSettings {
  const user = userInfo().username
  const place = isPair ? nameservice : `127.0.0.1:${portOf(ports, 'namenode-rpc')}`
  return {
    'fs.defaultFS': `hdfs://${place}`,
    'hadoop.tmp.dir': join(folder, 'tmp'),
    // HttpFS speaks for others.
    [`hadoop.proxyuser.${user}.hosts`]: '*',
    [`hadoop.proxyuser.${user}.users`]: '*',
  }
}

function pairSettings({ folder, ports }: ServicePlace): HadoopSettings {
  const nodes = nodesOf('namenode', 2)
  const addresses = nodes.flatMap((node) => [
    [
      `dfs.namenode.rpc-address.${nameservice}.${node}`,
      `127.0.0.1:${portOf(ports, `${node}-rpc`)}`,
    ],
    [`dfs.namenode.http-address.${nameservice}.${node}`, `127.0.0.1:${portOf(ports, node)}`],
  ])
  return {
    'dfs.nameservices': nameservice,
    [`dfs.ha.namenodes.${nameservice}`]: nodes.join(','),
    ...Object.fromEntries(addresses),
    'dfs.namenode.shared.edits.dir': `file://${join(folder, 'shared')}`,
    [`dfs.client.failover.proxy.provider.${nameservice}`]: `${hadoop}.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider`,
    'dfs.ha.fencing.methods': 'shell(/bin/true)',
    'dfs.ha.tail-edits.period': '1s',
    'dfs.ha.log-roll.period': '5s',
    'dfs.namenode.checkpoint.check.period': 3_600,
  }
}

const storeSettings = (folder: string): HadoopSettings => ({
  'ssl.server.keystore.type': 'pkcs12',
  'ssl.server.keystore.location': join(folder, 'tls-broker.p12'),
  'ssl.server.keystore.password': storePassword,
  'ssl.server.keystore.keypassword': storePassword,
})

const secureSettings = ({ ports }: ServicePlace): HadoopSettings => ({
  'dfs.http.policy': 'HTTPS_ONLY',
  'dfs.namenode.https-address': `127.0.0.1:${portOf(ports, 'namenode')}`,
  'dfs.datanode.https.address': `127.0.0.1:${portOf(ports, 'datanode-http')}`,
})

function hdfsSettings({ namenodes = 1, tls = false }: HdfsShape, place: ServicePlace) {
  const { folder, ports } = place
  const at = (name: string): string => `127.0.0.1:${portOf(ports, name)}`
  return {
    ...(namenodes === 2
      ? pairSettings(place)
      : {
          'dfs.namenode.rpc-address': at('namenode-rpc'),
          ...(tls ? secureSettings(place) : { 'dfs.namenode.http-address': at('namenode') }),
        }),
    'dfs.namenode.name.dir': `file://${join(folder, 'name')}`,
    'dfs.datanode.data.dir': `file://${join(folder, 'data')}`,
    'dfs.datanode.address': at('datanode'),
    ...(tls ? {} : { 'dfs.datanode.http.address': at('datanode-http') }),
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
    // Of the client within a datanode, which otherwise sleeps 400 ms and longer where it asks the
    // namenode for a file's end before the block's report has come; meanwhile its thread, one of a
    // few for all connections, answers nobody.
    [completionDelayKey]: 10,
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
async function takesFile(door: string): Promise<boolean> {
  const url = urlOf(door, '/lakeward-ready', 'CREATE&overwrite=true')
  const way = JSON.parse((await put(`${url}&noredirect=true`)).text) as { Location: string }
  return (await put(way.Location, 'x')).status === 201
}

/** The beans of a namenode answer before its calls do, and calls that write are the last. */
async function takesFolder(door: string): Promise<boolean> {
  return (await put(urlOf(door, hdfsFirstFolder, 'MKDIRS&permission=777'))).status === 200
}

/** A datanode says "100 Continue" to whom did not ask, which Fetch takes for a broken server. */
async function put(url: string, body = ''): Promise<{ status: number; text: string }> {
  const options = { method: 'PUT', agent: false } as const
  const sent = url.startsWith('https:')
    ? secureRequest(url, { ...options, rejectUnauthorized: false })
    : request(url, options)
  const [answer] = (await once(sent.end(body), 'response')) as [IncomingMessage]
  return { status: answer.statusCode ?? 0, text: await text(answer) }
}

const urlOf = (door: string, path: string, operation: string): string =>
  `${door}/webhdfs/v1${path}?op=${operation}&user.name=${userInfo().username}`
