/**
 * Entries of a writer that knows nothing of the protocol. Each would hold but for one thing that it
 * relies on and that is not so: whoever takes it for decided believes what never was.
 */
import type { FoldedPartition, LogState } from './judge/fold-state.ts'
import { readLog } from './judge/log.ts'
import { type Entry, readEntry } from './judge/log-entry.ts'
import { entryAt, hourEnd } from './judge/paths.ts'
import { holds } from './judge/reliance.ts'
import type { SimRandom } from './random.ts'

export interface LogFacts {
  readonly pipeline: string
  readonly random: SimRandom
  /** What a path holds, or held. */
  readonly read: (path: string) => Uint8Array | undefined
}

const writerId = 'f'.repeat(32)
const strangerId = 'e'.repeat(32)
const hourMs = 3_600_000

type Fields = Readonly<Record<string, unknown>>

/** The log so far, as a maker of entries sees it. */
interface Below {
  readonly state: LogState
  readonly entries: readonly Entry[]
  readonly any: <T>(items: readonly T[]) => T | undefined
}

export interface FaultyEntry {
  /** At the end of the log. */
  readonly index: number
  readonly head: Uint8Array
}

/**
 * Entries that do not hold, to be put one after the other at the end of the log.
 *
 * @param countMax each breaks another rule; those that the log has nothing for are left out.
 */
export function faultyEntries(
  { pipeline, random, read }: LogFacts,
  countMax: number,
): readonly FaultyEntry[] {
  const entries: Entry[] = []
  const { state, unreadable } = readLog(read, pipeline, (_, { entry }) => entries.push(entry))
  if (unreadable !== undefined || state.config.version < 1) return []
  const any = <T>(items: readonly T[]): T | undefined => items[random.below(items.length)]
  const stagedAtMs = [...state.writers.values()].at(-1)?.lastEntryAtMs ?? 0
  const made: FaultyEntry[] = []
  const left = [...makers]
  while (left.length > 0 && made.length < countMax) {
    const [make] = left.splice(random.below(left.length), 1)
    const fields = make?.({ state, entries, any })
    if (fields === undefined) continue
    const index = entries.length + made.length
    const told = { writerId, stagedAtMs, publishedNext: index, published: [], discarded: [] }
    const base = { format: 1, commitId: `${writerId}-${index}`, ...told }
    const head = Buffer.from(JSON.stringify({ ...base, ...fields }))
    if (!holds(state, readEntry(head, read))) made.push({ index, head })
  }
  return made
}

/**
 * An entry of the log, to be put once more at its end; undefined where the one that was drawn would
 * hold there: a delivery is true as often as it is said, and what was void may hold later on.
 *
 * @param inlineOnly leaves out those whose body is an object of its own.
 */
export function repeatedEntry(
  { pipeline, random, read }: LogFacts,
  { inlineOnly }: { readonly inlineOnly: boolean },
): FaultyEntry | undefined {
  const { state, entries, unreadable } = readLog(read, pipeline, () => {})
  if (unreadable !== undefined || entries.length === 0) return undefined
  const drawn = random.below(entries.length)
  const entry = entries[drawn]?.entry
  const head = read(entryAt(pipeline, drawn))
  if (entry === undefined || head === undefined || holds(state, entry)) return undefined
  if (inlineOnly && !Buffer.from(head).includes('"inline":')) return undefined
  return { index: entries.length, head }
}

/**
 * An append that would hold, but for `wrong`: it covers the next record of a topic-partition.
 *
 * @param epochMin of the topic-partition that it covers.
 */
function append(
  { state, any }: Below,
  wrong: (range: Fields, at: bigint) => Fields,
  epochMin = 0,
): Fields | undefined {
  const positions = [...(state.positions.get('lake')?.values() ?? [])]
  const position = any(positions.filter((at) => (at.resetEpoch ?? 0) >= epochMin))
  if (position === undefined || position.next === '0') return undefined
  const { source, next, resetEpoch } = position
  const moved = resetEpoch === undefined ? {} : { resetEpoch }
  const range = { lane: 'lake', source, leaderEpoch: -1, ...moved, ...rangeAt(BigInt(next)) }
  const { version: configVersion } = state.config
  const body = { inline: emptyBody }
  const sound = { kind: 'append', ranges: [range], places: [], configVersion, body }
  return { ...sound, ...wrong(range, BigInt(next)) }
}

const emptyBody = { files: [], counts: [], progress: [], evidence: [] }
const rangeAt = (first: bigint) => ({
  expected: String(first),
  first: String(first),
  next: String(first + 1n),
})

/** The same range but for some of its offsets. */
const ranged = (below: Below, wrong: (at: bigint) => Fields): Fields | undefined =>
  append(below, (range, at) => ({ ranges: [{ ...range, ...wrong(at) }] }))

const partitionsOf = (
  { state }: Below,
  wanted: (folded: FoldedPartition) => boolean,
): readonly (FoldedPartition & { readonly stream: string })[] =>
  [...state.streams].flatMap(([stream, { partitions }]) =>
    [...partitions.values()].filter(wanted).map((folded) => ({ ...folded, stream })),
  )

