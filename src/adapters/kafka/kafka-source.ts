/**
 * Kafka as a source: who reads what by a consumer group or a static share, records by our own fetch
 * connections, one for each broker.
 *
 * Invariants:
 * - Offsets come from the reader; the group's are a hint that we only write.
 * - Heartbeats, metadata and fetches of other brokers never wait for the reader of one answer.
 * - Brokers that are out of reach are tried for ever, with pauses; missing topics are waited for.
 *
 * Source: `ports/source.ts`; https://kafka.apache.org/protocol.
 */

import { InvariantError, present } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import { durationMs } from '../../base/time.ts'
import { type NextOffset, nextOffset, type Offset } from '../../model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../../model/topic-partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type {
  EpochEnd,
  EpochQuestion,
  MetadataAnswer,
  OffsetPosition,
  Source,
  SourceReader,
} from '../../ports/source.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { BrokerFetcher, type FetcherParts } from './broker-fetcher.ts'
import { bundledLibrary, type ClientLibrary } from './client-library.ts'
import { allSources, type ClusterFacts, carriedOver, partitionKey } from './cluster-facts.ts'
import { ConsumerMembership } from './consumer-membership.ts'
import { lookUpEpochEnds } from './epoch-lookup.ts'
import { errorName } from './error-code.ts'
import { faultOf } from './foreign-error.ts'
import type { GroupMember } from './group-member.ts'
import { LoadMeter } from './load-meter.ts'
import { Membership } from './membership.ts'
import { type LookupParts, lookUpOffsets } from './offset-lookup.ts'
import type { KafkaSourceOptions, StaticShare } from './options.ts'
import { ReadSet } from './read-set.ts'
import type { Reading } from './reading.ts'
import { isInShare } from './static-share.ts'
import { TroubleBoard } from './trouble-board.ts'
import { backoffMs, Wake } from './wake.ts'

const metadataRefreshMsDefault = 5_000
/** Looks at the metadata for many failed partitions at once, not once for each. */
const lookAgainMs = durationMs(100)

/**
 * A source that reads `options.topics`; nothing happens before `open`.
 *
 * @param library by which brokers are asked.
 */
export const openKafkaSource = (
  options: KafkaSourceOptions,
  clock: Clock,
  telemetry: Telemetry,
  library = bundledLibrary(options, clock),
): Source => new KafkaSource(options, clock, telemetry, library)

/** What there is between `open` and `close`. */
interface Running {
  readonly reader: SourceReader
  readonly readSet: ReadSet
  readonly trouble: TroubleBoard
  readonly membership: GroupMember | undefined
  readonly fetchers: Map<number, BrokerFetcher>
  readonly loops: Promise<void>[]
}

class KafkaSource implements Source {
  readonly #options: KafkaSourceOptions
  readonly #clock: Clock
  readonly #telemetry: Telemetry
  readonly #library: ClientLibrary
  readonly #refreshWake: Wake
  readonly #meter: LoadMeter
  #cluster: ClusterFacts | undefined
  #running: Running | undefined
  /** Topics that were told as hidden. */
  readonly #hidden = new Set<string>()
  #fetching = true
  #closed = false

  constructor(
    options: KafkaSourceOptions,
    clock: Clock,
    telemetry: Telemetry,
    library: ClientLibrary,
  ) {
    this.#options = options
    this.#clock = clock
    this.#telemetry = telemetry
    this.#library = library
    this.#refreshWake = new Wake(clock)
    this.#meter = new LoadMeter(clock, options.balance?.observedMsMin)
  }

