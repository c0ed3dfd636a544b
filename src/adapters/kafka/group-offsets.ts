/**
 * Where another consumer group stands, for taking over from it.
 *
 * Invariants:
 * - a group that still has members is refused: its offsets would move on behind our back;
 * - nor is one taken whose state the coordinator does not tell, for whatever reason;
 * - what the group has committed is told as it is, also where retention has passed it.
 *
 * Source: KIP-709 (OffsetFetch of groups), KIP-848 (its groups are dead to DescribeGroups).
 */

import { Fault } from '../../base/fault.ts'
import { type Offset, offset } from '../../model/offset.ts'
import { type SourceKey, sourceKey } from '../../model/topic-partition.ts'
import { allSources, type ClusterFacts, partitionKey } from './cluster-facts.ts'
import type { ControlPlane } from './control-plane.ts'
import { errorCode, errorName } from './error-code.ts'
import { answerOf } from './foreign-error.ts'
import {
  apiVersionsV0,
  type Connection,
  consumerGroupDescribeV0,
  describeGroupsV5,
  offsetFetchV8,
} from './library.ts'

const idleStates: ReadonlySet<string> = new Set(['Empty', 'Dead'])

/**
 * Committed offsets of a group for every topic-partition of the cluster's facts; what it never
 * committed is left out.
 *
 * @throws {Fault} KAFKA_START_GROUP_BUSY, KAFKA_START_GROUP_EMPTY, KAFKA_GROUP_REFUSED.
 */
export async function lookUpGroupOffsets(
  control: ControlPlane,
  cluster: ClusterFacts,
  group: string,
): Promise<ReadonlyMap<SourceKey, Offset>> {
  const connection = await control.callConnection(await control.coordinator(group))
  const state = await busyStateOf(connection, group)
  if (state !== undefined) throw new Fault('KAFKA_START_GROUP_BUSY', { group, state })
  const topics = [...cluster.topics.values()].map(({ topic, partitions }) => {
    return { name: topic, partitionIndexes: partitions.map(({ partition }) => partition) }
  })
  // Version 8 has no epoch on the wire; the type has.
  const wanted = [{ groupId: group, memberEpoch: -1, topics }]
  const asked = offsetFetchV8.api.async(connection, wanted, true)
  const [answer] = (await answerOf(asked)).groups
  const found = committedIn(group, answer)
  if (found.size === 0) throw new Fault('KAFKA_START_GROUP_EMPTY', { group })
  return new Map(
    allSources(cluster).flatMap((source) => {
      const committed = found.get(partitionKey(source))
      return committed === undefined ? [] : [[sourceKey(source), offset(committed)] as const]
    }),
  )
}

type GroupAnswer = ReturnType<typeof offsetFetchV8.parseResponse>['groups'][number]

/** By partition key. @throws {Fault} KAFKA_GROUP_REFUSED, also of an offset in a transaction. */
function committedIn(group: string, answer: GroupAnswer | undefined): ReadonlyMap<string, bigint> {
  if (answer === undefined) throw refusedGroup(group, errorCode.coordinatorNotAvailable)
  if (answer.errorCode !== errorCode.none) throw refusedGroup(group, answer.errorCode)
  const found = new Map<string, bigint>()
  for (const { name: topic, partitions } of answer.topics) {
    for (const { partitionIndex: partition, committedOffset, errorCode: code } of partitions) {
      if (code !== errorCode.none) throw refusedGroup(group, code)
      if (committedOffset >= 0n) found.set(partitionKey({ topic, partition }), committedOffset)
    }
  }
  return found
}

/** The state of a group that has members; undefined of one that has none. */
async function busyStateOf(connection: Connection, group: string): Promise<string | undefined> {
  const [classic] = (await answerOf(describeGroupsV5.api.async(connection, [group], false))).groups
  checkDescribed(group, classic)
  const state = classic?.groupState ?? ''
  if (state !== '' && !idleStates.has(state)) return state
  const { api } = consumerGroupDescribeV0
  const { apiKeys } = await answerOf(apiVersionsV0.api.async(connection, '', ''))
  if (!apiKeys.some(({ apiKey }) => apiKey === api.key)) return undefined
  const [consumer] = (await answerOf(api.async(connection, [group], false))).groups
  checkDescribed(group, consumer)
  return consumer !== undefined && consumer.members.length > 0 ? consumer.groupState : undefined
}

/** A group of the other protocol, or of none: it has no members of this one. */
const hasNoMembers: ReadonlySet<number> = new Set([
  errorCode.none,
  errorCode.groupIdNotFound,
  errorCode.unsupportedVersion,
])

/** @throws {Fault} KAFKA_GROUP_REFUSED: whether it has members is not told. */
function checkDescribed(
  group: string,
  described: { readonly errorCode: number } | undefined,
): void {
  const code = described?.errorCode ?? errorCode.coordinatorNotAvailable
  if (!hasNoMembers.has(code)) throw refusedGroup(group, code)
}

const refusedGroup = (group: string, code: number): Fault =>
  new Fault('KAFKA_GROUP_REFUSED', { group, reason: errorName(code) })
