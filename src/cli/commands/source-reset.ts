import { type UnixMs, unixMs } from '../../base/time.ts'
import { type NextOffset, nextOffset } from '../../model/offset.ts'
import { type SourceKey, sourceKey } from '../../model/topic-partition.ts'
import type { OffsetPosition, Source } from '../../ports/source.ts'
import { planReset, type SourceQuestion } from '../../protocol/source-plan.ts'
import {
  type CommandDefinition,
  configOption,
  exitCode,
  type Invocation,
  optionalText,
  refusal,
} from '../command.ts'
import { whyOption } from '../repairing.ts'
import { moveSources, topicArgument } from '../source-question.ts'

/** `lakeward source reset`: read on from where the operator says. */
export const command: CommandDefinition = {
  arguments: [topicArgument],
  options: [
    configOption,
    { flags: '--to <position>', description: 'earliest, latest, a time with its zone, an offset' },
    whyOption,
  ],
  example: 'lakeward source reset growth.events/3 --to 4711 --why "the batch at 4710 is corrupt"',
  run: async (invocation) => {
    const to = targetOf(invocation)
    await moveSources(invocation, {
      action: 'reset',
      decide: async (question, source) =>
        planReset(question, await offsetsOf(source, question, to)),
    })
    return exitCode.done
  },
}

type Target = OffsetPosition | { readonly offset: NextOffset }

const momentShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/

function targetOf(invocation: Invocation): Target {
  const text = optionalText(invocation, 'to')
  if (text === 'earliest' || text === 'latest') return text
  const ofOne = invocation.arguments[0]?.includes('/') === true
  if (text !== undefined && /^\d{1,18}$/.test(text)) {
    if (ofOne) return { offset: nextOffset(BigInt(text)) }
    throw refusal(invocation, `--to ${text}: an offset is of one partition; name it: TOPIC/3`)
  }
  const atMs = text !== undefined && momentShape.test(text) ? momentOf(text) : undefined
  if (atMs !== undefined) return atMs
  const accepted = 'accepted: earliest, latest, 2026-11-20T13:00:00Z, an offset'
  throw refusal(invocation, `--to ${text ?? 'is missing'}; ${accepted}`)
}

function momentOf(text: string): UnixMs | undefined {
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : unixMs(atMs)
}

async function offsetsOf(
  source: Source,
  { parts }: SourceQuestion,
  to: Target,
): Promise<ReadonlyMap<SourceKey, NextOffset>> {
  const sources = parts.map((part) => part.source)
  if (typeof to === 'object') return new Map(sources.map((at) => [sourceKey(at), to.offset]))
  const found = await source.offsetsAt(sources, to)
  return new Map([...found].map(([key, at]) => [key, nextOffset(at)]))
}
