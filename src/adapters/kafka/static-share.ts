/**
 * The part of every topic that a worker reads without a group.
 *
 * Depends on the topic's name and the partition's number alone: a topic that is added later moves
 * nothing. The name's hash spreads partition 0 of many small topics over the workers.
 */
import { crc32 } from 'node:zlib'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { StaticShare } from './options.ts'

export function isInShare(
  { topic, partition }: TopicPartition,
  { workerIndex, workerCount }: StaticShare,
): boolean {
  return (crc32(topic) + partition) % workerCount === workerIndex
}
