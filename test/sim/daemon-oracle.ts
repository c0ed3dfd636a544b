/**
 * What must be true of a lake after daemons have worked on it. Looks at the lake alone: the log is
 * folded from its first entry, Parquet files are read by a reader that is not ours.
 */
import { readParquetRows } from '../../src/codec/parquet/read-file.ts'
import { countsAddUp, deadLetteredTotal, filteredTotal } from '../../src/model/counts.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import type { IdleEvidence } from '../../src/model/log-entry.ts'
import { partitionAt } from '../../src/protocol/calendar.ts'
import { entryPath } from '../../src/protocol/log-paths.ts'
import { type JudgedLog, judgeLog } from '../support/judged-log.ts'
import { hourly, type ProducedEvent, strayBody, streams } from './daemon-events.ts'
import { wrongPromises } from './promise-oracle.ts'
import type { Received } from './receiver.ts'
import type { RecordedStore } from './recorded-store.ts'
import { isDue } from './unsettled.ts'

/** Between an announcer's look into a folder and its entry. */
const lookToEntryMsMax = 60_000

export interface Judged {
  readonly store: RecordedStore
  readonly pipeline: string
  readonly events: readonly ProducedEvent[]
  readonly readyDelayMs: number
  readonly readyIdleMs: number
  readonly outOfOrdernessMs: number
  /** The lake's clock when all that was due had come. */
  readonly settledAtMs: number
  /** How much was set on the lake until then, as `store.firstSet` counts. */
  readonly settledAtSet: number
  readonly partitionCount: number
  /** What the receiver of announcements got; undefined where none is configured. */
  readonly received: readonly Received[] | undefined
}

export interface Verdict {
  /** Everything that is wrong; empty when nothing is. */
  readonly wrong: readonly string[]
  /** What there was to look at, so that a suite can see that there was something. */
  readonly found: Readonly<Record<string, number>>
}

export async function judgeLake(judged: Judged): Promise<Verdict> {
  const log = judgeLog(judged.store.firstHeld, judged.pipeline)
  const rows = await readAll(judged, log)
  const wrong = [
    ...wrongFiles(judged, log),
    ...wrongPlaces(judged, rows),
    ...wrongCounts(judged, log.state, rows),
    ...wrongLateness(judged, log, rows),
    ...wrongAnnouncements(judged, log),
    ...wrongPromises(judged, log),
  ]
  return { wrong, found: foundIn(log, rows) }
}

/** States of the protocol that the lake shows. */
export const foundNames = [
  'rows',
  'letters',
  'late',
  'appends',
  'announced',
  'discarded',
  'voids',
  'readies',
  'deliveries',
  'proofs',
] as const
type Found = Readonly<Record<(typeof foundNames)[number], number>>

function foundIn({ entries, state }: JudgedLog, { placesOf }: Rows): Found {
  const places = [...placesOf.values()].flat()
  const decided = entries.filter((at) => at.decided).map(({ entry }) => entry)
  const announced = decided.flatMap((entry) => (entry.kind === 'ready' ? entry.announcements : []))
  const sources = announced.flatMap(({ manifest }) => manifest.sources)
  return {
    rows: places.filter(({ reason }) => reason === undefined).length,
    letters: places.filter(({ reason }) => reason !== undefined && reason !== 'late').length,
    late: places.filter(({ reason }) => reason === 'late').length,
    appends: decided.filter(({ kind }) => kind === 'append').length,
    announced: announced.length,
    discarded: [...state.writers.values()].reduce((sum, at) => sum + at.discardedCount, 0),
    voids: state.voidCount,
    readies: decided.filter(({ kind }) => kind === 'ready').length,
    deliveries: decided.filter(({ kind }) => kind === 'delivered').length,
    /** Topic-partitions that an announcement holds for idle. */
    proofs: sources.filter(({ evidence }) => evidence === 'caught-up').length,
  }
}

interface Rows {
  /** Tables that hold an event, by its identity. */
  readonly placesOf: ReadonlyMap<string, readonly Place[]>
}

/** Where an event was found: in a table's partition, or among the dead letters for a reason. */
interface Place {
  readonly table: string
  readonly partitionPath: string
  readonly n: bigint | undefined
  readonly reason: string | undefined
}

const idOf = (at: { partition: number; offset: bigint; index: number }): string =>
  `${at.partition}/${at.offset}/${at.index}`

