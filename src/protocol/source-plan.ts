/**
 * What an operator's `source accept` and `source reset` put into the log.
 *
 * Invariants:
 * - a topic made anew is taken whole or not at all: its partitions were made together;
 * - each move relies on what the operator was shown, so that it is void if that changed.
 *
 * Source: docs/adr/0009-reset-epochs.md.
 */
import type { SourceMove } from '../model/log-entry.ts'
import { type NextOffset, nextOffset } from '../model/offset.ts'
import { type SourceKey, sourceKey, topicPartitionName } from '../model/topic-partition.ts'
import {
  type BrokerPart,
  judgeRange,
  judgeSource,
  type LanePositions,
  readUnder,
} from './source-judgement.ts'

export interface SourceQuestion {
  readonly lane: string
  readonly positions: LanePositions
  readonly topic: string
  /** Only this one; undefined: all of the topic. */
  readonly partition: number | undefined
  /** Every partition that the brokers have of the topic. */
  readonly parts: readonly BrokerPart[]
  /** The brokers say that there is no such topic; hidden ones are not told so. */
  readonly gone?: boolean
}

export type SourcePlan =
  | { readonly kind: 'moves'; readonly moves: readonly SourceMove[] }
  /** All is as it should be. */
  | { readonly kind: 'nothing' }
  /** It cannot be decided from what is known: `because` is a sentence without a final stop. */
  | { readonly kind: 'unclear'; readonly because: string }

const unclear = (because: string): SourcePlan => ({ kind: 'unclear', because })

/** Takes what the brokers have by now as it is. */
export function planAccept(question: SourceQuestion): SourcePlan {
  const parts = chosenParts(question)
  if (parts.length === 0) return planGone(question)
  const { lane, positions, partition, topic } = question
  const moves: SourceMove[] = []
  for (const part of parts) {
    const name = topicPartitionName(part.source)
    const judged = judgeSource(positions, part)
    if (judged.kind === 'another') {
      if (partition === undefined) return planAnother(question, judged.fault.message)
      return unclear(`topic "${topic}" is another one as a whole; accept "${topic}"`)
    }
    if (judged.kind === 'silent') return unclear(`no leader answers for "${name}"`)
    if (judged.kind !== 'lost') continue
    if (judged.readOn === undefined) return unclear(partedText(judged.fault.message, name))
    const { next: expected, resetEpoch = 0 } = judged.position
    const cause = judged.fault.message
    moves.push({ lane, source: part.source, expected, resetEpoch, next: judged.readOn, cause })
  }
  return moves.length === 0 ? { kind: 'nothing' } : { kind: 'moves', moves }
}

const partedText = (message: string, name: string): string =>
  `${message}, and nothing says from where "${name}" holds other records than were read; ` +
  'look into it and name the offset with "lakeward source reset --to"'

/** Ends what was read under the name of a topic that is not there any more. */
function planGone(question: SourceQuestion): SourcePlan {
  const { lane, positions, topic, partition, gone } = question
  if (gone !== true || partition !== undefined) return missing(question)
  const cause = `the brokers do not have topic "${topic}" any more`
  const moves = readUnder(positions, topic).map(({ source, next, resetEpoch = 0 }): SourceMove => {
    return { lane, source, expected: next, resetEpoch, next: undefined, cause }
  })
  return moves.length === 0 ? missing(question) : { kind: 'moves', moves }
}

/** Ends what was read under the name, begins what the brokers have under it. */
function planAnother({ lane, positions, topic, parts }: SourceQuestion, cause: string): SourcePlan {
  const ended = readUnder(positions, topic).map(({ source, next, resetEpoch = 0 }): SourceMove => {
    return { lane, source, expected: next, resetEpoch, next: undefined, cause }
  })
  const begun: SourceMove[] = []
  for (const part of parts) {
    const { source, earliest } = part
    const name = topicPartitionName(source)
    const known = positions.get(sourceKey(source))
    if (known === undefined) {
      if (earliest === undefined) return unclear(`no leader answers for "${name}"`)
      const next = nextOffset(earliest)
      begun.push({ lane, source, expected: undefined, resetEpoch: 0, next, cause })
      continue
    }
    // It was read before, and ended: go on where that ended, if its records are still there.
    const judged = judgeRange(known, part)
    const next = judged.kind === 'lost' ? judged.readOn : known.next
    if (judged.kind === 'silent') return unclear(`no leader answers for "${name}"`)
    if (next === undefined) return unclear(`it is not known where to go on in "${name}"`)
    begun.push({
      lane,
      source,
      expected: known.next,
      resetEpoch: known.resetEpoch ?? 0,
      next,
      cause,
    })
  }
  return { kind: 'moves', moves: [...ended, ...begun] }
}

/** @param to where to read on, by topic-partition; undefined where nobody could say. */
export function planReset(
  question: SourceQuestion,
  to: ReadonlyMap<SourceKey, NextOffset>,
): SourcePlan {
  const parts = chosenParts(question)
  if (parts.length === 0) return missing(question)
  const { lane, positions, topic } = question
  const moves: SourceMove[] = []
  for (const part of parts) {
    const { source, earliest, end } = part
    const name = topicPartitionName(source)
    const judged = judgeSource(positions, part)
    const next = to.get(sourceKey(source))
    if (judged.kind === 'another')
      return unclear(`${judged.fault.message}; accept "${topic}" first`)
    if (judged.kind === 'new') return unclear(`the log knows no position of "${name}" yet`)
    if (judged.kind === 'silent' || earliest === undefined || end === undefined) {
      return unclear(`no leader answers for "${name}"`)
    }
    const cause = `it held ${earliest} up to ${end}`
    if (next === undefined || next < earliest || next > end) {
      return unclear(
        `"${name}" has no offset ${next ?? 'there'}: it holds ${earliest} up to ${end}`,
      )
    }
    const { next: expected, resetEpoch = 0 } = judged.position
    if (judged.kind === 'fits' && next === expected) continue
    moves.push({ lane, source, expected, resetEpoch, next, cause })
  }
  return moves.length === 0 ? { kind: 'nothing' } : { kind: 'moves', moves }
}

const chosenParts = ({ parts, partition }: SourceQuestion): readonly BrokerPart[] =>
  parts.filter(({ source }) => partition === undefined || source.partition === partition)

const missing = ({ topic, partition }: SourceQuestion): SourcePlan =>
  unclear(
    partition === undefined
      ? `the brokers have no topic "${topic}"`
      : `the brokers have no "${topicPartitionName({ topic, partition })}"`,
  )
