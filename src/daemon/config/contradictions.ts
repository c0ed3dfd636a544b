import { formatDuration, formatSize } from '../../base/units.ts'
import type { CommitConfig } from '../../committer/config.ts'
import { deadLetterTableName, firstShard, pipelineOfShard } from '../../model/log-shard.ts'
import { mayShareTopic } from '../../model/topic-selection.ts'
import { divertedTable } from '../../protocol/late.ts'
import { type ReadyConfig, targetName } from '../../readiness/config.ts'
import type { KafkaConfig } from '../../source/config.ts'
import type { HttpConfig } from '../http-config.ts'
import type { LakeConfig } from './lake-config.ts'
import { type ConfigProblem, type KeyPath, pathName } from './problems.ts'
import { shardProblems } from './shard-problems.ts'
import { type ShardSelectors, shardNames } from './shards.ts'
import type { PlacedStream, StreamConfig } from './stream-config.ts'

/** What could be read; a section that is wrong by itself is undefined. */
export interface ReadParts {
  readonly pipeline: string | undefined
  readonly kafka?: KafkaConfig | undefined
  readonly hasSchemaRegistry?: boolean
  readonly commit: CommitConfig | undefined
  readonly memory: { readonly buffers: number } | undefined
  readonly shards?: ShardSelectors | undefined
  readonly lake: LakeConfig | undefined
  readonly ready: ReadyConfig | undefined
  readonly http: HttpConfig | undefined
  readonly streams: readonly PlacedStream[]
}

/** Keys that are right each by itself and cannot stand together; both paths are named. */
export function findContradictions(parts: ReadParts): readonly ConfigProblem[] {
  return [
    ...bucketKeysOfFolder(parts),
    ...keyWithoutKms(parts),
    ...growingElsewhere(parts),
    ...growingInAnyBlocks(parts),
    ...hdfsKeysElsewhere(parts),
    ...hdfsLoginKeys(parts),
    ...idleBelowInterval(parts),
    ...openWithoutToken(parts),
    ...startOfOwnGroup(parts),
    ...registryWithoutUse(parts),
    ...sameTargets(parts),
    ...placesOfCatalogs(parts),
    ...sameNames(parts),
    ...sameTables(parts),
    ...sharedBareTopics(parts),
    ...sharesAboveAll(parts),
    ...waitsForNobody(parts),
    ...shardProblems(parts.shards ?? {}, parts.streams),
  ]
}

const bucketKeys = [
  'endpoint',
  'region',
  'pathStyle',
  'credentials',
  'encryption',
  'requesterPays',
] as const

function bucketKeysOfFolder({ lake }: ReadParts): readonly ConfigProblem[] {
  if (lake === undefined || lake.url.startsWith('s3:')) return []
  return bucketKeys
    .filter((key) => lake[key] !== undefined)
    .map((key) => {
      const text = `goes with a bucket, and lake.url is "${lake.url}"; accepted: with s3:// only`
      return { path: ['lake', key], text }
    })
}

function hdfsKeysElsewhere({ lake }: ReadParts): readonly ConfigProblem[] {
  if (lake?.hdfs === undefined || lake.url.startsWith('hdfs:')) return []
  const text = `goes with HDFS, and lake.url is "${lake.url}"; accepted: with hdfs:// only`
  return [{ path: ['lake', 'hdfs'], text }]
}

/** Each way to log in to HDFS has its own keys. */
function hdfsLoginKeys({ lake }: ReadParts): readonly ConfigProblem[] {
  const { auth, user, token, principal } = lake?.hdfs ?? {}
  const way = auth ?? (token === undefined ? 'simple' : 'token')
  const problem = (key: string, text: string) => ({ path: ['lake', 'hdfs', key], text })
  const goesWith = (key: string, ways: readonly string[]): readonly ConfigProblem[] => {
    if (ways.includes(way)) return []
    const accepted = `accepted: with ${ways.join(' or ')} only`
    return [problem(key, `goes with another login, and lake.hdfs.auth is ${way}; ${accepted}`)]
  }
  return [
    ...(user === undefined ? [] : goesWith('user', ['simple', 'token'])),
    ...(token === undefined ? [] : goesWith('token', ['token'])),
    ...(principal === undefined ? [] : goesWith('principal', ['kerberos'])),
    ...(way === 'token' && token === undefined
      ? [problem('auth', 'is token, and lake.hdfs.token is not given; accepted: with it')]
      : []),
  ]
}

function keyWithoutKms({ lake }: ReadParts): readonly ConfigProblem[] {
  if (lake?.kmsKey === undefined || lake.encryption === 'sse-kms') return []
  const given = lake.encryption === undefined ? 'is not given' : `is ${lake.encryption}`
  const text = `goes with lake.encryption: sse-kms, which ${given}; accepted: with sse-kms only`
  return [{ path: ['lake', 'kmsKey'], text }]
}

