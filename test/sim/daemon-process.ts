/** One simulated process: a real daemon on a lake, brokers and a clock that end with it. */
import { present } from '../../src/base/assert.ts'
import { loadConfig } from '../../src/daemon/config/load.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import { SuccessFile } from '../../src/readiness/success-file.ts'
import { deadLetterSchema } from '../support/lane-world.ts'
import { MemoryConfigFiles } from '../unit/daemon/memory-config-files.ts'
import type { SimClock } from './clock.ts'
import { outOfOrdernessMs, schema, streams, topic } from './daemon-events.ts'
import { slowSource, type Weather } from './daemon-outside.ts'
import { type LakeFault, SimLake, type SimStore } from './lake.ts'
import { Life } from './life.ts'
import type { Plan } from './plan.ts'
import { SimRandom } from './random.ts'
import { type Receiver, webhookTarget } from './receiver.ts'
import { SeenTelemetry } from './seen-telemetry.ts'
import type { SimKafka, SimSource } from './source.ts'

export const pipeline = 'sim'
export const readyDelayMs = 5_000
export const readyIdleMs = 15_000

const yaml = (notify: string): string => `pipeline: ${pipeline}
kafka: { brokers: ["127.0.0.1:9092"] }
lake: { url: "file:./lake" }
commit: { interval: 10s }
memory: { buffers: 16MiB }
ready:
  delay: ${readyDelayMs}ms
  idle: ${readyIdleMs}ms
  deliver: { deadline: 5s }
  notify: ${notify}
streams:
${streams
  .map(
    (name) => `  - name: ${name}
    topic: ${topic}
    schema: { file: number.proto, message: test.Number }
    eventTime: { outOfOrderness: ${outOfOrdernessMs}ms, pastMax: 3650d }
    columns: [_topic, _partition, _offset, _index]
    etl: [ { filter: { where: "text <> 'skip'", reason: skipped } } ]
`,
  )
  .join('')}`

const webhookYaml = `webhook: { url: "${webhookTarget.slice('webhook:'.length)}", secret: env:KEY }`
const configs = new Map<boolean, Promise<ResolvedConfig>>()

/** The configuration of all daemons of a world, `ready` as above. */
export function loadedConfig(notifies: boolean): Promise<ResolvedConfig> {
  const text = yaml(notifies ? `[ { ${webhookYaml} }, { success-file: {} } ]` : '[]')
  const files = new MemoryConfigFiles({ 'lakeward.yaml': text, 'number.proto': schema })
  const loading = configs.get(notifies) ?? loadConfig('lakeward.yaml', files)
  configs.set(notifies, loading)
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
  /** Steps of its calls to the lake until it is killed. */
  doomedIn: number | undefined
}

export interface ProcessWorld extends Weather {
  readonly plan: Plan
  readonly clock: SimClock
  readonly store: SimStore
  readonly kafka: SimKafka
  readonly receiver: Receiver
  readonly isWild: boolean
  /** How often each thing was logged. */
  readonly logged: Map<string, number>
  /** Its calls to the lake have come to where it is to be killed. */
  onDoom(process: SimProcess): void
}

export async function makeProcess(world: ProcessWorld): Promise<SimProcess> {
  const resolved = await loadedConfig(world.plan.notifies)
  const { clock, kafka, plan, receiver } = world
  const life = new Life(clock)
  const lake = wildLake(world, life, () => process)
  const source = kafka.source([topic])
  const notifiers: readonly Notifier[] = [
    receiver.notifier(life, world),
    new SuccessFile('success-file', lake),
  ]
  const daemon = new Daemon(resolved, {
    lake,
    clock: life,
    random: new SimRandom(world.random.below(2 ** 31)),
    telemetry: new SeenTelemetry(world.logged),
    source: slowSource(source, life, world),
    notifiers: plan.notifies ? notifiers : [],
    modules: new Map(),
    deadLetterSchema: deadLetterSchema(),
    checkpointEvery: plan.checkpointEvery,
  })
  const flags = { isMember: false, isCutOff: false, doomedIn: undefined }
  const process: SimProcess = { daemon, lake, source, life, ...flags }
  return process
}

const lakeFaults = [
  ['lake-request-lost', 'before-effect'],
  ['lake-answer-lost', 'after-effect'],
  ['lake-lands-late', 'lands-late'],
] as const

function wildLake(world: ProcessWorld, life: Life, process: () => SimProcess): SimLake {
  const { random } = world
  const faultNow = (): LakeFault['moment'] | undefined => {
    if (process().isCutOff) return present(lakeFaults[random.below(3)], 'a moment')[1]
    return lakeFaults.find(([kind]) => world.strikes(kind, 0.015))?.[1]
  }
  const lake = new SimLake({
    clock: world.clock,
    store: world.store,
    faultNow,
    awake: () => life.awake(),
    listsInPages: () => world.strikes('lake-list-in-pages', 0.5),
    latencyMs: () => {
      const it = process()
      if (it.doomedIn !== undefined) {
        it.doomedIn -= 1
        if (it.doomedIn === 0) world.onDoom(it)
      }
      if (!world.isWild) return 1
      return random.below(world.strikes('lake-slow', 0.02) ? 15_000 : 40)
    },
  })
  lake.landsAfterDeath = () => random.fraction() < 0.5
  return lake
}
