import type { CheckResult } from '../../audit/check.ts'
import { verifyManifest } from '../../audit/verify-manifest.ts'
import { verifyPresented } from '../../audit/verify-presented.ts'
import { lakeLane } from '../../daemon/pipeline.ts'
import { findAnnouncement, revisionOption } from '../announced.ts'
import { answerChecks } from '../check-answer.ts'
import {
  type CommandDefinition,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  optionalText,
  refusal,
} from '../command.ts'
import { askPositions } from '../kafka-positions.ts'
import { openPresented } from '../presented.ts'
import {
  openReading,
  partitionArgument,
  partitionArguments,
  stateAbout,
  streamArgument,
} from '../reading.ts'

/** `lakeward ready verify`: proves a manifest against files, counts, log and brokers. */
export const command: CommandDefinition = {
  arguments: partitionArguments.map(({ name, description }) => ({ name, description })),
  options: [
    { flags: '-c, --config <file>', description: 'the configuration; lakeward.yaml when left out' },
    revisionOption,
    {
      flags: '--manifest <file>',
      description: 'proves this manifest, from wherever it came, and needs no configuration',
    },
    {
      flags: '--lake <url>',
      description: 'with --manifest: the lake, if not as its location says',
    },
    { flags: '--brokers <list>', description: 'with --manifest: host:port,host:port of Kafka' },
    { flags: '--deep', description: 'decodes every row, checks order, offsets, duplicates' },
    { flags: '--allow-unchecked', description: 'exit 0 although a check could not be made' },
  ],
  example: 'lakeward ready verify app_events 2026-11-20T13',
  run: async (invocation) => {
    const file = optionalText(invocation, 'manifest')
    return file === undefined
      ? await verifyAnnounced(withConfig(invocation))
      : await verifyFile(invocation, file)
  },
}

async function verifyFile(invocation: Invocation, file: string): Promise<ExitCode> {
  if (invocation.arguments.some((given) => given !== undefined)) {
    throw refusal(invocation, '--manifest says which partition it is; leave STREAM PARTITION out')
  }
  refuseBeside(invocation, ['revision'], '--manifest says which revision it is; leave it out')
  if (optionalText(invocation, 'config') !== undefined) {
    refuseBeside(invocation, ['lake', 'brokers'], '-c says it; leave it out')
  }
  const facts = await openPresented(invocation, file)
  return answered(invocation, await verifyPresented({ ...facts, isDeep: isDeepIn(invocation) }))
}

function refuseBeside(invocation: Invocation, names: readonly string[], why: string): void {
  const given = names.find((name) => optionalText(invocation, name) !== undefined)
  if (given !== undefined) throw refusal(invocation, `--${given}: ${why}`)
}

function withConfig(invocation: Invocation): Invocation {
  const [stream, partition] = invocation.arguments
  if (stream === undefined || partition === undefined) {
    throw refusal(invocation, 'STREAM PARTITION are missing, or --manifest FILE')
  }
  refuseBeside(invocation, ['lake', 'brokers'], 'goes with --manifest')
  const config = optionalText(invocation, 'config') ?? 'lakeward.yaml'
  return { ...invocation, options: { ...invocation.options, config } }
}

async function verifyAnnounced(invocation: Invocation): Promise<ExitCode> {
  const reading = await openReading(invocation)
  const { config, lake } = reading
  const stream = streamArgument(invocation, config)
  const asked = { stream: stream.name, partition: partitionArgument(invocation, stream) }
  const state = await stateAbout(reading, asked)
  const found = await findAnnouncement(invocation, reading, state, asked)
  if (found.kind === 'absent') {
    invocation.output.answer({ verdict: 'failed', why: found.why, checks: [] }, [found.why])
    return exitCode.failed
  }
  const { manifest, folded } = found
  const checks = await verifyManifest({
    lake,
    pipeline: config.pipeline,
    lane: lakeLane,
    manifest,
    folded,
    isDeep: isDeepIn(invocation),
    askKafka: () => askPositions(invocation, reading),
  })
  return answered(invocation, checks)
}

const isDeepIn = (invocation: Invocation): boolean => flagOption(invocation, 'deep')

const answered = (invocation: Invocation, checks: readonly CheckResult[]): ExitCode =>
  answerChecks(invocation, checks, flagOption(invocation, 'allowUnchecked'))
