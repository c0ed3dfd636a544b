import { Fault } from '../base/fault.ts'
import { type DurationMs, durationMs, monotonicMs } from '../base/time.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { Announcement, EntryIndex } from '../model/log-entry.ts'
import { areSameSources } from '../model/topic-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake, LakeObject } from '../ports/lake.ts'
import type { Random } from '../ports/random.ts'
import type { MetadataAnswer } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { decideReady, type ReadyDecision } from '../protocol/readiness.ts'
import type { Block } from '../protocol/readiness-blocks.ts'
import { keepsOrder } from '../protocol/readiness-candidates.ts'
import type { FilesMissing, MetadataFact, ReadinessFacts } from '../protocol/readiness-facts.ts'
import { judgeFolder, type MissingFile, quarantinePath } from '../protocol/readiness-folder.ts'
import { mayBeOutdated, othersFilesOf, wantsNewSet } from '../protocol/readiness-news.ts'
import { revisionBlocks } from '../protocol/readiness-revisions.ts'
import { isSameReading } from '../protocol/source-judgement.ts'
import { type ReadinessSetup, readinessFacts } from './facts.ts'
import { ManifestKeeper } from './manifest-keeper.ts'
import { ReadinessGauges, tellAnnounced } from './readiness-metrics.ts'
import { ToldBlocks } from './told-blocks.ts'

/** Calls to the lake at the same time: folders that are listed, manifests that are written. */
const callsAtOnceMax = 16
const failurePauseMsMax = 30_000
const missingPauseMs = 1_000
/** Until what somebody else's entry came before is decided anew. */
const overtakenPauseMs = durationMs(500)

export interface AnnouncerPorts {
  readonly lake: Lake
  readonly log: CommitLog
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** Who knows the set of topic-partitions: `Source.metadata`. */
  readonly brokers: { metadata(): Promise<MetadataAnswer> }
}

export type RoundOutcome =
  | { readonly kind: 'announced'; readonly entry: EntryIndex; readonly count: number }
  | { readonly kind: 'waited' }
  /** Somebody else's entry came first; the next round decides anew. */
  | { readonly kind: 'overtaken'; readonly because: string }

/**
 * Announces partitions: gathers facts, asks `decideReady`, looks into the folders, puts the entry,
 * writes the manifests. Every daemon of a pipeline runs one; the log lets one of them win.
 *
 * Looking costs the lake nothing while nothing is due: turns decide over what this process folded
 * for its commits. Whoever puts a commit knows all that came before it, so the commit that releases
 * a partition is followed by a turn that sees it: its own writer's.
 */
export class Announcer {
  readonly #setup: ReadinessSetup
  readonly #ports: AnnouncerPorts
  readonly #keeper: ManifestKeeper
  #metadata: MetadataFact | undefined
  readonly #gauges: ReadinessGauges
  readonly #told: ToldBlocks
  #blocks: readonly Block[] = []
  /** By stream the first of its blocks. */
  #firstBlocks: ReadonlyMap<string, Block> = new Map()
  /** Files that were missing when their folder was looked at last. */
  #missing: FilesMissing = new Map()
  /** When folders that lack files are looked at again, and how often they were in a row. */
  #missingAgainMs = monotonicMs(0)
  #missingLooks = 0
  /** Paths of others' files that stood when their folder was looked at. */
  #standing: ReadonlySet<string> = new Set()
  #sighted: Sighted = nothingSighted
  /** Asked for since the last turn that came to its end began. */
  #nudged = false
  /** Aborted with null: for undefined an exception would be made, with its stack, for nobody. */
  #wake = new AbortController()

  constructor(setup: ReadinessSetup, ports: AnnouncerPorts) {
    this.#setup = setup
    this.#ports = ports
    this.#keeper = new ManifestKeeper(ports.lake, ports.log)
    this.#gauges = new ReadinessGauges(ports.telemetry.metrics)
    this.#told = new ToldBlocks(ports.telemetry.log)
  }

  /** For each stream that waits the first partition that does, and why, as of the last round. */
  get blocks(): readonly Block[] {
    return this.#blocks
  }

