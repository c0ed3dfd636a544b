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
  }),
)

/**
 * Fields that schemas do not know, by stream, as the daemon that listens counted them since its
 * start; of several workers, one. Undefined when none answers: the log does not keep them.
 */
export async function askUnknownFields(
  { files }: Pick<Invocation, 'files'>,
  { config }: Pick<Reading, 'config'>,
): Promise<ReadonlyMap<string, UnknownFields> | undefined> {
  const { listen } = config.http
  if (listen.endsWith(':0')) return undefined
  const { httpToken } = await readSecrets(ownSecretsOf(config), files)
  const address = { listen, token: httpToken?.reveal(), timeoutMs: daemonTimeoutMs }
  const answer = await askDaemon(address, '/api/v1/streams')
  if (answer.kind === 'silent') return undefined
  const parsed = streamsAnswer.safeParse(answer.body)
  if (!parsed.success) return undefined
  const tables = new Map(config.streams.map(({ name, table }) => [name, table]))
  const isOurs = parsed.data.every(({ name, table }) => tables.get(name) === table)
  if (!isOurs) return undefined
  return new Map(parsed.data.map(({ name, unknownFields }) => [name, unknownFields]))
}

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
