/** One simulated process: a real daemon on a lake, brokers and a clock that end with it. */
import { durationMs } from '../../src/base/time.ts'
import { catalogTarget } from '../../src/daemon/catalog-targets.ts'
import { loadConfig } from '../../src/daemon/config/load.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import { SuccessFile } from '../../src/readiness/success-file.ts'
import { deadLetterSchema } from '../support/lane-world.ts'
import { MemoryConfigFiles } from '../unit/daemon/memory-config-files.ts'
import type { SimClock } from './clock.ts'
import { outOfOrdernessOf, schema, streams, topic } from './daemon-events.ts'
import { slowSource, type Weather } from './daemon-outside.ts'
import type { SimLake, SimStore } from './lake.ts'
import { type Doom, type LakeWeather, wildLake } from './lake-weather.ts'
import { Life } from './life.ts'
import type { Metastore } from './metastore.ts'
import type { LatePolicies, Plan } from './plan.ts'
import { SimRandom } from './random.ts'
import { type Receiver, webhookTarget } from './receiver.ts'
import { SeenTelemetry } from './seen-telemetry.ts'
import type { SimSource } from './sim-source.ts'
import type { SimKafka } from './source.ts'

export const pipeline = 'sim'
export const readyDelayMs = 2_000
export const readyIdleMs = 3_000
export const deliverDeadlineMs = 2_000
const lateEveryMs = 2_500

interface StreamWords {
  readonly emptyRunMax: number
  readonly outOfOrdernessMs: number
  readonly late: LatePolicies
  readonly maxSkewMs: number | undefined
}

const yaml = (
  notify: string,
  { emptyRunMax, outOfOrdernessMs, late, maxSkewMs }: StreamWords,
): string => `pipeline: ${pipeline}
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { url: "file:./lake" }
commit: { interval: 1500ms }
memory: { buffers: 16MiB }
ready:
  delay: ${readyDelayMs}ms
  idle: ${readyIdleMs}ms
  deliver: { deadline: ${deliverDeadlineMs}ms }
  notify: ${notify}
streams:
${streams
  .map(
    (name) => `  - name: ${name}
    topic: ${topic}
    schema: { file: number.proto, message: test.Number }
    eventTime: { outOfOrderness: ${outOfOrdernessMs}ms, pastMax: 3650d }
    late: { policy: ${late[name]}, every: ${lateEveryMs}ms }
    ready: { emptyRunMax: ${emptyRunMax} }
${maxSkewMs === undefined ? '' : `    alignment: { maxSkew: ${maxSkewMs}ms }\n`}    columns: [_topic, _partition, _offset, _index]
    etl: [ { filter: { where: "text <> 'skip'", reason: skipped } } ]
`,
  )
  .join('')}`

const webhookYaml = `webhook: { url: "${webhookTarget.slice('webhook:'.length)}", secret: env:KEY }`
/** Root of the lake as readers of the metastore reach it. */
export const metastoreRoot = 'hdfs://main/lake'
export const metastoreTarget = 'hive:sim'
const hiveYaml = (register: string): string =>
  `hive: { uris: ["thrift://127.0.0.1:9083"], database: sim, register: ${register}, ` +
  `location: "${metastoreRoot}" }`
const configs = new Map<string, Promise<ResolvedConfig>>()

type ConfigPlan = Pick<
  Plan,
  'notifies' | 'metastore' | 'pace' | 'late' | 'maxSkewMs' | 'emptyRunMax'
>

/** The configuration of all daemons of a world, `ready` as above. */
export function loadedConfig({
  notifies,
  metastore,
  pace,
  late,
  maxSkewMs,
  emptyRunMax,
}: ConfigPlan): Promise<ResolvedConfig> {
  const targets = [
    ...(notifies ? [webhookYaml, 'success-file: {}'] : []),
    ...(metastore === undefined ? [] : [hiveYaml(metastore)]),
  ]
  const notify = `[ ${targets.map((target) => `{ ${target} }`).join(', ')} ]`
  const outOfOrdernessMs = outOfOrdernessOf(pace)
  const text = yaml(notify, { emptyRunMax, outOfOrdernessMs, late, maxSkewMs })
  const files = new MemoryConfigFiles({ 'lakeward.yaml': text, 'number.proto': schema })
  const loading = configs.get(text) ?? loadConfig('lakeward.yaml', files)
  configs.set(text, loading)
  return loading
}

