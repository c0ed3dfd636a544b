import type { FoldedPosition } from '../../model/fold-state.ts'
import { sourceKey, topicPartitionName } from '../../model/topic-partition.ts'
import {
  type BrokerPart,
  judgeSource,
  type LanePositions,
  remedyText,
} from '../../protocol/source-judgement.ts'
import { askParts } from '../broker-parts.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  type Invocation,
  shardOption,
} from '../command.ts'
import { alignedRows, type Paint } from '../output.ts'
import { openReading } from '../reading.ts'
import { inEachShard } from '../shards.ts'
import { askOrFail, positionsOf } from '../source-question.ts'

/** `lakeward source ls`: where the log stands on each topic-partition, and what has stopped. */
export const command: CommandDefinition = {
  options: [configOption, shardOption],
  example: 'lakeward source ls',
  run: (invocation) => inEachShard(invocation, listSources),
}

async function listSources(invocation: Invocation): Promise<ExitCode> {
  const reading = await openReading(invocation)
  const positions = positionsOf(reading.log.state)
  const { parts } = await askOrFail(invocation, reading, (source) => askParts(source, positions))
  const sources = [
    ...parts.map((part) => readLine(positions, part)),
    ...goneOf(positions, parts).map(goneLine),
  ].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition)
  const { output } = invocation
  output.answer({ sources }, listLines(sources, output.paint))
  return exitCode.done
}

interface SourceLine {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** `ended`: an operator said so; `missing`: the brokers do not have it (now). */
  readonly state: 'fits' | 'new' | 'silent' | 'stopped' | 'ended' | 'missing'
  /** Committed up to here. */
  readonly next: bigint | undefined
  /** How often an operator moved it. */
  readonly resetEpoch: number
  readonly earliest: bigint | undefined
  readonly end: bigint | undefined
  /** Why it stopped, and the way on. */
  readonly cause: string | undefined
}

function readLine(positions: LanePositions, part: BrokerPart): SourceLine {
  const { source, earliest, end } = part
  const { topic, partition, topicId } = source
  const judged = judgeSource(positions, part)
  const position = positions.get(sourceKey(source))
  const isStopped = judged.kind === 'lost' || judged.kind === 'another'
  return {
    topic,
    partition,
    topicId,
    earliest,
    end,
    state: isStopped ? 'stopped' : judged.kind,
    next: position?.next,
    resetEpoch: position?.resetEpoch ?? 0,
    cause: isStopped ? remedyText(judged.fault) : undefined,
  }
}

function goneOf(positions: LanePositions, parts: readonly BrokerPart[]): readonly FoldedPosition[] {
  const there = new Set(parts.map(({ source }) => sourceKey(source)))
  return [...positions].flatMap(([key, position]) => (there.has(key) ? [] : [position]))
}

function goneLine({ source, next, resetEpoch = 0, ended }: FoldedPosition): SourceLine {
  const { topic, partition, topicId } = source
  const nothing = { earliest: undefined, end: undefined, cause: undefined }
  const state = ended === true ? 'ended' : 'missing'
  return { topic, partition, topicId, state, next, resetEpoch, ...nothing }
}

function listLines(sources: readonly SourceLine[], paint: Paint): readonly string[] {
  const rows = sources.map(({ state, next, resetEpoch, earliest, end, topicId, ...at }) => [
    topicPartitionName(at),
    state === 'stopped' ? paint.red(state) : state,
    next === undefined ? 'no position' : `next ${next}`,
    end === undefined ? '' : `${earliest} up to ${end}`,
    resetEpoch === 0 ? '' : `moved ${resetEpoch} times`,
    paint.dim(topicId),
  ])
  const causes = sources.flatMap(({ cause }) => (cause === undefined ? [] : [`${cause}.`]))
  return [...alignedRows(rows), ...causes]
}
