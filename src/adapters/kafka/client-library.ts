/**
 * What a source needs of a Kafka client library, and nothing else of one: questions to brokers, the
 * requests of a group's member, fetches. The source itself does not know which library answers.
 *
 * `@platformatic/kafka` with our own fetch connections is what ships. The fallback, kafkajs, is in
 * `test/support/kafkajs/` and passes the contract of sources as well.
 */
import type { Offset } from '../../model/offset.ts'
import type { SourceKey } from '../../model/topic-partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import { ConsumerSession } from './consumer-session.ts'
import { ControlPlane } from './control-plane.ts'
import { FetchConnection } from './fetch-connection.ts'
import { lookUpGroupOffsets } from './group-offsets.ts'
import { GroupSession } from './group-session.ts'
import type { KafkaSourceOptions } from './options.ts'

/** Questions to brokers. */
export type Control = Pick<
  ControlPlane,
  'metadata' | 'listOffsets' | 'epochEnds' | 'coordinator' | 'dropGroupConnection' | 'close'
>

/** The requests of one member of a consumer group. */
export type MemberCalls = Pick<
  GroupSession,
  'join' | 'sync' | 'heartbeat' | 'leave' | 'commit' | 'dropGeneration'
>

/** The requests of one member of a group of KIP-848. */
export type ConsumerCalls = Pick<
  ConsumerSession,
  'joins' | 'heartbeat' | 'leave' | 'commit' | 'dropEpoch'
>

/** Fetches from one broker at a time. */
export type Fetching = Pick<FetchConnection, 'fetch' | 'close'>

export interface ClientLibrary {
  readonly control: Control
  newMember(): MemberCalls
  /** For groups of KIP-848. */
  newConsumer(): ConsumerCalls
  newFetching(): Fetching
  /** @throws {Fault} KAFKA_START_GROUP_BUSY, KAFKA_START_GROUP_EMPTY, KAFKA_GROUP_REFUSED. */
  groupOffsets(cluster: ClusterFacts, group: string): Promise<ReadonlyMap<SourceKey, Offset>>
}

/** The library that ships. Nothing happens before it is asked. */
export function bundledLibrary(options: KafkaSourceOptions, clock: Clock): ClientLibrary {
  const control = new ControlPlane(options, clock)
  return {
    control,
    newMember: () => new GroupSession(options, control),
    newConsumer: () => new ConsumerSession(options, control),
    newFetching: () => new FetchConnection(options, clock),
    groupOffsets: (cluster, group) => lookUpGroupOffsets(control, cluster, group),
  }
}
