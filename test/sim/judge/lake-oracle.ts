/**
 * What must be true of a lake after daemons have worked on it. Looks at the lake alone, by readers
 * of its own: nothing in this folder is code of the product, so that no mistake of the product's
 * fold, of its names or of its Parquet can hide itself.
 */
import type { ProducedEvent } from '../daemon-events.ts'
import type { Received } from '../receiver.ts'
import type { RecordedStore } from '../recorded-store.ts'
import { wrongAnnouncements } from './announcements.ts'
import { addUp, type LogState, partitionsEver, total } from './fold-state.ts'
import { type JudgedLog, Passed, readLog, readThrough } from './log.ts'
import { type Evidence, keyOf, readEntry } from './log-entry.ts'
import { type JudgedMetastore, wrongCatalog } from './metastore.ts'
import { type Move, movesOf, timesGoneBack, timesRead, wrongMoves, wrongTopics } from './moves.ts'
import { entryAt, hourOf } from './paths.ts'
import { checkpointsOf, wrongCheckpoints, wrongEntry, wrongPromises } from './promise-oracle.ts'
import { idOf, lateBegin, lettersName, type Place, type Rows, readAll } from './rows.ts'
import { goneStrangers } from './strangers.ts'

/** Between an announcer's look into a folder and its entry. */
const lookToEntryMsMax = 60_000

export interface Judged {
  readonly store: RecordedStore
  readonly pipeline: string
  readonly events: readonly ProducedEvent[]
  readonly readyDelayMs: number
  readonly readyIdleMs: number
  /** The longest run of empty hours that is announced. */
  readonly emptyRunMax: number
  readonly outOfOrdernessMs: number
  /** The lake's clock when all that was due had come. */
  readonly settledAtMs: number
  /** How much was set on the lake until then, as `store.firstSet` counts. */
  readonly settledAtSet: number
  /** The lake's clock when each topic-partition was made. */
  readonly addedAtMs: readonly number[]
  /** The topic was made anew, under this id, and has no record below these offsets. */
  readonly recreated: { readonly topicId: string; readonly firsts: readonly bigint[] } | undefined
  /** First offset that the brokers have in the end, by partition. */
  readonly starts: readonly bigint[]
  /** Partitions leave the state so long after their announcement; undefined: never. */
  readonly closeAfterMs: number | undefined
  /** Names of the configured streams. */
  readonly streams: readonly string[]
  /** What becomes of late rows, by stream. */
  readonly late: Readonly<Record<string, 'append' | 'divert' | 'dead-letter'>>
  /** Paths that entries named which were lost. */
  readonly unreadableFiles: ReadonlySet<string>
  /** What a file holds that a stranger left, and one of another pipeline. */
  readonly strayBody: Uint8Array
  readonly foreignBody: Uint8Array
  /** How far the lake's clock is behind that of producers. */
  readonly lakeBehindMs: number
  readonly deliverDeadlineMs: number
  /** Target of those that `received` tells of. */
  readonly webhookTarget: string
  /** What the receiver of announcements got; undefined where none is configured. */
  readonly received: readonly Received[] | undefined
  /** Undefined where there is none. */
  readonly metastore: JudgedMetastore | undefined
}

export interface Verdict {
  /** Everything that is wrong; empty when nothing is. */
  readonly wrong: readonly string[]
  /** What there was to look at, so that a suite can see that there was something. */
  readonly found: Readonly<Record<string, number>>
}