  /** The facts of this moment, for `explainPartition` and `decideEvidence`. */
  facts(): ReadinessFacts {
    const findings = {
      metadata: this.#metadata,
      filesMissing: this.#missing,
      filesStanding: this.#standing,
    }
    return readinessFacts(this.#setup, this.#ports.log, findings)
  }

  /** Begins the next turn now: something was committed. */
  nudge(): void {
    this.#nudged = true
    this.#wake.abort(null)
  }

  /**
   * Turns until `signal` is aborted, each at most `pauseMs` after the other. What outside systems
   * refuse is tried again, with growing pauses.
   *
   * @throws {Fault} one that says "never try again": the log cannot be read.
   */
  async run(signal: AbortSignal, pauseMs: DurationMs): Promise<void> {
    signal.addEventListener('abort', () => this.nudge(), { once: true })
    let failures = 0
    while (!signal.aborted) {
      let spanMs = pauseMs
      try {
        const outcome = await this.turn()
        failures = 0
        if (outcome.kind === 'announced') continue
        if (outcome.kind === 'overtaken') spanMs = overtakenPauseMs
      } catch (error) {
        if (!(error instanceof Fault) || error.retry === 'never') throw error
        failures += 1
        this.#ports.telemetry.log.warn('announcing-failed', { code: error.code, error })
      }
      await this.#pause(failures === 0 ? spanMs : this.#backOffMs(pauseMs, failures))
    }
  }

  /** A round where one may come to anything; a look at what is folded where not. */
  async turn(): Promise<RoundOutcome> {
    const isNudged = this.#nudged
    // What is nudged from here on may come too late for this turn.
    this.#nudged = false
    try {
      return await this.#turn(isNudged)
    } catch (error) {
      this.#nudged ||= isNudged
      throw error
    }
  }

  async #turn(isNudged: boolean): Promise<RoundOutcome> {
    const isSoon = this.#ports.clock.monotonicMs() < this.#missingAgainMs
    const decision = await this.#decide(isSoon && !isNudged ? this.#missing : undefined)
    const facts = this.facts()
    const wantsNews = blocksOf(decision, facts).some((block) =>
      this.#wantsNews(facts, block, isNudged),
    )
    return wantsNews ? this.round() : this.#obey(decision)
  }

