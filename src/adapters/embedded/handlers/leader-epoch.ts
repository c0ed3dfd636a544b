/** The leader epoch that a reader believes in, against the one in force. Source: KIP-320. */
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { PartitionLog } from '../log/partition-log.ts'

/** @param believed -1 when the reader does not say. */
export function epochRefusal(log: PartitionLog, believed: number): ErrorCode | undefined {
  if (believed < 0 || believed === log.leaderEpoch) return undefined
  return believed < log.leaderEpoch ? errorCode.fencedLeaderEpoch : errorCode.unknownLeaderEpoch
}
