/**
 * What releases a partition that waits, and from when on, where that is known.
 *
 * In words that complete "released by": a noun, without a full stop.
 */
import { present } from '../base/assert.ts'
import { isoOf, later } from '../base/time.ts'
import type { Block } from './readiness-blocks.ts'
import type { ReadinessFacts, ReadyStream } from './readiness-facts.ts'
import { idleFromMs } from './watermark.ts'

export function releaseOf(
  { lakeNowMs }: Pick<ReadinessFacts, 'lakeNowMs'>,
  stream: ReadyStream,
  { rule, partition, at, sinceMs, detail }: Block,
): string {
  const dueMs = later(partition.nextMs, stream.readyDelayMs)
  switch (rule) {
    case 'delay':
      if (lakeNowMs < dueMs) return `the lake's clock at ${isoOf(dueMs)}`
      return `event time of ${isoOf(dueMs)} there, or a proof of idleness`
    case 'lagging':
      return `a commit up to offset ${at?.endOffset}, or of event time ${isoOf(dueMs)} before`
    case 'idle-without-proof': {
      const quietSinceMs = present(sinceMs, 'what is read has been quiet since a moment')
      const provableMs = idleFromMs(stream, quietSinceMs, partition.nextMs)
      return `an answer of its leader, asked at or after ${isoOf(provableMs)}`
    }
    case 'unassigned':
      return 'a daemon or worker that reads it'
    case 'refused':
      return '"lakeward source accept" or "lakeward source reset"'
    case 'topic-missing':
      return 'the topic, once it is made, or a configuration without it'
    case 'metadata':
      return 'an answer of the brokers'
    case 'lake-refuses':
      return 'the lake, once it takes writes'
    case 'spilled':
      return 'the table, once it takes files: an interval or two later'
    case 'unpublished':
      return 'the daemon that publishes it, whichever: after two commit intervals'
    case 'file-missing':
      return 'the file in its place, with its size'
    case 'too-few-rows':
      return 'rows, or another ready.rowsMin'
    case 'dead-letters':
      return 'another ready.deadLettersMax'
    case 'other-stream':
      return `what stream "${detail}" waits for`
  }
}
