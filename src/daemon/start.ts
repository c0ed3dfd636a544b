/** Builds a daemon on the real outside: the adapters that a configuration names. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfluentRegistry } from '../adapters/http/confluent-registry.ts'
import { WebhookNotifier, type WebhookOptions } from '../adapters/http/webhook.ts'
import {
  AnnouncementProducer,
  jsonForm,
  type MessageForm,
  protobufForm,
} from '../adapters/kafka/announcement-producer.ts'
import { openKafkaSource } from '../adapters/kafka/kafka-source.ts'
import type { KafkaSourceOptions, SaslOptions } from '../adapters/kafka/options.ts'
import { HeapCollection } from '../adapters/local/heap-collection.ts'
import { SchemaFolder } from '../adapters/local/schema-folder.ts'
import { SystemClock } from '../adapters/local/system-clock.ts'
import { SystemRandom } from '../adapters/local/system-random.ts'
import { CommandHook, type CommandHookOptions } from '../adapters/process/command-hook.ts'
import { openWorkerModule } from '../adapters/worker/worker-module.ts'
import { assert, present } from '../base/assert.ts'
import { durationMs } from '../base/time.ts'
import {
  manifestEncoder,
  manifestMessage,
  manifestProto,
} from '../codec/protobuf/manifest-message.ts'
import { parseMessageSchema } from '../codec/protobuf/parse-schema.ts'
import type { MessageSchema } from '../model/event-schema.ts'
import type { Clock } from '../ports/clock.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { EtlModule } from '../ports/etl-module.ts'
import type { Lake } from '../ports/lake.ts'
import type { Notifier } from '../ports/notifier.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { CommandTarget } from '../readiness/command-config.ts'
import { targetName } from '../readiness/config.ts'
import { SuccessFile } from '../readiness/success-file.ts'
import { catalogTarget } from './catalog-targets.ts'
import { pathOfFileUrl } from './config/lake-config.ts'
import type { ResolvedConfig, ResolvedStream } from './config/resolved-config.ts'
import { type ConfigSecrets, readSecrets } from './config/secrets.ts'
import { hasShards } from './config/shard-configs.ts'
import type { WebhookAccess } from './config/target-access.ts'
import { Daemon } from './daemon.ts'
import { openLake } from './open-lake.ts'
import { selectorsOf } from './stage-streams.ts'

const mib = 1_024 * 1_024
const rebalanceTimeoutMs = 60_000

export interface StartOptions {
  readonly config: ResolvedConfig
  readonly files: ConfigFiles
  readonly telemetry: Telemetry
  /** Which share a worker reads where `kafka.assignment` is static. */
  readonly worker: { readonly workerIndex: number; readonly workerCount: number }
  /** Which of several supervised processes of one configuration this is, from 0. */
  readonly place?: number | undefined
  /** What waits for targets that are not configured is given up. */
  readonly dropsPending?: boolean
}

/** Makes a daemon; it does nothing before its `start`. */
export async function createDaemon(options: StartOptions): Promise<Daemon> {
  const { config, files, telemetry } = options
  assert(config.shard !== undefined || !hasShards(config), 'a daemon is of one shard')
  const secrets = await readSecrets(config, files)
  const clock = new SystemClock()
  const lake = await openLake(config, files, telemetry)
  return new Daemon(config, {
    lake,
    clock,
    random: new SystemRandom(),
    telemetry,
    heap: new HeapCollection(),
    source: openKafkaSource(sourceOptions(options, secrets), clock, telemetry),
    schemaRegistry: schemaRegistryOf(config, secrets, files),
    notifiers: await notifiersOf(options, secrets, { lake, clock }),
    modules: await openModules(config.streams),
    deadLetterSchema: await readDeadLetterSchema(files),
    dropsPending: options.dropsPending === true,
  })
}

/** How to read from the Kafka of a configuration. */
export function sourceOptions(
  { config, worker, place }: Pick<StartOptions, 'config' | 'worker' | 'place'>,
  secrets: ConfigSecrets,
): KafkaSourceOptions {
  const { brokers, group, assignment, groupProtocol, sessionTimeout, tls } = config.kafka
  const sasl = loginOf(config.kafka.sasl, secrets)
  const { kafkaInstance } = secrets
  const instanceId = place === undefined ? kafkaInstance : `${kafkaInstance}-${place}`
  return {
    brokers,
    group,
    topics: selectorsOf(config),
    assignment: assignment === 'static' ? { static: worker } : 'group',
    groupProtocol,
    clientId: `lakeward-${config.pipeline}`,
    isolation: 'read_committed',
    sessionTimeoutMs: sessionTimeout,
    rebalanceTimeoutMs,
    fetch: { maxBytes: 16 * mib, partitionMaxBytes: 4 * mib, maxWaitMs: 500, minBytes: 1 },
    ...(kafkaInstance === undefined ? {} : { instanceId }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === undefined ? {} : { tls: certificatesOf(secrets) }),
  }
}

/** Where schemas of Confluent's wire format are asked for; undefined where no stream has it. */
export function schemaRegistryOf(
  { schemaRegistry, folder }: Pick<ResolvedConfig, 'schemaRegistry' | 'folder'>,
  { registryPassword }: ConfigSecrets,
  files: ConfigFiles,
): SchemaRegistry | undefined {
  if (schemaRegistry === undefined) return undefined
  const { url, username } = schemaRegistry
  if (url.startsWith('file:')) {
    const path = present(pathOfFileUrl(url), 'the url of a folder was checked')
    return new SchemaFolder(resolve(folder, path), files)
  }
  const login =
    username === undefined || registryPassword === undefined
      ? undefined
      : { username, password: registryPassword.reveal() }
  return new ConfluentRegistry({ url, login })
}