  /** Whether the log must be looked at before this block is believed. */
  #wantsNews(facts: ReadinessFacts, block: Block, isNudged: boolean): boolean {
    const before = this.#firstBlocks.get(block.stream)
    if (mayBeOutdated(facts, { block, before, isNudged })) return true
    return this.#hidden(block).length > 0
  }

  /** One look at the log, and at most one entry. */
  async round(): Promise<RoundOutcome> {
    await this.#ports.log.refresh()
    const decision = await this.#decide()
    const isSighted = await this.#lookFor(blocksOf(decision, this.facts()))
    return this.#obey(isSighted ? await this.#decide() : decision)
  }

  async #obey(first: ReadyDecision): Promise<RoundOutcome> {
    if (first.kind === 'wait') {
      this.#tell(first.blocks)
      await this.#keeper.keep()
      return { kind: 'waited' }
    }
    const { log } = this.#ports
    const listings = await this.#listFolders(first.announcements)
    await log.refresh()
    const decidedOn = log.state
    const second = decideOn(this.facts())
    const sound = await this.#soundOf(second, listings)
    if (sound.length === 0) return { kind: 'waited' }
    return this.#put(sound, decidedOn)
  }

  /** Files that a block waits for, of others, that nobody looked for since the log has grown. */
  #hidden(block: Block): readonly DataFile[] {
    const { state, writerId } = this.#ports.log
    if (this.#sighted.state === state && this.#sighted.partitions.has(nameOf(block))) return []
    return othersFilesOf(state, writerId, block)
  }

  /**
   * Looks for files that others may have published and not told of: their next entry would.
   *
   * @returns whether some of them stand.
   */
  async #lookFor(blocks: readonly Block[]): Promise<boolean> {
    const { state } = this.#ports.log
    const hidden = blocks.filter((block) => this.#hidden(block).length > 0)
    if (hidden.length === 0) return false
    const wanted = hidden.flatMap((block) => this.#hidden(block))
    const folders = [...new Set(wanted.map((file) => `${file.table}/${file.partitionPath}`))]
    const listed = (await inBatches(folders, (folder) => this.#ports.lake.list(folder))).flat()
    const sizes = new Map(listed.map(({ path, sizeBytes }) => [path, sizeBytes]))
    const stand = wanted.filter(({ path, sizeBytes }) => sizes.get(path) === sizeBytes)
    const isSame = this.#sighted.state === state
    const [before, stood] = isSame ? [this.#sighted.partitions, this.#standing] : [[], []]
    this.#sighted = { state, partitions: new Set([...before, ...hidden.map(nameOf)]) }
    this.#standing = new Set([...stood, ...stand.map(({ stagedPath }) => stagedPath)])
    return stand.length > 0
  }

  /** Decides, asking the brokers first where the decision waits for their answer. */
  async #decide(missing?: FilesMissing): Promise<ReadyDecision> {
    const facts = this.facts()
    const decision = decideOn(facts, missing)
    if (!wantsNewSet(facts, decision)) return decision
    const { log, brokers, telemetry } = this.#ports
    const askedAtMs = log.lakeNowMs()
    try {
      const { sources: told, missingTopics } = await brokers.metadata()
      // What was made of a set stays known as long as it is the set.
      const before = this.#metadata?.sources ?? []
      const sources = areSameSources(before, told) ? before : told
      this.#metadata = { sources, missingTopics, askedAtMs }
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') throw error
      telemetry.log.warn('metadata-not-answered', { code: error.code, error })
    }
    return decideOn(this.facts(), missing)
  }

  /** What lies in the folder of each partition, taken before the fold it is compared with. */
  async #listFolders(announcements: readonly Announcement[]): Promise<Listings> {
    const folders = [...new Set(announcements.map(folderOf))]
    const listed = await inBatches(folders, (folder) => this.#ports.lake.list(folder))
    return new Map(folders.map((folder, index) => [folder, listed[index] ?? []]))
  }

  /** The announcements whose folders are as the log says; strays are put aside before. */
  async #soundOf(decision: ReadyDecision, listings: Listings): Promise<readonly Announcement[]> {
    const sound: Announcement[] = []
    const blocks = [...decision.blocks]
    const heldBack = new Set<string>()
    const missing = new Map<string, number | undefined>()
    for (const announcement of decision.kind === 'announce' ? decision.announcements : []) {
      const listed = listings.get(folderOf(announcement))
      // What became due since is not listed; what follows it in the stream waits with it.
      const isFirst = announcement.manifest.revision === 1
      if (listed === undefined && isFirst) heldBack.add(announcement.stream)
      if (listed === undefined || (isFirst && heldBack.has(announcement.stream))) continue
      const found = await this.#judge(announcement, listed)
      for (const { path, foundBytes } of found) missing.set(path, foundBytes)
      if (found.length === 0) {
        sound.push(announcement)
        continue
      }
      if (isFirst) heldBack.add(announcement.stream)
      blocks.push(this.#missingBlock(announcement, found))
    }
    this.#noteMissing(missing)
    this.#tell(blocks)
    return sound
  }

  /** What is missing may be put back: it is looked for again, more and more seldom. */
  #noteMissing(missing: FilesMissing): void {
    this.#missing = missing
    this.#missingLooks = missing.size === 0 ? 0 : this.#missingLooks + 1
    if (missing.size === 0) return
    const pauseMs = this.#backOffMs(durationMs(missingPauseMs), this.#missingLooks)
    this.#missingAgainMs = monotonicMs(this.#ports.clock.monotonicMs() + pauseMs)
  }

  /** Quarantines strays. @returns those of the partition's files that are not as the log says. */
  async #judge(
    announcement: Announcement,
    listed: readonly LakeObject[],
  ): Promise<readonly MissingFile[]> {
    const { log, lake, telemetry } = this.#ports
    const { partition, manifest } = announcement
    const place = { table: manifest.table, partition }
    const { missing, stray } = judgeFolder(log.state, this.#setup.pipeline, place, listed)
    for (const { path, sizeBytes } of stray) {
      await lake.move(path, quarantinePath(this.#setup.pipeline, path))
      telemetry.log.warn('file-quarantined', { path, sizeBytes })
    }
    return missing
  }

  /** A file may have been published after its folder was listed: only the second miss is news. */
  #missingBlock({ stream, partition }: Announcement, found: readonly MissingFile[]): Block {
    const paths = found.map(({ path }) => path)
    const [path] = paths
    const again = paths.filter((missing) => this.#missing.has(missing))
    if (again.length > 0) {
      this.#ports.telemetry.log.error('published-file-missing', { stream, paths: again })
    }
    const sinceMs = undefined
    return { stream, partition, rule: 'file-missing', sinceMs, at: undefined, detail: path }
  }

  async #put(announcements: readonly Announcement[], decidedOn: FoldState): Promise<RoundOutcome> {
    const { log, telemetry } = this.#ports
    await this.#writeEarlier(announcements)
    const commitId = log.nextCommitId()
    const holds = (fold: FoldState): boolean =>
      keepsOrder(fold, announcements) && isSameReading(fold, decidedOn)
    const outcome = await log.put({ kind: 'ready', commitId, announcements }, holds)
    if (outcome.kind !== 'decided') return { kind: 'overtaken', because: outcome.because }
    const { entry } = outcome
    for (const one of announcements) tellAnnounced(telemetry, one, entry, log.lakeNowMs())
    await this.#eachFolded(announcements, (folded, stream) => this.#keeper.write(stream, folded))
    return { kind: 'announced', entry: outcome.entry, count: announcements.length }
  }

  /** The log holds the newest revision only: the manifest of the one before must stand by then. */
  async #writeEarlier(announcements: readonly Announcement[]): Promise<void> {
    const later = announcements.filter(({ manifest }) => manifest.revision > 1)
    await this.#eachFolded(later, (folded) => this.#keeper.writeIfAbsent(folded))
  }

  async #eachFolded(
    announcements: readonly Announcement[],
    write: (folded: FoldedPartition, stream: string) => Promise<void>,
  ): Promise<void> {
    const { streams } = this.#ports.log.state
    await inBatches(announcements, async ({ stream, partition }) => {
      const folded = streams.get(stream)?.partitions.get(partition.path)
      if (folded !== undefined) await write(folded, stream)
    })
  }

  #tell(blocks: readonly Block[]): void {
    this.#gauges.show(this.facts(), blocks)
    this.#firstBlocks = new Map(blocks.toReversed().map((block) => [block.stream, block]))
    this.#blocks = blocks
    this.#told.tell(blocks)
  }

  #backOffMs(pauseMs: DurationMs, failures: number): DurationMs {
    const fullMs = Math.min(failurePauseMsMax, pauseMs * 2 ** Math.min(failures, 16))
    return durationMs(fullMs * (0.5 + this.#ports.random.fraction() / 2))
  }

  async #pause(span: DurationMs): Promise<void> {
    await this.#ports.clock.sleep(span, this.#wake.signal)
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
  }
}

