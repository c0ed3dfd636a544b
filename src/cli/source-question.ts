/** What `lakeward source` asks the brokers and the log, and how it puts an operator's word. */
import { present } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import { moveSources as putMoves } from '../committer/move-sources.ts'
import { lakeLane } from '../daemon/pipeline.ts'
import { announceShards, beginTopics } from '../daemon/shard-duties.ts'
import { selectorsOf } from '../daemon/stage-streams.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { SourceEntry, SourceMove } from '../model/log-entry.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Source } from '../ports/source.ts'
import type { LanePositions } from '../protocol/source-judgement.ts'
import type { SourcePlan, SourceQuestion } from '../protocol/source-plan.ts'
import { askParts } from './broker-parts.ts'
import { type Invocation, refusal } from './command.ts'
import { alignedRows } from './output.ts'
import {
  type AskedLakeside,
  askBrokers,
  type Lakeside,
  openLakeside,
  writingOptions,
} from './reading.ts'
import { reasonOf } from './repairing.ts'
import { withWritableLog } from './writing.ts'

const kafkaTimeoutMs = 30_000

export const topicArgument = {
  name: 'topic',
  description: 'a topic, or one of its partitions: growth.events/3',
  required: true,
} as const

export const positionsOf = (fold: FoldState): LanePositions =>
  fold.positions.get(lakeLane) ?? new Map()

/** Asks the brokers, or ends the command: without them there is no answer. */
export async function askOrFail<T>(
  invocation: Invocation,
  lakeside: AskedLakeside,
  ask: (source: Source) => Promise<T>,
): Promise<T> {
  const outcome = await askBrokers(invocation, lakeside, kafkaTimeoutMs, ask)
  if (outcome.kind === 'answered') return outcome.answer
  const { brokers } = lakeside.config.kafka
  throw new Fault('KAFKA_UNREACHABLE', { brokers, reason: outcome.why })
}

interface NamedTopic {
  readonly topic: string
  readonly partition: number | undefined
}

function topicIn(invocation: Invocation): NamedTopic {
  const text = present(invocation.arguments[0], 'TOPIC is required')
  const [, topic = '', partition] = /^([^/]+)(?:\/(\d{1,9}))?$/.exec(text) ?? []
  return { topic, partition: partition === undefined ? undefined : Number(partition) }
}

function topicNamed(invocation: Invocation, { config }: Lakeside): NamedTopic {
  const at = topicIn(invocation)
  const known = selectorsOf(config)
  if (selectsTopic(known, at.topic)) return at
  const text = invocation.arguments[0] ?? ''
  throw refusal(invocation, `"${text}" is no topic of a stream; known: ${known.join(', ')}`)
}

export interface MovePlan {
  readonly action: SourceEntry['action']
  /** What to ask besides, in the same call to the brokers. */
  readonly decide: (question: SourceQuestion, source: Source) => Promise<SourcePlan>
}

/** Asks, decides, puts; again while somebody else's entry comes between. */
export async function moveSources(invocation: Invocation, plan: MovePlan): Promise<void> {
  const why = reasonOf(invocation)
  const { action } = plan
  const lakeside = await openLakeside(invocation, topicIn(invocation).topic)
  const at = topicNamed(invocation, lakeside)
  const asked = { ...lakeside, alsoTopics: [at.topic] }
  await withWritableLog(invocation, lakeside, async (log) => {
    const decide = async (positions: LanePositions): Promise<readonly SourceMove[]> => {
      const planned = await askOrFail(invocation, asked, async (source) => {
        const { parts, metadata } = await askParts(source, positions)
        const ofTopic = parts.filter((part) => part.source.topic === at.topic)
        const gone = metadata.missingTopics.includes(at.topic)
        const question = { lane: lakeLane, positions, ...at, parts: ofTopic, gone }
        return plan.decide(question, source)
      })
      const moves = movesOf(invocation, planned)
      if (moves.length > 0) await begin(invocation, { lakeside, log, topic: at.topic })
      return moves
    }
    const outcome = await putMoves(log, { action, why, lane: lakeLane, decide })
    if (outcome.kind === 'overtaken') throw refused(invocation, 'the log moved on each time')
    const moved = outcome.kind === 'moved' ? outcome : { entry: undefined, moves: [] }
    tell(invocation, { action, why, ...moved })
  })
}

interface Beginning {
  readonly lakeside: Lakeside
  readonly log: CommitLog
  readonly topic: string
}

/** A position is the beginning of a topic, as a daemon's first look at it is. */
async function begin(invocation: Invocation, { lakeside, log, topic }: Beginning): Promise<void> {
  const { shard } = lakeside.config
  if (shard === undefined) return
  const parts = writingOptions(invocation, lakeside)
  if (log.state.config.version === 0) await announceShards(shard, parts)
  await beginTopics(shard, new Set([topic]), parts)
}

const refused = (invocation: Invocation, because: string): Fault =>
  new Fault('SOURCE_MOVE_REFUSED', {
    command: invocation.command,
    at: invocation.arguments[0] ?? '',
    because,
  })

function movesOf(invocation: Invocation, plan: SourcePlan): readonly SourceMove[] {
  if (plan.kind === 'unclear') throw refused(invocation, plan.because)
  return plan.kind === 'nothing' ? [] : plan.moves
}

interface Told {
  readonly action: SourceEntry['action']
  readonly why: string
  readonly moves: readonly SourceMove[]
  readonly entry: number | undefined
}

function tell({ output }: Invocation, { action, why, moves, entry }: Told): void {
  const shown = moves.map(({ source, expected, next, cause }) => {
    const { topicId, clusterId } = source
    const ids = { topicPartition: topicPartitionName(source), topicId, clusterId }
    const skipped = expected !== undefined && next !== undefined ? next - expected : undefined
    return { ...ids, from: expected, to: next, skipped, cause }
  })
  if (entry === undefined) {
    output.answer({ action, moves: [] }, [
      `nothing to ${action}: the log fits what the brokers have`,
    ])
    return
  }
  const rows = shown.map((move) => [`  ${move.topicPartition}`, effectOf(move), move.cause])
  output.answer({ action, why, entry, moves: shown }, [
    `log entry ${entry}: ${action}, ${why}`,
    ...alignedRows(rows),
    output.paint.dim('  (daemons that run take it up with their next commit)'),
  ])
}

function effectOf({ from, to }: { from: bigint | undefined; to: bigint | undefined }): string {
  if (to === undefined) return `not read any more; committed up to ${from}`
  if (from === undefined) return `begins at ${to}`
  if (to > from) return `from ${from} on to ${to}: ${to - from} offsets are given up`
  if (to < from) return `from ${from} back to ${to}: what is there by now is read`
  return `goes on at ${to}`
}