const isOpen = ({ place, files }: FoldedPartition): boolean => place === 'open' && files.length > 0
const isAnnounced = ({ place }: FoldedPartition): boolean => place === 'announced'

/** Of an open partition, in the form of one that was announced before. */
function ready(below: Below, wrong: (version: string, manifest: Fields) => Fields[]) {
  const { entries, any } = below
  const template = entries.findLast((entry) => entry.kind === 'ready')
  const [told] = template?.kind === 'ready' ? template.body.manifests : []
  const open = any(partitionsOf(below, (folded) => isOpen(folded)))
  if (told === undefined || open === undefined || open.stream.startsWith('_')) return undefined
  const { stream, partition, table, version } = open
  const place = { stream, table, partitionPath: partition.path, revision: 1 }
  const pairs = wrong(version, { ...told, ...place, id: `faulty/${stream}/${partition.path}/1` })
  const announcements = pairs.map((pair) => {
    const { manifest: _, ...announcement } = pair
    return { stream, partition, targets: [], version, ...announcement }
  })
  const manifests = pairs.map(({ manifest }) => manifest)
  return { kind: 'ready', announcements, body: { inline: { manifests } } }
}

/** Tells of a gap of so many hours before it. */
function skipping(manifest: Fields, hours: number): Fields {
  const nextMs = hourEnd(String(manifest['partitionPath'])) - hourMs
  const [first, next] = [nextMs - hours * hourMs, nextMs].map((ms) => new Date(ms).toISOString())
  return { ...manifest, skipped: { first, next, partitions: 1, emptyRunMax: 1 } }
}

function closing(below: Below, wanted: (folded: FoldedPartition) => boolean, wrong: Fields) {
  const found = below.any(partitionsOf(below, wanted))
  if (found === undefined) return undefined
  const { stream, partition, version } = found
  const list = { path: 'none', sizeBytes: 1, sha256: '1'.repeat(64), previous: '0'.repeat(64) }
  const closings = [{ stream, partition, version, list: { ...list, ...wrong } }]
  return { kind: 'closed-late', closings, body: { inline: {} } }
}

/** A swap of live files of an open partition for fewer rows than they have. */
function swap(below: Below, wrong: (found: FoldedPartition) => Fields): Fields | undefined {
  const found = below.any(partitionsOf(below, isOpen))
  if (found === undefined) return undefined
  const { stream, partition, table, version, files } = found
  const location = `${table}/${partition.path}`
  const inputs = files.map(({ path }) => path)
  const place = { stream, partition, place: 'open', version, inputs, restored: [], location }
  const sound = { kind: 'swap', why: 'move', reason: '', ...place, lostRowCount: 0 }
  return { ...sound, body: { inline: { files: [] } }, ...wrong(found) }
}

/** An append that goes on with a file of one of these partitions, `wrong` in some of its fields. */
function growth(
  below: Below,
  wanted: (folded: FoldedPartition) => boolean,
  wrong: (sizeBytes: number, rowCount: number) => Fields,
): Fields | undefined {
  const found = below.any(partitionsOf(below, wanted))
  const file = found && below.any(found.files)
  if (found === undefined || file === undefined) return undefined
  const { stream, partition, place } = found
  const { sizeBytes, rowCount } = file
  const tail = { base: { sizeBytes, rowCount }, sizeBytes: sizeBytes + 9, rowCount: rowCount + 1 }
  const stagedPath = `${file.stagedPath}-more`
  const grown = { ...file, stagedPath, ...tail, ...wrong(sizeBytes, rowCount) }
  const late = place === 'announced' ? { late: true } : {}
  const inline = { ...emptyBody, files: [grown] }
  const places = [{ stream, partition, ...late }]
  return append(below, () => ({ places, body: { inline } }))
}

/** An operator's word that would hold, but for `wrong`: it goes on where it stands. */
function word({ state, any }: Below, wrong: (at: bigint, epoch: number) => Fields) {
  const position = any([...(state.positions.get('lake')?.values() ?? [])])
  if (position === undefined || position.ended === true) return undefined
  const { source, next, resetEpoch = 0 } = position
  const { why = 'nobody said so', times = 1, ...changes } = wrong(BigInt(next), resetEpoch)
  const move = { lane: 'lake', source, expected: next, resetEpoch, next, cause: '', ...changes }
  const moves = Array.from({ length: Number(times) }, () => move)
  return { kind: 'source', action: 'reset', why, moves, body: { inline: {} } }
}

const counts = { written: 0, filtered: {}, late: 0, deadLettered: {}, lateAppended: 0 }