async function readAll({ store }: Judged, { state }: JudgedLog): Promise<Rows> {
  const placesOf = new Map<string, Place[]>()
  for (const [name, stream] of state.streams) {
    for (const { files, partition } of stream.partitions.values()) {
      for (const file of files) {
        const bytes = store.get(file.path)?.body
        if (bytes === undefined) continue
        for (const row of await readParquetRows(bytes)) {
          const isLetter = name.startsWith('_')
          const id = isLetter ? row : { ...row, ...identityOf(row) }
          const key = idOf(id as Parameters<typeof idOf>[0])
          const places = placesOf.get(key) ?? []
          placesOf.set(key, places)
          places.push({
            table: name,
            partitionPath: partition.path,
            n: row['n'] as bigint | undefined,
            reason: isLetter ? String(row['reason']) : undefined,
          })
        }
      }
    }
  }
  return { placesOf }
}

const identityOf = (row: Readonly<Record<string, unknown>>) => ({
  partition: row['_partition'],
  offset: row['_offset'],
  index: row['_index'],
})

/** Standing are exactly the files of decided entries, in their sizes. */
function wrongFiles({ store, pipeline }: Judged, log: JudgedLog): readonly string[] {
  const { state } = log
  const announcedMs = announcementTimes(store, pipeline, log)
  const known = new Map<string, number>()
  for (const { partitions } of state.streams.values()) {
    for (const { files } of partitions.values()) {
      for (const { path, sizeBytes } of files) known.set(path, sizeBytes)
    }
  }
  const standing = [...store.keys()].filter((path) => path.endsWith('.parquet'))
  return [
    ...standing
      .filter((path) => !known.has(path) && !isLateStray(store, announcedMs, path))
      .map((path) => `file "${path}" is no one's`),
    ...[...known].flatMap(([path, sizeBytes]) =>
      store.get(path)?.body.byteLength === sizeBytes ? [] : [`file "${path}" is not there`],
    ),
  ]
}

/** The lake's clock when a partition was announced, by its folder. */
function announcementTimes(
  store: RecordedStore,
  pipeline: string,
  { entries }: JudgedLog,
): ReadonlyMap<string, number> {
  return new Map(
    entries.flatMap(({ entry, decided }, index) => {
      if (!decided || entry.kind !== 'ready') return []
      const atMs = store.firstHeld.get(entryPath(pipeline, index))?.modifiedMs ?? 0
      return entry.announcements.map(({ manifest, partition }): [string, number] => [
        `${manifest.table}/${partition.path}`,
        atMs,
      ])
    }),
  )
}

/** What a stranger left where nobody has looked since: a folder is looked at before its entry. */
function isLateStray(
  store: RecordedStore,
  announcedMs: ReadonlyMap<string, number>,
  path: string,
): boolean {
  const stray = store.get(path)
  if (stray === undefined || Buffer.compare(stray.body, strayBody) !== 0) return false
  const lookedMs = announcedMs.get(path.replace(/\/[^/]*$/, '')) ?? 0
  return stray.modifiedMs > lookedMs - lookToEntryMsMax
}

/** Each event is in its one place, or was filtered and is in none. */
function wrongPlaces({ events }: Judged, { placesOf }: Rows): readonly string[] {
  const wrong: string[] = []
  const produced = new Set(events.map(idOf))
  for (const key of placesOf.keys()) if (!produced.has(key)) wrong.push(`row ${key} of no event`)
  for (const event of events) {
    const places = placesOf.get(idOf(event)) ?? []
    const text = places.map(({ table, reason }) => `${table} ${reason ?? ''}`).join(', ') || 'none'
    if (!isRight(event, places)) wrong.push(`event ${event.n} (${event.kind}) is in ${text}`)
  }
  return wrong
}

function isRight({ kind, stream, n, eventMs }: ProducedEvent, places: readonly Place[]): boolean {
  const [place, ...more] = places
  if (place === undefined) return kind === 'filtered'
  if (more.length > 0) return false
  const isLate = place.reason === 'late'
  switch (kind) {
    case 'unknown':
      return place.reason !== undefined && !isLate
    case 'filtered':
      return isLate
    case 'broken':
      return place.reason !== undefined
    case 'fine': {
      if (place.reason !== undefined) return isLate
      const path = partitionAt(eventMs, hourly).path
      return place.table === stream && place.n === BigInt(n) && place.partitionPath === path
    }
  }
}