export async function judgeLake(judged: Judged): Promise<Verdict> {
  const { store, pipeline } = judged
  const checkpoints = checkpointsOf(judged)
  const atEntries: string[] = []
  const passed = new Passed(judged.readyIdleMs)
  let belowMs = 0
  let tornHere: LogState | undefined
  const log = readLog(
    (path) => store.firstHeld.get(path)?.body,
    pipeline,
    (state, at, index) => {
      const { entry } = at
      if (at.decided && entry.kind === 'source') {
        for (const { source } of entry.moves) passed.forget(keyOf(source))
      }
      passed.look(state, judged.streams)
      const read = tornHere
      tornHere = foldedByReaders(judged, state)
      if (read !== undefined) passed.lookBeyond(read, judged.streams)
      else if (entry.kind === 'void') passed.stopBeyond()
      atEntries.push(...wrongEntry(judged, { ...at, index, state, passed, belowMs }))
      belowMs = Math.max(belowMs, entry.stagedAtMs)
      const states = read === undefined ? [state] : [state, read]
      atEntries.push(...wrongCheckpoints(judged, states, checkpoints.get(state.next) ?? []))
    },
  )
  if (log.unreadable !== undefined) return { wrong: [log.unreadable], found: {} }
  const rows = await readAll(judged.store, log)
  const moves = movesOf(log, judged.recreated)
  const counted = judged.events.map((event) => ({ ...event, times: timesRead(moves, event) }))
  const read = { ...judged, events: counted.filter(({ times }) => times > 0), moves }
  const ahead = [...checkpoints].filter(([next]) => next > log.entries.length)
  const wrong = [
    ...atEntries,
    ...ahead.map(([next]) => `a checkpoint is over ${next} entries, which do not stand`),
    ...wrongFiles(judged, log),
    ...wrongPlaces(read, rows),
    ...wrongCounts(read, log.state, rows),
    ...wrongLateness(read, log, rows),
    ...wrongMoves(judged.starts, moves),
    ...wrongTopics(log.state, judged.recreated),
    ...log.givenUpFiles
      .filter(({ file }) => !judged.store.lost.has(file.stagedPath))
      .map(({ file }) => `"${file.path}" is given up and was not lost`),
    ...wrongAnnouncements(judged, log),
    ...wrongPromises(judged, log),
    ...wrongCatalog(judged, log),
  ]
  const written = judged.metastore?.written ?? []
  const registered = written.filter(({ revision }) => revision > 0).length
  const shownOpen = written.length - registered
  return { wrong, found: { ...foundIn(log, rows), registered, shownOpen } }
}

/** What folded who could read the entry at the end of `below`, which was torn since. */
function foldedByReaders({ store, pipeline }: Judged, below: LogState): LogState | undefined {
  const head = store.tornAt(entryAt(pipeline, below.next))
  if (head === undefined) return undefined
  const torn = readEntry(head, (path) => store.firstHeld.get(path)?.body)
  return readThrough(below, torn, head)
}

/** States of the protocol that the lake shows. */
export const foundNames = [
  'rows',
  'letters',
  'late',
  'diverted',
  'lateAppended',
  'appends',
  'announced',
  'revisions',
  'discarded',
  'voids',
  'readies',
  'deliveries',
  'proofs',
  'moved',
  'reset',
  'forgotten',
  'closed',
  'grown',
  'steppedOver',
  'refilled',
  'givenUp',
  'registered',
  'shownOpen',
] as const
type Found = Readonly<
  Record<Exclude<(typeof foundNames)[number], 'registered' | 'shownOpen'>, number>
>

function foundIn({ entries, state, givenUpFiles }: JudgedLog, { placesOf }: Rows): Found {
  const places = [...placesOf.values()].flat()
  const decided = entries.filter((at) => at.decided).map(({ entry }) => entry)
  const announced = decided.flatMap((entry) => (entry.kind === 'ready' ? entry.body.manifests : []))
  const sources = announced.flatMap((manifest) => manifest.sources)
  return {
    rows: places.filter(({ reason }) => reason === undefined).length,
    letters: places.filter(({ reason }) => reason !== undefined && reason !== 'late').length,
    late: places.filter(({ reason }) => reason === 'late').length,
    diverted: places.filter(({ table }) => table.startsWith(lateBegin)).length,
    lateAppended: decided.filter(
      (entry) => entry.kind === 'append' && entry.places.some(({ late }) => late === true),
    ).length,
    appends: decided.filter(({ kind }) => kind === 'append').length,
    announced: announced.length,
    revisions: announced.filter(({ revision }) => revision > 1).length,
    discarded: [...state.writers.values()].reduce((sum, at) => sum + at.discardedCount, 0),
    voids: state.voidCount,
    readies: decided.filter(({ kind }) => kind === 'ready').length,
    deliveries: decided.filter(({ kind }) => kind === 'delivered').length,
    /** Topic-partitions that an announcement holds for idle. */
    proofs: sources.filter(({ evidence }) => evidence === 'caught-up').length,
    moved: decided.filter(({ kind }) => kind === 'source').length,
    reset: decided.filter((entry) => entry.kind === 'source' && entry.action === 'reset').length,
    forgotten: decided.filter(({ kind }) => kind === 'forget').length,
    steppedOver: state.steppedOver.length,
    refilled: decided.filter((entry) => entry.kind === 'swap' && entry.why === 'refill').length,
    givenUp: givenUpFiles.length,
    closed: decided.filter(({ kind }) => kind === 'closed-late').length,
    grown: decided.filter(
      (entry) => entry.kind === 'append' && entry.body.files.some(({ base }) => base !== undefined),
    ).length,
  }
}

