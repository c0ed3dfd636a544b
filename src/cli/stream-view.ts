import { z } from 'zod'
import { askDaemon } from '../adapters/http/daemon-client.ts'
import { readSecrets } from '../daemon/config/secrets.ts'
import type { UnknownFields } from '../model/unknown-field.ts'
import type { Invocation } from './command.ts'
import { ownSecretsOf, type Reading } from './reading.ts'

const daemonTimeoutMs = 2_000
const shownMax = 4

const streamsAnswer = z.array(
  z.object({
    name: z.string(),
    table: z.string(),
    unknownFields: z.object({
      fields: z.array(z.object({ message: z.string(), number: z.number(), count: z.number() })),
      otherCount: z.number(),
    }),
    memory: z.object({ heldBytes: z.number(), bytesMax: z.number(), paused: z.boolean() }),
  }),
)

/** What only the daemon knows of a stream. */
export interface DaemonStream {
  /** Fields that the schema does not know, counted since the daemon's start. */
  readonly unknownFields: UnknownFields
  readonly memory: StreamMemory
}

/** Bytes that a stream holds, its share, and whether its reading waits for memory. */
interface StreamMemory {
  readonly heldBytes: number
  readonly bytesMax: number
  readonly paused: boolean
}

/**
 * What the daemon that listens says of each stream; of several workers, one. Undefined when none
 * answers: the log does not have it.
 */
export async function askStreams(
  { files }: Pick<Invocation, 'files'>,
  { config }: Pick<Reading, 'config'>,
): Promise<ReadonlyMap<string, DaemonStream> | undefined> {
  const { listen } = config.http
  if (listen.endsWith(':0')) return undefined
  const { httpToken } = await readSecrets(ownSecretsOf(config), files)
  const address = { listen, token: httpToken?.reveal(), timeoutMs: daemonTimeoutMs }
  const answer = await askDaemon(address, '/api/v1/streams')
  if (answer.kind === 'silent') return undefined
  const parsed = streamsAnswer.safeParse(answer.body)
  if (!parsed.success) return undefined
  const tables = new Map(config.streams.map(({ name, table }) => [name, table]))
  // Who answers for all shards of a log tells of streams that are not in this one.
  const told =
    config.shard === undefined ? parsed.data : parsed.data.filter(({ name }) => tables.has(name))
  const isOurs = told.every(({ name, table }) => tables.get(name) === table)
  if (!isOurs) return undefined
  return new Map(told.map(({ name, unknownFields, memory }) => [name, { unknownFields, memory }]))
}

/** For people: "paused: 17 of 16 MiB held"; undefined where the reading does not wait. */
export function waitingText(memory: StreamMemory | undefined): string | undefined {
  if (memory?.paused !== true) return undefined
  const { heldBytes, bytesMax } = memory
  const [held, share] = [mebibytes(heldBytes), mebibytes(bytesMax)]
  return `paused for want of memory: ${held} held, its share is ${share}`
}

const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`

/** For people: "growth.AppEvent 17 (120 times), …"; undefined where there is nothing to say. */
export function unknownFieldsText(unknown: UnknownFields | undefined): string | undefined {
  if (unknown === undefined) return undefined
  const { fields, otherCount } = unknown
  const others = fields.slice(shownMax).reduce((sum, { count }) => sum + count, otherCount)
  const shown = fields
    .slice(0, shownMax)
    .map(({ message, number, count }) => `${message} ${number} (${timesOf(count)})`)
  const all = others === 0 ? shown : [...shown, `others (${timesOf(others)})`]
  return all.length === 0 ? undefined : all.join(', ')
}

const timesOf = (count: number): string => (count === 1 ? 'once' : `${count} times`)