/** Every cell says what was produced, and what of it is where. */
function wrongCounts({ events }: Judged, state: FoldState, { placesOf }: Rows): readonly string[] {
  const wanted = new Map<string, { read: number; rows: number; letters: number; late: number }>()
  for (const event of events) {
    const key = `${event.stream} ${partitionAt(event.eventMs, hourly).path}`
    const cell = wanted.get(key) ?? { read: 0, rows: 0, letters: 0, late: 0 }
    wanted.set(key, cell)
    cell.read += 1
    const [place] = placesOf.get(idOf(event)) ?? []
    if (place?.reason === 'late') cell.late += 1
    else if (place?.reason !== undefined) cell.letters += 1
    else if (place !== undefined) cell.rows += 1
  }
  const wrong: string[] = []
  for (const [name, { partitions }] of state.streams) {
    for (const { partition, counts } of partitions.values()) {
      const key = `${name} ${partition.path}`
      if (!countsAddUp(counts)) wrong.push(`counts of ${key} do not add up`)
      if (counts.read === 0) continue
      const told = [counts.read, counts.written, deadLetteredTotal(counts), counts.late]
      const { read, rows, letters, late } = wanted.get(key) ?? emptyCell
      const seen = [read, rows, letters, late]
      const filtered = read - rows - letters - late
      wanted.delete(key)
      const [toldText, seenText] = [told.join(), seen.join()]
      if (toldText === seenText && filteredTotal(counts) === filtered) continue
      wrong.push(`${key}: counted ${toldText} (read, written, letters, late), found ${seenText}`)
    }
  }
  for (const key of wanted.keys()) wrong.push(`${key} is counted nowhere`)
  return wrong
}

const emptyCell = { read: 0, rows: 0, letters: 0, late: 0 }

/**
 * An event is late only when its partition could be announced: its topic-partition had passed the
 * announced end before it came, by events before it, or by a proof of idleness that it came after.
 */
function wrongLateness(judged: Judged, log: JudgedLog, { placesOf }: Rows): readonly string[] {
  const evidence = evidenceOf(log)
  return judged.events.flatMap((event) => {
    const [place] = placesOf.get(idOf(event)) ?? []
    if (place?.reason !== 'late') return []
    const { nextMs } = partitionAt(event.eventMs, hourly)
    const dueMs = nextMs + judged.readyDelayMs
    const passed =
      judged.events.some((other) => isBefore(other, event, dueMs + judged.outOfOrdernessMs)) ||
      evidence.some(
        ({ source, highWatermark, askedAtMs }) =>
          source.partition === event.partition &&
          BigInt(highWatermark) <= event.offset &&
          askedAtMs >= dueMs + judged.readyIdleMs,
      )
    const name = `event ${event.n} of ${event.stream} at ${event.partition}/${event.offset}`
    return passed ? [] : [`${name} is called late without a reason`]
  })
}

/** An event of the same stream came from the same topic-partition before, of that time or later. */
const isBefore = (other: ProducedEvent, event: ProducedEvent, sinceMs: number): boolean =>
  other.partition === event.partition &&
  other.stream === event.stream &&
  other.eventMs >= sinceMs &&
  other.offset <= event.offset

const evidenceOf = ({ entries }: JudgedLog): readonly IdleEvidence[] =>
  entries.flatMap(({ entry, decided }) =>
    decided && entry.kind === 'append' ? entry.body.evidence : [],
  )

/** Each stream's hours are announced once, in order, and none is left. */
function wrongAnnouncements(
  { settledAtMs }: Judged,
  { entries, state }: JudgedLog,
): readonly string[] {
  const wrong: string[] = []
  const announced = new Set<string>()
  for (const { entry, decided } of entries) {
    if (!decided || entry.kind !== 'ready') continue
    for (const { stream, partition } of entry.announcements) {
      const key = `${stream} ${partition.path}`
      if (announced.has(key)) wrong.push(`${key} is announced twice`)
      announced.add(key)
    }
  }
  for (const name of streams) {
    const partitions = state.streams.get(name)?.partitions.values() ?? []
    for (const { partition, files, manifest } of partitions) {
      const key = `${name} ${partition.path}`
      const isWanted = files.length > 0 && isDue(partition, settledAtMs)
      if (isWanted && !announced.has(key)) wrong.push(`${key} is not announced`)
      if (manifest === undefined) continue
      const rows = files.reduce((sum, { rowCount }) => sum + rowCount, 0)
      if (manifest.rows !== rows) wrong.push(`${key}: ${manifest.rows} rows announced of ${rows}`)
    }
  }
  return wrong
}