/** Decides as if no file were missing, unless told: whether one is, the folders say anew. */
const decideOn = (facts: ReadinessFacts, missing: FilesMissing = new Map()): ReadyDecision =>
  decideReady({ ...facts, filesMissing: missing })

/** Of first announcements and of revisions: where rows trickle in, one file is always untold. */
const blocksOf = ({ blocks }: ReadyDecision, facts: ReadinessFacts): readonly Block[] => [
  ...blocks,
  ...revisionBlocks(facts),
]

/** Partitions whose folder was looked at over a state of the log. */
interface Sighted {
  readonly state: FoldState | undefined
  readonly partitions: ReadonlySet<string>
}

const nothingSighted: Sighted = { state: undefined, partitions: new Set() }

const nameOf = ({ stream, partition }: Block): string => `${stream} ${partition.path}`

/** In the order of `items`. */
async function inBatches<T, R>(
  items: readonly T[],
  look: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const found: R[] = []
  for (let first = 0; first < items.length; first += callsAtOnceMax) {
    found.push(...(await Promise.all(items.slice(first, first + callsAtOnceMax).map(look))))
  }
  return found
}

/** By folder. */
type Listings = ReadonlyMap<string, readonly LakeObject[]>

const folderOf = ({ manifest, partition }: Announcement): string =>
  `${manifest.table}/${partition.path}`
