/**
 * What stands behind a manifest that somebody presents: the lake that it names, with the log of its
 * pipeline, and brokers where they are named. No configuration is needed.
 */
import { SystemClock } from '../adapters/local/system-clock.ts'
import { SystemRandom } from '../adapters/local/system-random.ts'
import type { KafkaAnswer } from '../audit/kafka-check.ts'
import type { PresentedFacts } from '../audit/verify-presented.ts'
import { parseManifest } from '../codec/log/manifest.ts'
import { openCommitLog } from '../committer/commit-log.ts'
import { loadConfig } from '../daemon/config/load.ts'
import type { ResolvedConfig } from '../daemon/config/resolved-config.ts'
import { openLake } from '../daemon/open-lake.ts'
import { lakeLane } from '../daemon/pipeline.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import { type Invocation, optionalText, refusal } from './command.ts'
import { askPositions } from './kafka-positions.ts'
import { silentTelemetry } from './reading.ts'

/** Who presents a manifest may be anybody: nothing else becomes part of a path. */
const pipelineShape = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?$/
const streamShape = /^[A-Za-z0-9_-]+$/

/**
 * @param file of the manifest.
 * @throws {Fault} COMMAND_REFUSED: it is no manifest, or does not say where the lake is;
 *   CONFIG_REFUSED; `LAKE_…`; `LOG_…`.
 */
export async function openPresented(
  invocation: Invocation,
  file: string,
): Promise<Omit<PresentedFacts, 'isDeep'>> {
  const manifest = await readPresented(invocation, file)
  const config = await configFor(invocation, manifest)
  const lake = await openLake(config, invocation.files, silentTelemetry)
  const [clock, random] = [new SystemClock(), new SystemRandom()]
  const { pipeline } = manifest
  const options = { lake, pipeline, clock, random, telemetry: silentTelemetry, readOnly: true }
  const { state } = await openCommitLog(options)
  const alsoTopics = [...new Set(manifest.sources.map(({ topic }) => topic))]
  const areNamed =
    optionalText(invocation, 'config') !== undefined || brokersOf(invocation) !== undefined
  const askKafka = async (): Promise<KafkaAnswer> =>
    areNamed
      ? await askPositions(invocation, { config, clock, alsoTopics })
      : { kind: 'silent', why: 'no brokers are named; --brokers names them' }
  return { lake, lane: lakeLane, manifest, state, askKafka }
}

async function readPresented(invocation: Invocation, file: string): Promise<ReadyManifest> {
  const bytes = await invocation.files.readBytes(file)
  if (bytes === undefined) throw refusal(invocation, `--manifest: there is no file "${file}"`)
  const parsed = parseManifest(bytes)
  if (parsed.kind === 'refused') {
    throw refusal(invocation, `--manifest: "${file}" is no manifest: ${parsed.reason}`)
  }
  const { pipeline, stream } = parsed.value
  if (pipelineShape.test(pipeline) && streamShape.test(stream)) return parsed.value
  throw refusal(invocation, `--manifest: "${file}" names no pipeline and stream of lakeward`)
}

/** The configuration that is given, or the least one that has the lake and the brokers. */
async function configFor(invocation: Invocation, manifest: ReadyManifest): Promise<ResolvedConfig> {
  const given = optionalText(invocation, 'config')
  if (given !== undefined) return await loadConfig(given, invocation.files)
  const url = optionalText(invocation, 'lake') ?? lakeUrlOf(invocation, manifest)
  const brokers = brokersOf(invocation) ?? ['127.0.0.1:9092']
  const [pipeline] = manifest.pipeline.split('.')
  const least = { pipeline, kafka: { brokers, assignment: 'static' }, lake: { url }, streams: [] }
  const main = invocation.files.absolute('--manifest')
  return await loadConfig(main, withText(invocation.files, main, JSON.stringify(least)))
}

const brokersOf = (invocation: Invocation): readonly string[] | undefined =>
  optionalText(invocation, 'brokers')?.split(',')

/** The location without the partition's place below the lake. */
function lakeUrlOf(invocation: Invocation, manifest: ReadyManifest): string {
  const { location, table, partitionPath } = manifest
  const place = `/${table}/${partitionPath}`
  const url = location.endsWith(place) ? location.slice(0, -place.length) : undefined
  // A path that is not from the root was meant from the folder of a configuration.
  if (url !== undefined && !/^file:(?!\/)/.test(url)) return url
  throw refusal(
    invocation,
    `its location "${location}" does not say where the lake is; --lake URL or -c FILE does`,
  )
}

/** The machine's files, with one that is not there, and without streams beside it. */
function withText(files: ConfigFiles, path: string, text: string): ConfigFiles {
  return {
    absolute: (at) => files.absolute(at),
    readText: (at) => (at === path ? Promise.resolve(text) : files.readText(at)),
    readBytes: (at) => files.readBytes(at),
    listFiles: () => Promise.resolve([]),
    environment: (name) => files.environment(name),
  }
}