const makers: readonly ((below: Below) => Fields | undefined)[] = [
  (below) => ranged(below, (at) => rangeAt(at - 1n)),
  (below) => ranged(below, (at) => rangeAt(at + 1n)),
  (below) => ranged(below, (at) => ({ first: String(at + 1n), next: String(at + 2n) })),
  (below) => ranged(below, (at) => ({ next: String(at - 1n) })),
  (below) =>
    append(below, (range) => ({
      ranges: [{ ...range, resetEpoch: Number(range['resetEpoch'] ?? 0) + 1 }],
    })),
  (below) =>
    append(
      below,
      ({ resetEpoch, ...range }) => {
        const earlier = Number(resetEpoch) - 1
        return { ranges: [{ ...range, ...(earlier === 0 ? {} : { resetEpoch: earlier }) }] }
      },
      1,
    ),
  (below) => ranged(below, (at) => ({ expected: null, first: String(at), next: String(at) })),
  (below) => append(below, (range) => ({ ranges: [range, range] })),
  (below) => append(below, () => ({ configVersion: below.state.config.version + 1 })),
  (below) => append(below, () => ({ configVersion: below.state.config.version - 1 })),
  (below) => append(below, () => ({ commitId: `${strangerId}-${below.entries.length}` })),
  (below) => {
    const announced = below.any(partitionsOf(below, isAnnounced))
    const { stream, partition } = announced ?? {}
    return announced && append(below, () => ({ places: [{ stream, partition }] }))
  },
  (below) => {
    const open = below.any(partitionsOf(below, isOpen))
    const { stream, partition } = open ?? {}
    return open && append(below, () => ({ places: [{ stream, partition, late: true }] }))
  },
  (below) => growth(below, isOpen, (sizeBytes) => ({ sizeBytes })),
  (below) => growth(below, isOpen, (_, rowCount) => ({ rowCount })),
  (below) =>
    growth(below, isOpen, (sizeBytes, rowCount) => ({
      base: { sizeBytes: sizeBytes - 1, rowCount },
    })),
  (below) => growth(below, isAnnounced, () => ({})),
  (below) => {
    const open = below.any(partitionsOf(below, isOpen))
    const { stream, partition } = open ?? {}
    const cell = { stream, partition, counts: { ...counts, read: 1 } }
    const inline = { ...emptyBody, counts: [cell] }
    return open && append(below, () => ({ places: [{ stream, partition }], body: { inline } }))
  },
  (below) => {
    const [file] = below.any(partitionsOf(below, isOpen))?.files ?? []
    const inline = { ...emptyBody, files: [file] }
    return file && append(below, () => ({ body: { inline } }))
  },
  (below) => ready(below, (_, manifest) => [{ version: null, manifest }]),
  (below) =>
    ready(below, (version, manifest) => [{ manifest: { ...manifest, revision: 2 }, version }]),
  (below) =>
    ready(below, (version, manifest) => [
      { manifest, version },
      { manifest, version },
    ]),
  (below) => ready(below, (version, manifest) => [{ manifest: skipping(manifest, 99), version }]),
  (below) => ready(below, (version, manifest) => [{ manifest: skipping(manifest, 0), version }]),
  (below) => {
    const announced = below.any(partitionsOf(below, isAnnounced))
    if (announced === undefined) return undefined
    const { stream, partition, revision } = announced
    const delivery = { stream, partitionPath: partition.path, revision: revision + 1 }
    const deliveries = [{ ...delivery, target: 'success-file' }]
    return { kind: 'delivered', deliveries, body: { inline: {} } }
  },
  (below) => {
    const revised = below.any(partitionsOf(below, ({ revision }) => revision > 1))
    if (revised === undefined) return undefined
    const { stream, partition, revision } = revised
    const delivery = { stream, partitionPath: partition.path, revision: revision - 1 }
    const deliveries = [{ ...delivery, target: 'success-file' }]
    return { kind: 'delivered', deliveries, body: { inline: {} } }
  },
  (below) => word(below, (at) => ({ expected: String(at + 1n) })),
  (below) => word(below, (_, epoch) => ({ resetEpoch: epoch + 1 })),
  (below) => word(below, () => ({ next: '-1' })),
  (below) => word(below, () => ({ why: ' ' })),
  (below) => word(below, () => ({ times: 2 })),
  (below) => {
    const decided = below.any([...below.state.unpublished.keys()])
    const why = 'nobody said so'
    if (decided === undefined) return undefined
    return { kind: 'forget', why, commits: [decided], files: [], body: { inline: {} } }
  },
  // A notice of what everybody can read.
  (below) => {
    const told = { entry: below.entries.length - 1, sha256: '3'.repeat(64), why: 'nobody said so' }
    return { kind: 'void', ...told, body: { inline: {} } }
  },
  (below) => {
    const { version, checksum } = below.state.config
    const versions = { fromVersion: version, version: version + 2, checksum }
    return { kind: 'config', ...versions, body: { inline: { streams: [] } } }
  },
  (below) => {
    const { version, checksum } = below.state.config
    const versions = { fromVersion: version - 1, version, checksum: `not ${checksum}` }
    return { kind: 'config', ...versions, body: { inline: { streams: [] } } }
  },
  (below) => closing(below, isOpen, {}),
  (below) => closing(below, isAnnounced, { previous: '2'.repeat(64) }),
  (below) => swap(below, () => ({})),
  (below) => swap(below, ({ table }) => ({ location: `${table}/elsewhere` })),
  (below) => swap(below, () => ({ inputs: ['no/such/file.parquet'] })),
  (below) => swap(below, ({ files }) => ({ body: { inline: { files } } })),
]
