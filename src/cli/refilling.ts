/** What `lakeward log refill` reads lost ranges with: the brokers, the stages, the entries. */
import { openKafkaSource } from '../adapters/kafka/kafka-source.ts'
import { SystemRandom } from '../adapters/local/system-random.ts'
import { openBase, walkEntries } from '../audit/walk-log.ts'
import { readSecrets } from '../daemon/config/secrets.ts'
import type { FileOrigins, RefillParts } from '../daemon/refill.ts'
import {
  openModules,
  readDeadLetterSchema,
  schemaRegistryOf,
  sourceOptions,
} from '../daemon/start.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { Source } from '../ports/source.ts'
import { noteOrigins } from '../protocol/file-origins.ts'
import type { EntryBelow } from '../protocol/refill-plan.ts'
import type { Invocation } from './command.ts'
import { type Lakeside, ownSecretsOf, silentTelemetry } from './reading.ts'

/** One share that holds everything: no group is joined, so nobody's reading is disturbed. */
const wholeShare = { static: { workerIndex: 0, workerCount: 1 } }

/** Sources over all topic-partitions of the configuration, beside the daemons that read them. */
export async function sourceOpener(
  { files }: Pick<Invocation, 'files'>,
  { config, clock }: Lakeside,
): Promise<() => Source> {
  const secrets = await readSecrets(ownSecretsOf(config), files)
  const worker = wholeShare.static
  const options = { ...sourceOptions({ config, worker }, secrets), assignment: wholeShare }
  return () => openKafkaSource(options, clock, silentTelemetry)
}

/** By path of a file the append whose rows it holds, as far back as entries stand. */
export async function fileOrigins({ lake, config }: Lakeside): Promise<FileOrigins> {
  const origins = new Map<string, EntryIndex>()
  const base = await openBase(lake, config.pipeline)
  for await (const { index, entry, verdict } of walkEntries(lake, config.pipeline, base)) {
    if (verdict.kind === 'decided') noteOrigins(origins, entry, index)
  }
  return origins
}

/** Decided entries and the log below each, read from the base on; deleted ones are left out. */
export async function entriesBelow(
  { lake, config }: Lakeside,
  wanted: ReadonlySet<EntryIndex>,
): Promise<ReadonlyMap<EntryIndex, EntryBelow>> {
  const found = new Map<EntryIndex, EntryBelow>()
  let below = await openBase(lake, config.pipeline)
  for await (const walked of walkEntries(lake, config.pipeline, below)) {
    const { index, entry, verdict, state } = walked
    if (verdict.kind === 'decided' && wanted.has(index)) found.set(index, { index, entry, below })
    if (found.size === wanted.size) break
    below = state
  }
  return found
}

/** Runs `work` with the stages' parts; users' modules run meanwhile. */
export async function withReadingParts<T>(
  invocation: Pick<Invocation, 'files'>,
  lakeside: Lakeside,
  work: (parts: Pick<RefillParts, 'config' | 'ports' | 'openSource'>) => Promise<T>,
): Promise<T> {
  const { config, clock } = lakeside
  const openSource = await sourceOpener(invocation, lakeside)
  const deadLetterSchema = await readDeadLetterSchema(invocation.files)
  const modules = await openModules(config.streams)
  const random = new SystemRandom()
  const secrets = await readSecrets(ownSecretsOf(config), invocation.files)
  const schemaRegistry = schemaRegistryOf(config, secrets, invocation.files)
  const telemetry = silentTelemetry
  const ports = { clock, random, telemetry, modules, deadLetterSchema, schemaRegistry }
  try {
    return await work({ config, ports, openSource })
  } finally {
    for (const module of modules.values()) await module.close()
  }
}
