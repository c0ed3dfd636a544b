import { formatDuration, formatSize } from '../../base/units.ts'
import { loadConfig } from '../../daemon/config/load.ts'
import type { ResolvedConfig } from '../../daemon/config/resolved-config.ts'
import { secretReferences } from '../../daemon/config/secrets.ts'
import { hasShards, shardConfigs } from '../../daemon/config/shard-configs.ts'
import type { TriedConnection } from '../../daemon/connections.ts'
import { targetName } from '../../readiness/config.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  flagOption,
  textOption,
} from '../command.ts'
import { alignedRows, type Paint } from '../output.ts'
import { planOfStream, type StreamPlan } from '../stream-plan.ts'
import { exitOf } from '../trouble.ts'

/** `lakeward check`: what the configuration comes to, or all that is wrong with it. */
export const command: CommandDefinition = {
  options: [
    configOption,
    { flags: '--connect', description: 'look for secrets, ask the brokers, write to the lake' },
  ],
  example: 'lakeward check -c config/lakeward.yaml',
  run: async (invocation) => {
    const { output, files } = invocation
    const config = await loadConfig(textOption(invocation, 'config'), files)
    const plan = planOf(config)
    if (!flagOption(invocation, 'connect')) {
      output.answer({ ok: true, ...plan }, planLines(plan, output.paint))
      return exitCode.done
    }
    const { tryConnections } = await import('../../daemon/connections.ts')
    const tried = await tryConnections(config, files)
    const exit = exitOfTried(tried)
    const connections = tried.map(({ what, verdict, text }) => ({ what, verdict, text }))
    output.answer({ ok: exit === exitCode.done, ...plan, connections }, [
      ...planLines(plan, output.paint),
      '',
      ...tried.flatMap((each) => connectionLines(each, output.paint)),
    ])
    return exit
  },
}

/** The gravest of all: what is out of reach before what is refused before what only failed. */
function exitOfTried(tried: readonly TriedConnection[]): ExitCode {
  const exits = tried.map(({ verdict, fault }): ExitCode => {
    if (verdict !== 'failed') return exitCode.done
    return fault === undefined ? exitCode.failed : exitOf(fault)
  })
  return exits.reduce((gravest, exit) => (exit > gravest ? exit : gravest), exitCode.done)
}

function connectionLines(tried: TriedConnection, paint: Paint): readonly string[] {
  const inks = { ok: paint.green, failed: paint.red, 'not checkable': paint.yellow }
  const line = `${inks[tried.verdict](tried.verdict)} ${tried.what}: ${tried.text}`
  return tried.fault === undefined ? [line] : [line, `  ${paint.dim('hint:')} ${tried.fault.hint}`]
}

interface Plan {
  readonly file: string
  readonly pipeline: string
  readonly checksum: string
  readonly brokers: readonly string[]
  readonly group: string
  readonly lake: { readonly url: string; readonly folder: string | undefined }
  readonly commitInterval: string
  readonly buffers: string
  readonly readyDelay: string
  readonly targets: readonly string[]
  /** Where secrets stand; never what they are. */
  readonly secrets: readonly { readonly key: string; readonly reference: string }[]
  /** Of the log; absent where it has one. */
  readonly shards?: readonly ShardPlan[]
  readonly streams: readonly StreamPlan[]
}

interface ShardPlan {
  readonly name: string
  readonly group: string
  readonly checksum: string
  readonly streams: readonly string[]
}

const shardPlans = (config: ResolvedConfig): readonly ShardPlan[] =>
  shardConfigs(config).flatMap(({ shard, kafka, checksum, streams }) => {
    if (shard === undefined) return []
    const names = streams.map(({ name }) => name)
    return [{ name: shard.name, group: kafka.group, checksum, streams: names }]
  })

function planOf(config: ResolvedConfig): Plan {
  const { file, pipeline, checksum, kafka, lake, lakeFolder, commit, memory, ready } = config
  return {
    file,
    pipeline,
    checksum,
    brokers: kafka.brokers,
    group: kafka.group,
    lake: { url: lake.url, folder: lakeFolder },
    commitInterval: formatDuration(commit.interval),
    buffers: formatSize(memory.buffers),
    readyDelay: formatDuration(ready.delay),
    targets: ready.notify.map(targetName),
    secrets: secretReferences(config),
    ...(hasShards(config) ? { shards: shardPlans(config) } : {}),
    streams: config.streams.map(planOfStream),
  }
}

function planLines(plan: Plan, paint: Paint): readonly string[] {
  const rows = [
    ['  kafka', `${plan.brokers.join(', ')} as group ${plan.group}`],
    ['  lake', lakeLine(plan.lake)],
    ['  commits', `every ${plan.commitInterval}, or with half of ${plan.buffers} taken`],
    ['  ready', `${plan.readyDelay} after a partition's end, to ${targetsLine(plan.targets)}`],
    ...plan.secrets.map(({ key, reference }) => ['  secret', `${reference} for ${key}`]),
    ...(plan.shards ?? []).map(({ name, group, streams }) => [
      '  shard',
      `${name}, as group ${group}: ${streams.join(', ') || 'no stream'}`,
    ]),
    ['  checksum', plan.checksum],
  ]
  return [
    `${paint.green('ok')} ${plan.file}: pipeline ${paint.bold(plan.pipeline)}`,
    ...alignedRows(rows),
    ...plan.streams.flatMap((stream) => streamLines(stream, paint)),
  ]
}

const lakeLine = ({ url, folder }: Plan['lake']): string =>
  folder === undefined ? url : `${url}, which is ${folder}`

const targetsLine = (targets: readonly string[]): string =>
  ['the manifest on the lake', ...targets].join(', ')

const fileModes: Readonly<Record<StreamPlan['fileMode'], string>> = {
  new: 'new ones with each commit',
  continue: 'one a writer and partition, longer with each commit',
}

function streamLines(stream: StreamPlan, paint: Paint): readonly string[] {
  const { by, timezone, example } = stream.partition
  const message = `${stream.message}, version ${stream.schemaVersion}`
  const rows = [
    ['  topics', `${stream.topics.join(', ')} (${stream.format})`],
    ['  message', `${message}, checksum ${stream.schemaChecksum.slice(0, 16)}`],
    ['  table', `${stream.table} by ${by} in ${timezone}: ${stream.table}/${example}`],
    ['  files', fileModes[stream.fileMode]],
    ...stream.etl.map((step) => ['  etl', step]),
    ['  late rows', stream.late],
    ...stream.columns.map(({ name, type }, index) => [
      index === 0 ? '  columns' : '',
      `${name} ${paint.dim(type)}`,
    ]),
  ]
  return ['', `stream ${paint.bold(stream.name)}`, ...alignedRows(rows)]
}