function loginOf(
  sasl: ResolvedConfig['kafka']['sasl'],
  { kafkaPassword, kafkaToken }: ConfigSecrets,
): SaslOptions | undefined {
  if (sasl === undefined) return undefined
  const { mechanism, username } = sasl
  if (mechanism === 'oauthbearer') {
    const token = present(kafkaToken, 'a login by token has its token')
    return { mechanism, token: async () => (await token()).reveal() }
  }
  return {
    mechanism,
    username: present(username, 'a login by password has its user'),
    password: present(kafkaPassword, 'a login by password has its password').reveal(),
  }
}

const certificatesOf = ({ kafkaCertificates: ca, kafkaIdentity: own }: ConfigSecrets) => ({
  ...(ca === undefined ? {} : { ca }),
  ...(own === undefined ? {} : { cert: own.certificate, key: own.key.reveal() }),
})

/** One for each configured target, in their order. @throws {Fault} NOTIFY_CERTIFICATE_REFUSED. */
export async function notifiersOf(
  options: Pick<StartOptions, 'config' | 'worker' | 'place' | 'files'>,
  secrets: ConfigSecrets,
  { lake, clock }: { readonly lake: Lake; readonly clock: Clock },
): Promise<readonly Notifier[]> {
  const { notify } = options.config.ready
  const isEncoded = notify.some((target) => target.kind === 'kafka' && target.format === 'protobuf')
  const encoded = isEncoded ? await readProtobufForm(options.files) : undefined
  return notify.map((target) => {
    const name = targetName(target)
    if (target.kind === 'success-file') return new SuccessFile(name, lake)
    if (target.kind === 'hive') return catalogTarget(options.config, target, lake)
    if (target.kind === 'kafka') {
      const { topic, format, transactional } = target
      const form = format === 'json' ? jsonForm : present(encoded, 'its schema was read')
      const source = sourceOptions(options, secrets)
      const message = { topic, form, transactional, clock }
      return new AnnouncementProducer({ ...source, ...message, target: name })
    }
    if (target.kind === 'command') {
      return commandHook({ target, folder: options.config.folder, clock }, secrets)
    }
    const access = present(secrets.webhooks.get(name), 'a webhook has its secret')
    return webhookNotifier({ target: name, url: target.url, clock }, access)
  })
}

const readProtobufForm = async (files: ConfigFiles): Promise<MessageForm> =>
  protobufForm(manifestEncoder(await readManifestSchema(files)))

interface CommandPlace extends Pick<CommandHookOptions, 'folder' | 'clock'> {
  readonly target: CommandTarget
}

function commandHook({ target, folder, clock }: CommandPlace, secrets: ConfigSecrets): CommandHook {
  const name = targetName(target)
  const [program, ...words] = target.argv
  const variables = present(secrets.commands.get(name), 'the variables of a command were read')
  return new CommandHook({
    target: name,
    argv: [present(program, 'a command has a program'), ...words],
    folder,
    environment: [...variables],
    timeoutMs: target.timeout,
    atOnceMax: target.atOnce,
    clock,
  })
}

function webhookNotifier(
  place: Pick<WebhookOptions, 'target' | 'url' | 'clock'>,
  { secret, headers, proxy, ca, identity }: WebhookAccess,
): WebhookNotifier {
  const own = identity && { certificate: identity.certificate, key: identity.key.reveal() }
  return new WebhookNotifier({
    ...place,
    secret: secret.reveal(),
    headers: [...headers],
    proxy: proxy?.reveal(),
    tls: { ca, ...own },
  })
}

/** One thread for each stream with a module. */
export async function openModules(
  streams: readonly ResolvedStream[],
): Promise<ReadonlyMap<number, EtlModule>> {
  const modules = new Map<number, EtlModule>()
  for (const { index, name, message, etl, limits } of streams) {
    for (const step of etl) {
      if (step.kind !== 'module') continue
      const heapBytes = limits.memory
      const batchTimeMs = durationMs(limits.etlTime)
      const { file } = step
      const options = { file, stream: name, message, batchTimeMs, heapBytes }
      modules.set(index, await openWorkerModule(options))
    }
  }
  return modules
}

/** The schema of announcements as protobuf, which is in the package. */
export const readManifestSchema = (files: ConfigFiles): Promise<MessageSchema> =>
  readShippedSchema(files, manifestProto, manifestMessage)

/** The schema of dead letters, which is in the package. */
export const readDeadLetterSchema = (files: ConfigFiles): Promise<MessageSchema> =>
  readShippedSchema(files, 'dead_letter.proto', 'lakeward.v1.DeadLetter')

/** @param file in the folder `proto` of the package. */
async function readShippedSchema(
  files: ConfigFiles,
  file: string,
  message: string,
): Promise<MessageSchema> {
  const path = fileURLToPath(new URL(`../../proto/${file}`, import.meta.url))
  const text = present(await files.readText(path), `proto/${file} is in the package`)
  return parseMessageSchema(new Map([[file, text]]), file, message)
}
