/**
 * Entries of the commit log as files: what docs/protocol.md says they look like, read without any
 * code of the product. Numbers of 64 bits stay text, as they are written.
 */
import { hash } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { z } from 'zod'

const time = z.number()
const source = z.looseObject({
  clusterId: z.string(),
  topicId: z.string(),
  topic: z.string(),
  partition: z.number(),
})
const partition = z.looseObject({ path: z.string(), startMs: time, nextMs: time })
const byReason = z.record(z.string(), z.number())
const counts = z.strictObject({
  read: z.number(),
  written: z.number(),
  filtered: byReason,
  late: z.number(),
  deadLettered: byReason,
  lateAppended: z.number(),
})
const file = z.looseObject({
  stream: z.string(),
  table: z.string(),
  partitionPath: z.string(),
  path: z.string(),
  stagedPath: z.string(),
  sizeBytes: z.number(),
  rowCount: z.number(),
  base: z.strictObject({ sizeBytes: z.number(), rowCount: z.number() }).optional(),
})
const range = z.looseObject({
  lane: z.string(),
  source,
  expected: z.string().nullable(),
  first: z.string(),
  next: z.string(),
  leaderEpoch: z.number(),
  resetEpoch: z.number().optional(),
})
const evidence = z.looseObject({ source, highWatermark: z.string(), askedAtMs: time })
const progress = z.looseObject({ stream: z.string(), source, eventWatermarkMs: time })
const manifest = z.looseObject({
  id: z.string(),
  stream: z.string(),
  table: z.string(),
  partitionPath: z.string(),
  revision: z.number(),
  reason: z.string(),
  decidedAt: z.string(),
  added: z.array(z.string()),
  removed: z.array(z.string()),
  counts,
  rows: z.number(),
  sources: z.array(
    z.looseObject({ topicId: z.string(), partition: z.number(), evidence: z.string() }),
  ),
  files: z.array(z.looseObject({ path: z.string() })),
  skipped: z
    .strictObject({
      first: z.string(),
      next: z.string(),
      partitions: z.number(),
      emptyRunMax: z.number(),
    })
    .optional(),
})

const base = {
  format: z.literal(1),
  commitId: z.string().regex(/^[0-9a-f]{32}-\d+$/),
  writerId: z.string(),
  stagedAtMs: time,
  publishedNext: z.number(),
  published: z.array(z.string()),
  discarded: z.array(z.looseObject({ commitId: z.string() })),
}

const appendEntry = z.looseObject({
  ...base,
  kind: z.literal('append'),
  ranges: z.array(range),
  places: z.array(
    z.looseObject({ stream: z.string(), partition, late: z.literal(true).optional() }),
  ),
  configVersion: z.number(),
  body: z.looseObject({
    files: z.array(file),
    counts: z.array(z.looseObject({ stream: z.string(), partition, counts })),
    progress: z.array(progress),
    evidence: z.array(evidence),
  }),
})
const readyEntry = z.looseObject({
  ...base,
  kind: z.literal('ready'),
  announcements: z.array(
    z.looseObject({
      stream: z.string(),
      partition,
      version: z.string().nullable(),
      targets: z.array(z.string()),
    }),
  ),
  body: z.looseObject({ manifests: z.array(manifest) }),
})
const deliveredEntry = z.looseObject({
  ...base,
  kind: z.literal('delivered'),
  deliveries: z.array(
    z.looseObject({
      stream: z.string(),
      partitionPath: z.string(),
      revision: z.number(),
      target: z.string(),
    }),
  ),
})
const streamConfig = z.looseObject({
  name: z.string(),
  table: z.string(),
  topics: z.array(z.string()),
})
const configEntry = z.looseObject({
  ...base,
  kind: z.literal('config'),
  fromVersion: z.number(),
  version: z.number(),
  checksum: z.string(),
  body: z.looseObject({ streams: z.array(streamConfig) }),
})
const closedEntry = z.looseObject({
  ...base,
  kind: z.literal('closed-late'),
  closings: z.array(
    z.looseObject({
      stream: z.string(),
      partition,
      version: z.string(),
      list: z.looseObject({
        path: z.string(),
        sizeBytes: z.number(),
        sha256: z.string(),
        previous: z.string(),
      }),
    }),
  ),
})