/** Standing are exactly the files of decided entries, in their sizes. */
function wrongFiles(judged: Judged, log: JudgedLog): readonly string[] {
  const { store, pipeline } = judged
  const { state } = log
  const announcedMs = announcementTimes(store, pipeline, log)
  const known = new Map<string, number>()
  for (const { folded } of partitionsEver(state)) {
    for (const { path, sizeBytes } of folded.files) known.set(path, sizeBytes)
  }
  const standing = [...store.keys()].filter((path) => path.endsWith('.parquet'))
  return [
    ...goneStrangers(judged),
    ...standing
      .filter((path) => !known.has(path) && !isStray(judged, announcedMs, path))
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
      const atMs = store.firstHeld.get(entryAt(pipeline, index))?.modifiedMs ?? 0
      return entry.body.manifests.map(({ table, partitionPath }): [string, number] => [
        `${table}/${partitionPath}`,
        atMs,
      ])
    }),
  )
}

/**
 * What a stranger left where nobody has looked since, or what was published by an entry that nobody
 * can read any more: a folder is looked at before its entry.
 */
function isStray(
  { store, strayBody, foreignBody, unreadableFiles }: Judged,
  announcedMs: ReadonlyMap<string, number>,
  path: string,
): boolean {
  const stray = store.get(path)
  if (stray === undefined) return false
  if (Buffer.compare(stray.body, foreignBody) === 0) return true
  const isNobodys = Buffer.compare(stray.body, strayBody) === 0 || unreadableFiles.has(path)
  if (!isNobodys) return false
  const lookedMs = announcedMs.get(path.replace(/\/[^/]*$/, '')) ?? 0
  return stray.modifiedMs > lookedMs - lookToEntryMsMax
}

interface ReadEvent extends ProducedEvent {
  /** How often it was read, once where no operator went back. */
  readonly times: number
}

interface Read extends Judged {
  readonly events: readonly ReadEvent[]
  readonly moves: readonly Move[]
}

/** Each event is in its one place, or was filtered and is in none. */
function wrongPlaces({ events, late }: Read, { placesOf }: Rows): readonly string[] {
  const wrong: string[] = []
  const produced = new Set(events.map(idOf))
  for (const key of placesOf.keys()) if (!produced.has(key)) wrong.push(`row ${key} of no event`)
  for (const event of events) {
    const places = placesOf.get(idOf(event)) ?? []
    const text = places.map(({ table, reason }) => `${table} ${reason ?? ''}`).join(', ') || 'none'
    if (!isRight(event, places, late[event.stream]))
      wrong.push(`event ${event.n} (${event.kind}) is in ${text}`)
  }
  return wrong
}

type LatePolicy = Judged['late'][string] | undefined

/** It is in as many places as it was read, but for readings that filtered it. */
function isRight(event: ReadEvent, places: readonly Place[], policy: LatePolicy): boolean {
  const { kind, times } = event
  const isAll = kind === 'filtered' ? places.length <= times : places.length === times
  return isAll && places.every((place) => isRightAt(event, place, policy))
}

