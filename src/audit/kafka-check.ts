/** Committed positions against the brokers: none is ahead of them, and nothing was missed. */
import type { FoldState } from '../model/fold-state.ts'
import type { NextOffset, Offset } from '../model/offset.ts'
import { type SourceKey, sourceKey, topicPartitionName } from '../model/topic-partition.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import type { MetadataAnswer } from '../ports/source.ts'
import { Check, type CheckResult, counted, uncheckable } from './check.ts'

/** What the brokers answered, or why they did not. */
export type KafkaAnswer =
  | { readonly kind: 'silent'; readonly why: string }
  | {
      readonly kind: 'answered'
      /** Topics and patterns that were asked about; absent: all. */
      readonly topics?: readonly string[]
      readonly metadata: MetadataAnswer
      /** First offset that can still be read. */
      readonly starts: ReadonlyMap<SourceKey, Offset>
      readonly ends: ReadonlyMap<SourceKey, NextOffset>
    }

/** @param state folded before the brokers were asked, so that their ends are not older. */
export function checkKafka(state: FoldState, answer: KafkaAnswer): CheckResult {
  if (answer.kind === 'silent') return uncheckable('kafka', answer.why)
  const check = new Check('kafka')
  const { topics, metadata, starts, ends } = answer
  const known = new Set(metadata.sources.map(sourceKey))
  let [lag, count, notAsked] = [0n, 0, 0]
  for (const positions of state.positions.values()) {
    for (const { source, next, ended } of positions.values()) {
      if (ended === true) continue
      // The streams of its topic were taken out of the configuration: nobody reads it any more.
      if (topics !== undefined && !selectsTopic(topics, source.topic)) {
        notAsked += 1
        continue
      }
      count += 1
      const key = sourceKey(source)
      const name = `"${topicPartitionName(source)}"`
      if (!known.has(key)) {
        const ids = `topic id ${source.topicId} of cluster ${source.clusterId}`
        check.fail(`${name}: the brokers have no ${ids}`)
        continue
      }
      const [start, end] = [starts.get(key), ends.get(key)]
      if (start === undefined || end === undefined) {
        check.uncheckable(`the leader of ${name} does not answer`)
        continue
      }
      if (end < next) check.fail(`${name}: committed up to ${next}, the broker ends at ${end}`)
      else lag += end - next
      if (start > next) {
        check.fail(`${name}: committed up to ${next}, the broker begins at ${start}: a gap`)
      }
    }
  }
  const fresh = metadata.sources.length - count
  const unread = fresh > 0 ? `, ${counted(fresh, 'topic-partition')} not begun` : ''
  const left = notAsked > 0 ? `, ${notAsked} of topics that no stream has any more` : ''
  const behind = `${counted(count, 'position')}, ${counted(lag, 'record')} behind`
  return check.result(`${behind}${unread}${left}`)
}