/** Files of other lakes never grow. */
function growingElsewhere({ lake, streams }: ReadParts): readonly ConfigProblem[] {
  if (lake === undefined || lake.url.startsWith('hdfs:')) return []
  return streams.flatMap(({ index, stream: { file } }) => {
    if (file.mode !== 'continue') return []
    const text = `continue goes with hdfs:// only, and lake.url is "${lake.url}"; accepted: new`
    return [{ path: ['streams', index, 'file', 'mode'], text }]
  })
}

/** The namenode joins no tail whose blocks are larger than its file's (ADR 0032). */
function growingInAnyBlocks({ lake, streams }: ReadParts): readonly ConfigProblem[] {
  if (lake === undefined || !lake.url.startsWith('hdfs:')) return []
  const isGrowing = streams.some(({ stream: { file } }) => file.mode === 'continue')
  if (!isGrowing || lake.hdfs?.blockSize !== undefined) return []
  const text =
    'is not given, and a stream has file.mode: continue, whose tails must have the blocks of ' +
    'their files; accepted: a size such as 128MiB'
  return [{ path: ['lake', 'hdfs', 'blockSize'], text }]
}

function idleBelowInterval({ ready, commit }: ReadParts): readonly ConfigProblem[] {
  if (ready === undefined || commit === undefined || ready.idle >= commit.interval) return []
  const given = `${formatDuration(ready.idle)} is less than commit.interval`
  const text = `${given}, ${formatDuration(commit.interval)}: between two commits all looks idle`
  return [{ path: ['ready', 'idle'], text: `${text}; accepted: commit.interval or more` }]
}

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):/

function openWithoutToken({ http }: ReadParts): readonly ConfigProblem[] {
  if (http === undefined || http.token !== undefined || loopback.test(http.listen)) return []
  const open = `"${http.listen}" is open to others without http.token`
  const accepted = 'a loopback address, or any with http.token'
  return [{ path: ['http', 'listen'], text: `${open}; accepted: ${accepted}` }]
}

/** Its members would be ourselves, and its offsets ours: a circle. */
function startOfOwnGroup({ pipeline, kafka, shards }: ReadParts): readonly ConfigProblem[] {
  if (kafka === undefined || typeof kafka.start !== 'object') return []
  const { group } = kafka.start
  const first = kafka.group ?? pipeline
  if (first === undefined) return []
  const own = shardNames(shards ?? {}).find((shard) => pipelineOfShard(first, shard) === group)
  if (own === undefined) return []
  const text = `"group:${group}" is our own group; accepted: another group, or another kafka.group`
  return [{ path: ['kafka', 'start'], text }]
}

function sameTargets({ ready }: ReadParts): readonly ConfigProblem[] {
  const targets = ready?.notify ?? []
  return repeated(
    targets.map((target, index) => ({
      path: ['ready', 'notify', index],
      value: targetName(target),
    })),
  )
}

/** Our way to HDFS is not the one of those who read a metastore. */
function placesOfCatalogs({ lake, ready }: ReadParts): readonly ConfigProblem[] {
  if (lake === undefined || !lake.url.startsWith('hdfs:')) return []
  if (lake.hdfs?.location !== undefined) return []
  return (ready?.notify ?? []).flatMap((target, index) => {
    if (target.kind !== 'hive' || target.location !== undefined) return []
    const accepted = 'hdfs://nameservice/warehouse, here or as lake.hdfs.location'
    const text = `missing beside a lake on HDFS; accepted: ${accepted}`
    return [{ path: ['ready', 'notify', index, 'hive', 'location'], text }]
  })
}

function sameNames({ streams }: ReadParts): readonly ConfigProblem[] {
  return repeated(
    streams.map(({ index, stream }) => ({ path: ['streams', index, 'name'], value: stream.name })),
  )
}

function sameTables({ pipeline, streams, shards }: ReadParts): readonly ConfigProblem[] {
  const tables = streams.flatMap(({ index, stream: { table, late } }) => [
    { path: ['streams', index, 'table'], value: table },
    ...(late.policy === 'dead-letter'
      ? []
      : [{ path: ['streams', index, 'late', 'policy'], value: divertedTable(table) }]),
  ])
  if (pipeline === undefined) return repeated(tables)
  const letters = shardNames(shards ?? {}).map((shard) => ({
    path: shard === firstShard ? ['pipeline'] : ['log', 'shards', shard],
    value: deadLetterTableName(pipelineOfShard(pipeline, shard)),
  }))
  return repeated([...letters, ...tables])
}

interface PlacedValue {
  readonly path: KeyPath
  readonly value: string
}

