import type { KafkaAnswer } from '../audit/kafka-check.ts'
import { selectorsOf } from '../daemon/stage-streams.ts'
import type { Source } from '../ports/source.ts'
import type { Invocation } from './command.ts'
import { type AskedLakeside, askBrokers } from './reading.ts'

const kafkaTimeoutMs = 15_000

/** Where each topic-partition begins and ends, asked of the brokers now. */
export async function askPositions(
  invocation: Pick<Invocation, 'files'>,
  lakeside: AskedLakeside,
): Promise<KafkaAnswer> {
  const outcome = await askBrokers(invocation, lakeside, kafkaTimeoutMs, positionsOf)
  if (outcome.kind === 'silent') return outcome
  return { kind: 'answered', topics: selectorsOf(lakeside.config), ...outcome.answer }
}

async function positionsOf(
  source: Source,
): Promise<Omit<Extract<KafkaAnswer, { kind: 'answered' }>, 'kind'>> {
  const metadata = await source.metadata()
  const starts = await source.offsetsAt(metadata.sources, 'earliest')
  const ends = await source.highWatermarks(metadata.sources)
  return { metadata, starts, ends }
}