function isRightAt(
  { kind, stream, n, eventMs }: ProducedEvent,
  place: Place,
  policy: LatePolicy,
): boolean {
  const isLetter = place.table === lettersName
  const isLateLetter = isLetter && place.reason === 'late' && policy === 'dead-letter'
  switch (kind) {
    case 'unknown':
      return isLetter && place.reason !== 'late'
    case 'filtered':
      return isLateLetter
    case 'broken':
      return isLetter && (place.reason !== 'late' || isLateLetter)
    case 'fine': {
      if (isLetter) return isLateLetter
      const isThere = place.n === BigInt(n) && place.partitionPath === hourOf(eventMs).path
      // When what is to be appended may be diverted is judged by entry.
      const isBeside = policy !== 'dead-letter' && place.table === `${lateBegin}${stream}`
      return isThere && (place.table === stream || isBeside)
    }
  }
}

/** Every cell says what was produced, and what of it is where. */
function wrongCounts({ events }: Read, state: LogState, { placesOf }: Rows): readonly string[] {
  const wanted = new Map<string, { read: number; rows: number; letters: number; late: number }>()
  for (const event of events) {
    const key = `${event.stream} ${hourOf(event.eventMs).path}`
    const cell = wanted.get(key) ?? { read: 0, rows: 0, letters: 0, late: 0 }
    wanted.set(key, cell)
    cell.read += event.times
    for (const { reason } of placesOf.get(idOf(event)) ?? []) {
      if (reason === 'late') cell.late += 1
      else if (reason !== undefined) cell.letters += 1
      else cell.rows += 1
    }
  }
  const wrong: string[] = []
  for (const [key, counts] of state.cells) {
    if (!addUp(counts)) wrong.push(`counts of ${key} do not add up`)
    if (counts.read === 0) continue
    const told = [counts.read, counts.written, total(counts.deadLettered), counts.late]
    const { read, rows, letters, late } = wanted.get(key) ?? emptyCell
    const seen = [read, rows, letters, late]
    const filtered = read - rows - letters - late
    wanted.delete(key)
    const [toldText, seenText] = [told.join(), seen.join()]
    if (toldText === seenText && total(counts.filtered) === filtered) continue
    wrong.push(`${key}: counted ${toldText} (read, written, letters, late), found ${seenText}`)
  }
  for (const key of wanted.keys()) wrong.push(`${key} is counted nowhere`)
  return wrong
}

const emptyCell = { read: 0, rows: 0, letters: 0, late: 0 }

/**
 * An event is late only when its partition could be announced: its topic-partition had passed the
 * announced end before it came, by events before it, or by a proof of idleness that it came after.
 */
function wrongLateness(judged: Read, log: JudgedLog, { placesOf }: Rows): readonly string[] {
  const evidence = evidenceOf(log)
  return judged.events.flatMap((event) => {
    const isLate = placesOf.get(idOf(event))?.some(({ reason }) => reason === 'late')
    if (isLate !== true) return []
    const { nextMs } = hourOf(event.eventMs)
    const dueMs = nextMs + judged.readyDelayMs
    const passed =
      wasAnnouncedWithout(judged, log, event) ||
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

/**
 * Its hour, or a later one, was announced without its topic-partition, which was added too late for
 * that; or after it was read for the first time.
 */
function wasAnnouncedWithout(
  { moves }: Read,
  { entries }: JudgedLog,
  { stream, partition, offset, eventMs }: ReadEvent,
): boolean {
  const { nextMs } = hourOf(eventMs)
  const isAgain = timesGoneBack(moves, { partition, offset }) > 0
  return entries.some(({ entry, decided }) => {
    if (!decided || entry.kind !== 'ready') return false
    return entry.announcements.some((told, at) => {
      if (told.stream !== stream || told.partition.nextMs < nextMs) return false
      const sources = entry.body.manifests[at]?.sources ?? []
      return isAgain || sources.every((source) => source.partition !== partition)
    })
  })
}

/** An event of the same stream came from the same topic-partition before, of that time or later. */
const isBefore = (other: ProducedEvent, event: ProducedEvent, sinceMs: number): boolean =>
  other.partition === event.partition &&
  other.stream === event.stream &&
  other.eventMs >= sinceMs &&
  other.offset <= event.offset

const evidenceOf = ({ entries }: JudgedLog): readonly Evidence[] =>
  entries.flatMap(({ entry, decided }) =>
    decided && entry.kind === 'append' ? entry.body.evidence : [],
  )
