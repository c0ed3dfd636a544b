/** Tries what is outside of a configuration, as a daemon would use it, and changes nothing. */
import { openKafkaSource } from '../adapters/kafka/kafka-source.ts'
import { SystemClock } from '../adapters/local/system-clock.ts'
import { SystemRandom } from '../adapters/local/system-random.ts'
import { jsonLogger } from '../adapters/telemetry/json-logger.ts'
import { Fault } from '../base/fault.ts'
import { selectsTopic, topicPatternsIn } from '../model/topic-selection.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { StorageRules } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { type NotifyTarget, targetName } from '../readiness/config.ts'
import { hiveCatalog } from './catalog-targets.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import { type ConfigSecrets, readSecrets } from './config/secrets.ts'
import { openLake } from './open-lake.ts'
import { sourceOptions } from './start.ts'
import { foldersOf } from './storage-rules.ts'

const probeMsMax = 10_000

/** What trying one thing came to. */
export interface TriedConnection {
  /** "kafka", "lake", "secrets", or the name of a target. */
  readonly what: string
  readonly verdict: 'ok' | 'failed' | 'not checkable'
  /** What was found, or why not. */
  readonly text: string
  /** Where it failed by a fault. */
  readonly fault?: Fault
}

/** One attempt at each, in the order a record travels; nothing is tried again. */
export async function tryConnections(
  config: ResolvedConfig,
  files: ConfigFiles,
): Promise<readonly TriedConnection[]> {
  const secrets = await readSecrets(config, files).catch(keepFault)
  const targets = await Promise.all(config.ready.notify.map(tryTarget))
  if (secrets instanceof Fault) {
    const kafka = { what: 'kafka', verdict: 'not checkable', text: 'a secret is missing' } as const
    return [failed('secrets', secrets), kafka, await tryLake(config, files), ...targets]
  }
  return [
    { what: 'secrets', verdict: 'ok', text: 'all are there' },
    await tryKafka(config, secrets),
    await tryLake(config, files),
    ...targets,
  ]
}

async function tryTarget(target: NotifyTarget): Promise<TriedConnection> {
  const what = targetName(target)
  if (target.kind !== 'hive') {
    const text =
      target.kind === 'success-file' ? 'part of the lake' : 'only an announcement tries it'
    return { what, verdict: 'not checkable', text }
  }
  const catalog = hiveCatalog(target)
  try {
    const text = await catalog.probe(AbortSignal.timeout(probeMsMax))
    return { what, verdict: 'ok', text }
  } catch (error) {
    return failed(what, keepFault(error))
  } finally {
    await catalog.close()
  }
}

function keepFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

const failed = (what: string, fault: Fault): TriedConnection => ({
  what,
  verdict: 'failed',
  text: fault.message,
  fault,
})

const nobodyListens: Telemetry = {
  log: jsonLogger('silent'),
  metrics: { count: () => {}, gauge: () => {}, observe: () => {} },
}

async function tryKafka(config: ResolvedConfig, secrets: ConfigSecrets): Promise<TriedConnection> {
  const worker = { workerIndex: 0, workerCount: 1 }
  const options = sourceOptions({ config, worker }, secrets)
  const source = openKafkaSource(options, new SystemClock(), nobodyListens)
  try {
    const { clusterId, sources, missingTopics } = await source.metadata()
    const cluster = `cluster "${clusterId}" of "${options.brokers.join(',')}"`
    if (missingTopics.length > 0) {
      const text = `${cluster} has no topic "${missingTopics.join('", "')}"`
      return { what: 'kafka', verdict: 'failed', text }
    }
    const empty = topicPatternsIn(options.topics).filter(
      (pattern) => !sources.some(({ topic }) => selectsTopic([pattern], topic)),
    )
    if (empty.length > 0) {
      const text = `${cluster} has no topic of the pattern "${empty.join('", "')}"`
      return { what: 'kafka', verdict: 'failed', text }
    }
    const topicCount = new Set(sources.map(({ topic }) => topic)).size
    const text = `${cluster} has ${sources.length} partitions of ${topicCount} topics`
    return { what: 'kafka', verdict: 'ok', text }
  } catch (error) {
    return failed('kafka', keepFault(error))
  } finally {
    await source.close()
  }
}

/** Rules against the lake make it fail in days: who asks now can still change them. */
function withRules(text: string, rules: StorageRules | undefined): TriedConnection {
  if (rules?.kind === 'unknown') {
    const unknown = `rules of the storage are not known: ${rules.reason}`
    return { what: 'lake', verdict: 'ok', text: `${text}; ${unknown}` }
  }
  const against = rules?.against ?? []
  const verdict = against.length === 0 ? 'ok' : 'failed'
  return { what: 'lake', verdict, text: [text, ...against.map(({ says }) => says)].join('; ') }
}

/** Writes an object of a name nobody else has, reads it, and takes it away. */
async function tryLake(config: ResolvedConfig, files: ConfigFiles): Promise<TriedConnection> {
  const { pipeline } = config
  const name = Buffer.from(new SystemRandom().bytes(8)).toString('hex')
  const path = `_lakeward/${pipeline}/tried-${name}`
  try {
    const lake = await openLake(config, files, nobodyListens)
    if ('requireConditionalWrites' in lake) await lake.requireConditionalWrites()
    await lake.put(path, Buffer.from(name))
    const found = await lake.read(path)
    await lake.remove(path)
    const same = found !== undefined && Buffer.from(found).toString() === name
    if (!same) return { what: 'lake', verdict: 'failed', text: 'what was put is not what is read' }
    return withRules(
      `"${config.lakeFolder ?? lake.url}" can be written`,
      'rules' in lake
        ? await lake.rules(foldersOf(config), AbortSignal.timeout(probeMsMax))
        : undefined,
    )
  } catch (error) {
    return failed('lake', keepFault(error))
  }
}