/** A process: everything of it ends at once when it is killed. */
export interface SimProcess {
  readonly daemon: Daemon
  readonly lake: SimLake
  readonly source: SimSource
  readonly life: Life
  /** It has joined the group. */
  isMember: boolean
  /** It does not see the lake. */
  isCutOff: boolean
  /** No answer to a conditional put reaches it. */
  losesPutAnswers: boolean
  doom: Doom | undefined
  /** Index of the entry that it puts, or put last; undefined where none is told of. */
  puttingAt: number | undefined
  /** Of the listing under way; each takes its time. */
  pagesLeft: number
}

export interface ProcessWorld extends Weather {
  readonly plan: Plan
  readonly clock: SimClock
  readonly store: SimStore
  readonly kafka: SimKafka
  readonly receiver: Receiver
  readonly metastore: Metastore | undefined
  readonly weather: LakeWeather
  readonly isWild: boolean
  /** How many live. */
  readonly processCount: number
  /** How often each thing was logged. */
  readonly logged: Map<string, number>
  /** A producer writes a row of the partition whose folder this is. */
  writeLate(folder: string): void
  /** Cleaners begin, one at once and one a little later; resolves when the first one does. */
  cleanBeside(): Promise<void>
  /** A topic-partition stopped, and why. */
  onRefused(told: string): void
  /** Its calls to the lake have come to where it is to be killed. */
  onDoom(process: SimProcess): void
}

/**
 * Spans that are shorter than anybody may configure them: worlds last for minutes. And files that
 * grow, which no configuration has whose lake is a folder.
 */
function shortened(config: ResolvedConfig, plan: Plan): ResolvedConfig {
  const { keepMs, closeAfterMs, grows } = plan
  const log = keepMs === undefined ? config.log : { ...config.log, keep: durationMs(keepMs) }
  const streams = config.streams.map((at) => {
    const closeAfter = closeAfterMs === undefined ? at.late.closeAfter : durationMs(closeAfterMs)
    const mode = grows ? ('continue' as const) : at.file.mode
    return { ...at, late: { ...at.late, closeAfter }, file: { ...at.file, mode } }
  })
  return { ...config, log, streams }
}

/** The configuration that all daemons of a world run with. */
export const configOf = async (plan: Plan): Promise<ResolvedConfig> =>
  shortened(await loadedConfig(plan), plan)

export async function makeProcess(world: ProcessWorld): Promise<SimProcess> {
  const { clock, kafka, plan, receiver } = world
  const resolved = await configOf(plan)
  const life = new Life(clock)
  const lake = wildLake(world, life, () => process)
  const source = kafka.source([topic])
  const notifiers = resolved.ready.notify.map((target): Notifier => {
    if (target.kind !== 'hive') {
      return target.kind === 'webhook'
        ? receiver.notifier(life, world)
        : new SuccessFile('success-file', lake)
    }
    const { metastore } = world
    return catalogTarget(resolved, target, lake, metastore?.catalog(life))
  })
  const daemon = new Daemon(resolved, {
    lake,
    clock: life,
    random: new SimRandom(world.random.below(2 ** 31)),
    telemetry: new SeenTelemetry(world.logged, (told) => world.onRefused(told)),
    source: slowSource(source, life, world),
    notifiers,
    modules: new Map(),
    deadLetterSchema: deadLetterSchema(),
    checkpointEvery: plan.checkpointEvery,
    ...(plan.inlineBytesMax === undefined ? {} : { inlineBytesMax: plan.inlineBytesMax }),
  })
  const flags = {
    isMember: false,
    isCutOff: false,
    losesPutAnswers: false,
    doom: undefined,
    puttingAt: undefined,
    pagesLeft: 0,
  }
  const process: SimProcess = { daemon, lake, source, life, ...flags }
  return process
}