/** Values that stand twice. Compared without case: metastores and some file systems ignore it. */
function repeated(values: readonly PlacedValue[]): readonly ConfigProblem[] {
  const firsts = new Map<string, PlacedValue>()
  return values.flatMap(({ path, value }) => {
    const first = firsts.get(value.toLowerCase())
    if (first === undefined) {
      firsts.set(value.toLowerCase(), { path, value })
      return []
    }
    const taken = `"${value}" is taken by ${pathName(first.path)}, "${first.value}"`
    return [{ path, text: `${taken}; accepted: a name that is not used twice` }]
  })
}

/** Numbers of schemas mean nothing without a registry, and a registry is for them alone. */
function registryWithoutUse(parts: ReadParts): readonly ConfigProblem[] {
  const { streams, hasSchemaRegistry = false } = parts
  const users = streams.filter(({ stream }) => stream.format === 'confluent-protobuf')
  if (hasSchemaRegistry && streams.length > 0 && users.length === 0) {
    const text = 'no stream has the format confluent-protobuf; accepted: with such a stream only'
    return [{ path: ['schemaRegistry'], text }]
  }
  if (hasSchemaRegistry) return []
  return users.map(({ index }) => {
    const text = '"confluent-protobuf" goes with schemaRegistry; accepted: the section beside it'
    return { path: ['streams', index, 'format'], text }
  })
}

/** Bare messages do not say whose they are, so their topic belongs to one stream. */
function sharedBareTopics({ streams }: ReadParts): readonly ConfigProblem[] {
  const uses = streams.flatMap(({ index, stream }) =>
    stream.topics.map((topic) => ({
      topic,
      index,
      format: stream.format,
      message: stream.schema.message,
    })),
  )
  return uses.flatMap((use, position) => {
    const other = uses.slice(0, position).find((one) => clashes(one, use))
    if (other === undefined) return []
    const path: KeyPath = ['streams', use.index, 'topic']
    if (other.index === use.index) {
      return [{ path, text: `"${use.topic}" is named twice; accepted: each topic once` }]
    }
    const shared =
      use.topic === other.topic
        ? `"${use.topic}" is also streams[${other.index}].topic`
        : `"${use.topic}" and streams[${other.index}].topic, "${other.topic}", may share a topic`
    const why = `and in the format ${mostBare(use, other)} nothing tells the streams apart`
    return [{ path, text: `${shared}, ${why}; accepted: a topic of its own, or format raw-event` }]
  })
}

interface TopicUse {
  readonly topic: string
  readonly index: number
  readonly format: StreamConfig['format']
  readonly message: string
}

/** The same stream may name a topic that its pattern selects too. */
const clashes = (one: TopicUse, other: TopicUse): boolean =>
  one.index === other.index
    ? one.topic === other.topic
    : !areToldApart(one, other) && mayShareTopic(one.topic, other.topic)

/** Envelopes name their stream; frames lead to the name of their message. */
function areToldApart(one: TopicUse, other: TopicUse): boolean {
  if (one.format !== other.format || one.format === 'protobuf') return false
  return one.format === 'raw-event' || one.message !== other.message
}

const mostBare = (one: TopicUse, other: TopicUse): string =>
  one.format === 'protobuf' || other.format === 'raw-event' ? one.format : other.format

function sharesAboveAll({ memory, streams }: ReadParts): readonly ConfigProblem[] {
  if (memory === undefined) return []
  const { buffers: all } = memory
  return streams.flatMap(({ index, stream: { limits } }) => {
    const { buffers } = limits
    if (buffers === undefined || buffers <= all) return []
    const given = `${formatSize(buffers)} is more than memory.buffers, ${formatSize(all)}`
    const text = `${given}, of which it is a share; accepted: memory.buffers or less`
    return [{ path: ['streams', index, 'limits', 'buffers'], text }]
  })
}

/** Streams wait for others that are there, and that wait for none that waits for them. */
function waitsForNobody({ streams }: ReadParts): readonly ConfigProblem[] {
  const afterOf = new Map(streams.map(({ stream }) => [stream.name, stream.ready.after]))
  const reached = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>()
    const open = [...(afterOf.get(from) ?? [])]
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (seen.has(name)) continue
      seen.add(name)
      open.push(...(afterOf.get(name) ?? []))
    }
    return seen
  }
  return streams.flatMap(({ index, stream: { name, ready } }) =>
    ready.after.flatMap((other, place) => {
      const path: KeyPath = ['streams', index, 'ready', 'after', place]
      if (!afterOf.has(other)) {
        return [{ path, text: `no stream is called "${other}"; accepted: names of other streams` }]
      }
      if (other !== name && !reached(other).has(name)) return []
      const text = `"${other}" waits for "${name}" itself; accepted: streams that do not`
      return [{ path, text }]
    }),
  )
}