  async open(reader: SourceReader): Promise<void> {
    const trouble = new TroubleBoard((fault) => reader.onTrouble(fault))
    const readSet = new ReadSet(reader, trouble, this.#meter)
    const { assignment } = this.#options
    const membership = assignment === 'group' ? this.#newMembership(trouble) : undefined
    const loops: Promise<void>[] = []
    this.#running = { reader, readSet, trouble, membership, fetchers: new Map(), loops }
    loops.push(this.#refreshLoop())
    if (membership !== undefined) loops.push(membership.run())
  }

  async stopFetching(): Promise<void> {
    this.#fetching = false
    const running = this.#running
    if (running === undefined) return
    const fetchers = [...running.fetchers.values()]
    for (const fetcher of fetchers) fetcher.stop()
    await Promise.all(fetchers.map((fetcher) => fetcher.done))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.stopFetching()
    this.#refreshWake.wake()
    await this.#running?.membership?.close()
    this.#library.control.close()
    await Promise.all(this.#running?.loops ?? [])
  }

  pause(sources: readonly SourcePartition[]): void {
    this.#running?.readSet.setPaused(sources, true)
  }

  resume(sources: readonly SourcePartition[]): void {
    this.#running?.readSet.setPaused(sources, false)
    this.#wakeFetchers()
  }

  seek(source: SourcePartition, offset: Offset, leaderEpoch = -1): void {
    this.#running?.readSet.seek(source, offset, leaderEpoch)
    this.#wakeFetchers()
  }

  async metadata(): Promise<MetadataAnswer> {
    const cluster = await this.#askCluster()
    const { clusterId, missingTopics } = cluster
    return { clusterId, sources: allSources(cluster), missingTopics }
  }

  async highWatermarks(
    sources: readonly SourcePartition[],
  ): Promise<ReadonlyMap<SourceKey, NextOffset>> {
    const ends = await this.offsetsAt(sources, 'latest')
    return new Map([...ends].map(([key, end]) => [key, nextOffset(end)]))
  }

  async offsetsAt(
    sources: readonly SourcePartition[],
    position: OffsetPosition,
  ): Promise<ReadonlyMap<SourceKey, Offset>> {
    return lookUpOffsets(this.#lookup(), sources, position)
  }

  async groupOffsets(group: string): Promise<ReadonlyMap<SourceKey, Offset>> {
    try {
      return await this.#library.groupOffsets(await this.#askCluster(), group)
    } catch (error) {
      throw faultOf(error, this.#options)
    }
  }

  async epochEnds(asked: readonly EpochQuestion[]): Promise<ReadonlyMap<SourceKey, EpochEnd>> {
    return lookUpEpochEnds(this.#lookup(), asked)
  }

  #lookup(): LookupParts {
    const cluster = () => this.#askCluster()
    return { control: this.#library.control, clock: this.#clock, cluster }
  }

  async commitOffsets(next: ReadonlyMap<SourceKey, NextOffset>): Promise<void> {
    const { membership, readSet } = present(this.#running, 'the source is open')
    const offsets = readSet.sources().flatMap((source) => {
      const reached = next.get(sourceKey(source))
      return reached === undefined ? [] : [{ ...source, next: reached }]
    })
    if (offsets.length === 0) return
    const { log } = this.#telemetry
    const { group } = this.#options
    try {
      const committer = membership ?? this.#newMembership(new TroubleBoard(() => {}))
      const code = await committer.commit(offsets)
      if (code !== 0) log.warn('kafka-offset-commit-refused', { group, reason: errorName(code) })
    } catch (error) {
      const { message } = faultOf(error, this.#options)
      log.warn('kafka-offset-commit-failed', { group, reason: message })
    }
  }

  assigned(): readonly SourcePartition[] {
    return this.#running?.readSet.sources() ?? []
  }

  #newMembership(trouble: TroubleBoard): GroupMember {
    const [options, library] = [this.#options, this.#library]
    const parts = {
      options,
      control: library.control,
      clock: this.#clock,
      trouble,
      cluster: () => this.#refresh(),
      events: {
        onAssigned: (sources: readonly SourcePartition[]) => this.#assign(sources),
        onRevoked: (sources: readonly SourcePartition[]) => this.#revoke(sources),
        onLost: (sources: readonly SourcePartition[]) => this.#lose(sources),
      },
    }
    if (options.groupProtocol === 'consumer') {
      return new ConsumerMembership({ ...parts, session: library.newConsumer() })
    }
    const loads = () => this.#meter.loads()
    return new Membership({ ...parts, session: library.newMember(), loads })
  }

  /** Takes over new topic-partitions. The reader may take long to say from where: nobody waits. */
  #assign(sources: readonly SourcePartition[]): void {
    const { readSet, reader } = present(this.#running, 'the source is open')
    this.#logChange('kafka-partitions-assigned', sources)
    const readings = readSet.add(sources)
    const begin = async (): Promise<void> => {
      readSet.begin(readings, await reader.onAssigned(sources))
      this.#wakeFetchers()
    }
    this.#inBackground(begin())
  }

  async #revoke(sources: readonly SourcePartition[]): Promise<void> {
    const { readSet, reader } = present(this.#running, 'the source is open')
    this.#logChange('kafka-partitions-revoked', sources)
    await reader.onRevoked(readSet.remove(sources))
  }

  #lose(sources: readonly SourcePartition[]): void {
    const { readSet, reader } = present(this.#running, 'the source is open')
    this.#logChange('kafka-partitions-lost', sources)
    reader.onLost(readSet.remove(sources))
  }

  #logChange(event: string, sources: readonly SourcePartition[]): void {
    const { group } = this.#options
    this.#telemetry.log.info(event, { group, partitions: sources.map(topicPartitionName) })
  }

  /** Looks at topics and leaders every few seconds, and when something asks for it. */
  async #refreshLoop(): Promise<void> {
    const { metadataRefreshMs = metadataRefreshMsDefault } = this.#options
    const { trouble } = present(this.#running, 'the source is open')
    for (let failures = 0; !this.#closed; ) {
      try {
        await this.#refresh()
        failures = 0
        trouble.clear('metadata')
        await this.#clock.sleep(lookAgainMs)
        await this.#refreshWake.sleep(durationMs(metadataRefreshMs))
      } catch (error) {
        if (this.#closed) return
        trouble.set('metadata', faultOf(error, this.#options))
        await this.#clock.sleep(backoffMs(++failures))
      }
    }
  }

  async #askCluster(): Promise<ClusterFacts> {
    try {
      return await this.#library.control.metadata()
    } catch (error) {
      throw faultOf(error, this.#options)
    }
  }

  async #refresh(): Promise<ClusterFacts> {
    const cluster = carriedOver(this.#cluster, await this.#askCluster())
    this.#cluster = cluster
    const running = this.#running
    if (running === undefined || this.#closed) return cluster
    this.#tellHidden(cluster, running.trouble)
    running.readSet.onCluster(cluster)
    running.reader.onTopics?.(new Set([...cluster.topics.keys(), ...cluster.hiddenTopics.keys()]))
    running.membership?.onCluster(cluster)
    const { assignment } = this.#options
    if (assignment !== 'group') this.#takeShare(cluster, assignment.static)
    this.#wakeFetchers()
    return cluster
  }

  #tellHidden({ hiddenTopics }: ClusterFacts, trouble: TroubleBoard): void {
    for (const topic of this.#hidden) {
      if (hiddenTopics.has(topic)) continue
      trouble.clear(`topic ${topic}`)
      this.#hidden.delete(topic)
    }
    for (const [topic, code] of hiddenTopics) {
      const fault = new Fault('KAFKA_TOPIC_HIDDEN', { topic, reason: errorName(code) })
      trouble.set(`topic ${topic}`, fault)
      this.#hidden.add(topic)
    }
  }

  /**
   * Without a group: what is new of our share is ours from now on, and what the brokers have no
   * more is given up, so that it can come back as another topic.
   */
  #takeShare(cluster: ClusterFacts, share: StaticShare): void {
    const gone = this.assigned().filter(({ topic }) => !cluster.topics.has(topic))
    if (gone.length > 0) this.#inBackground(this.#revoke(gone))
    const held = new Set(this.assigned().map(partitionKey))
    const added = allSources(cluster).filter(
      (at) => isInShare(at, share) && !held.has(partitionKey(at)),
    )
    if (added.length > 0) this.#assign(added)
  }

  /** Every broker that serves a partition of ours has a fetcher; all of them look again. */
  #wakeFetchers(): void {
    const running = this.#running
    if (running === undefined || !this.#fetching) return
    const nodes = new Set([...running.readSet.all()].map(({ nodeId }) => nodeId))
    for (const nodeId of nodes) {
      if (nodeId < 0 || running.fetchers.has(nodeId)) continue
      const fetcher = new BrokerFetcher(nodeId, this.#fetcherParts(running))
      running.fetchers.set(nodeId, fetcher)
      this.#inBackground(fetcher.run())
    }
    for (const fetcher of running.fetchers.values()) fetcher.wake()
  }

  #fetcherParts({ reader, readSet, trouble }: Running): FetcherParts {
    return {
      options: this.#options,
      clock: this.#clock,
      connection: this.#library.newFetching(),
      reader,
      trouble,
      meter: this.#meter,
      readings: () => readSet.all(),
      addressOf: (nodeId) => this.#cluster?.brokers.get(nodeId),
      refuse: (reading, fault) => readSet.refuse(reading, fault),
      judgeRange: (reading) => this.#inBackground(this.#judgeRange(reading)),
      lookAgain: () => this.#refreshWake.wake(),
      wakeOthers: () => this.#wakeFetchers(),
    }
  }

  /** OFFSET_OUT_OF_RANGE says nothing: where the log begins and ends decides. */
  async #judgeRange(reading: Reading): Promise<void> {
    const { readSet } = present(this.#running, 'the source is open')
    const { source, position, version } = reading
    reading.judging = true
    const key = sourceKey(source)
    const ask = (at: 'earliest' | 'latest') => this.offsetsAt([source], at).catch(() => new Map())
    const earliest: Offset | undefined = (await ask('earliest')).get(key)
    const latest: Offset | undefined = (await ask('latest')).get(key)
    if (reading.version !== version) return
    reading.judging = false
    if (earliest === undefined || latest === undefined || position === undefined) return
    if (position >= earliest && position <= latest) {
      // The broker may not know the epoch we compare by any more: ask without it.
      reading.lastEpoch = -1
    } else {
      const facts = { topicPartition: topicPartitionName(source), asked: position }
      readSet.refuse(
        reading,
        new Fault('KAFKA_OFFSET_OUT_OF_RANGE', { ...facts, earliest, latest }),
      )
    }
    this.#wakeFetchers()
  }

  /** Runs on; what it throws is a bug of ours or of the reader's, and ends the process. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      const bug = error instanceof Error ? error : new InvariantError(String(error))
      queueMicrotask(() => {
        throw bug
      })
    })
  }
}
