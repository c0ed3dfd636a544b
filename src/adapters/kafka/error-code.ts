/**
 * Kafka's error codes as far as this adapter decides by them.
 *
 * Source: https://kafka.apache.org/protocol#protocol_error_codes.
 */
import { protocolErrorsCodesById } from './library.ts'

export const errorCode = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  replicaNotAvailable: 9,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  unsupportedVersion: 35,
  concurrentTransactions: 51,
  storageError: 56,
  groupIdNotFound: 69,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  memberIdRequired: 79,
  fencedInstanceId: 82,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
  fencedMemberEpoch: 110,
  unreleasedInstanceId: 111,
  staleMemberEpoch: 113,
} as const

/** The code with its name, for people: "6 NOT_LEADER_OR_FOLLOWER". */
export const errorName = (code: number): string =>
  `${code} ${protocolErrorsCodesById[code] ?? 'unnamed'}`

const movedLeader: ReadonlySet<number> = new Set([
  errorCode.unknownTopicOrPartition,
  errorCode.leaderNotAvailable,
  errorCode.notLeaderOrFollower,
  errorCode.replicaNotAvailable,
  errorCode.storageError,
  errorCode.fencedLeaderEpoch,
  errorCode.unknownLeaderEpoch,
  errorCode.offsetNotAvailable,
  errorCode.unknownTopicId,
  errorCode.inconsistentTopicId,
])

/** What a partition's error in a fetch answer asks for. */
export type FetchErrorDecision =
  /** Look where the log begins and ends: the code alone does not say. */
  | 'judge-range'
  /** Leaders or topics changed: look at the metadata, then ask again. */
  | 'look-again'
  /** Somebody must know; it is tried again meanwhile. */
  | 'tell'

export function decideFetchError(code: number): FetchErrorDecision {
  if (code === errorCode.offsetOutOfRange) return 'judge-range'
  return movedLeader.has(code) ? 'look-again' : 'tell'
}

/** What the answer to a group request means for the membership. */
export type GroupAnswerDecision =
  | 'ok'
  | 'rejoin'
  | 'lost'
  /** Another process has joined under our instance id: ours is not to join again. */
  | 'fenced'
  | 'find-coordinator'
  | 'refused'

export function decideGroupAnswer(code: number): GroupAnswerDecision {
  switch (code) {
    case errorCode.none:
      return 'ok'
    case errorCode.rebalanceInProgress:
    case errorCode.memberIdRequired:
      return 'rejoin'
    case errorCode.illegalGeneration:
    case errorCode.unknownMember:
      return 'lost'
    case errorCode.fencedInstanceId:
      return 'fenced'
    case errorCode.coordinatorLoading:
    case errorCode.coordinatorNotAvailable:
    case errorCode.notCoordinator:
      return 'find-coordinator'
    default:
      return 'refused'
  }
}

/** What the answer to a heartbeat of KIP-848 means for the membership. */
export type HeartbeatAnswerDecision =
  | 'ok'
  | 'lost'
  /** Another process is the member of our instance id: ours is not to join again. */
  | 'fenced'
  /** The member of our instance id has neither left nor been silent for its session. */
  | 'instance-held'
  | 'find-coordinator'
  | 'refused'

export function decideHeartbeatAnswer(code: number): HeartbeatAnswerDecision {
  switch (code) {
    case errorCode.fencedMemberEpoch:
      return 'lost'
    case errorCode.unreleasedInstanceId:
      return 'instance-held'
    default: {
      const decision = decideGroupAnswer(code)
      return decision === 'rejoin' ? 'refused' : decision
    }
  }
}