const move = z.looseObject({
  lane: z.string(),
  source,
  expected: z.string().nullable(),
  resetEpoch: z.number(),
  next: z.string().nullable(),
})
/** An operator's word on where to read on. */
const sourceEntry = z.looseObject({
  ...base,
  kind: z.literal('source'),
  action: z.enum(['accept', 'reset']),
  why: z.string(),
  moves: z.array(move),
})
/** Commits that an operator gives up; no world forgets files. */
const forgetEntry = z.looseObject({
  ...base,
  kind: z.literal('forget'),
  commits: z.array(z.string()),
  files: z.array(z.never()),
})

/** Stands in place of an entry that nobody can read, and at the log's end as a notice of it. */
const voidEntry = z.looseObject({ ...base, kind: z.literal('void'), entry: z.number() })

/**
 * The way home of what a table refused, the only swap that daemons put by themselves; and what was
 * lost and read again, or given up, by an operator.
 */
const homeEntry = z.looseObject({
  ...base,
  kind: z.literal('swap'),
  why: z.enum(['move', 'refill']),
  stream: z.string(),
  partition,
  place: z.enum(['open', 'announced']),
  version: z.string().nullable(),
  inputs: z.array(z.string()),
  location: z.string(),
  lostRowCount: z.number(),
  body: z.looseObject({ files: z.array(file) }),
})

/** The kinds that daemons put by themselves, and what operators put beside them. */
const entry = z.discriminatedUnion('kind', [
  appendEntry,
  readyEntry,
  deliveredEntry,
  configEntry,
  closedEntry,
  homeEntry,
  sourceEntry,
  forgetEntry,
  voidEntry,
])

export type Source = z.output<typeof source>
export type Partition = z.output<typeof partition>
export type Counts = z.output<typeof counts>
export type DataFile = z.output<typeof file>
export type Range = z.output<typeof range>
export type Evidence = z.output<typeof evidence>
export type Progress = z.output<typeof progress>
export type Manifest = z.output<typeof manifest>
export type Entry = z.output<typeof entry>
export type AppendEntry = z.output<typeof appendEntry>
export type ReadyEntry = z.output<typeof readyEntry>
export type DeliveredEntry = z.output<typeof deliveredEntry>
export type ConfigEntry = z.output<typeof configEntry>
export type ClosedEntry = z.output<typeof closedEntry>
export type HomeEntry = z.output<typeof homeEntry>
export type SourceEntry = z.output<typeof sourceEntry>
export type VoidEntry = z.output<typeof voidEntry>
export type ForgetEntry = z.output<typeof forgetEntry>

const storedBody = z.object({ path: z.string(), sizeBytes: z.number(), sha256: z.string() })
const headShape = z.looseObject({
  body: z.union([z.strictObject({ inline: z.unknown() }), storedBody]),
})

export const sha256Of = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex')

/** By their heads, which are never changed: the judge folds a log once, a faulty writer often. */
const entriesKnown = new WeakMap<Uint8Array, Entry>()

/**
 * An entry, whole. Nobody may change it: the same one is given out again.
 *
 * @param read the object at a path of the lake.
 * @throws Error where the bytes are not what they must be.
 */
export function readEntry(head: Uint8Array, read: (path: string) => Uint8Array | undefined): Entry {
  const known = entriesKnown.get(head)
  if (known !== undefined) return known
  const { body, ...fields } = headShape.parse(JSON.parse(text(head)))
  const content = 'inline' in body ? body.inline : storedAt(body, read)
  const whole = entry.parse({ ...fields, body: content })
  entriesKnown.set(head, whole)
  return whole
}

function storedAt(
  { path, sizeBytes, sha256 }: z.output<typeof storedBody>,
  read: (path: string) => Uint8Array | undefined,
): unknown {
  const bytes = read(path)
  if (bytes === undefined) throw new Error(`body "${path}" is missing`)
  const isNamed = bytes.byteLength === sizeBytes && sha256Of(bytes) === sha256
  if (!isNamed) throw new Error(`body "${path}" is not the one its head names`)
  return JSON.parse(zstdDecompressSync(bytes).toString())
}

const text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()

/** What tells a topic-partition from all others, a topic that was made anew among them. */
export const keyOf = ({ clusterId, topicId, partition: number }: Source): string =>
  `${clusterId}/${topicId}/${number}`
