/** Why rows of events are refused on their way into files, in the words of dead letters. */
import type { EventRefusal } from '../model/event-load.ts'
import type { RefusalReason } from '../model/row-batch.ts'
import type { PartitionWriter } from './partition-writer.ts'

const decodeErrors: Record<RefusalReason, string> = {
  truncated: 'the payload ends within a field',
  malformed: 'the payload is not protobuf wire format of this message',
  'invalid-utf8': 'a string field holds bytes that are not UTF-8',
  'too-deep': 'messages are nested deeper than 100 levels',
  'out-of-range': 'a time is beyond what its column can hold',
  'too-large': 'the event does not fit into memory',
}

export const decodeRefusal = (reason: RefusalReason): EventRefusal => ({
  step: 'decode',
  reason: `decode-${reason}`,
  error: decodeErrors[reason],
})

export const lateRefusal = ({ partition }: PartitionWriter): EventRefusal => ({
  step: 'late',
  reason: 'late',
  error: `partition "${partition.path}" was announced before the event came`,
})
