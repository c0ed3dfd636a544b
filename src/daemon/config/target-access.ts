/** What targets are delivered to with, besides what is no secret. */
import { type Environment, parseProxy, proxyOf } from '../../adapters/net/proxy-environment.ts'
import { Fault } from '../../base/fault.ts'
import {
  type MaybeSecret,
  parseSecretReference,
  revealed,
  Secret,
  type SecretReference,
} from '../../base/secret.ts'
import type { CommandTarget } from '../../readiness/command-config.ts'
import {
  headerValueShape,
  proxyOfEnvironment,
  type WebhookTarget,
} from '../../readiness/webhook-config.ts'
import type { PlacedReference } from './secrets.ts'

export interface WebhookAccess {
  readonly secret: Secret
  /** By name. */
  readonly headers: ReadonlyMap<string, MaybeSecret>
  /** Its address may hold a password. */
  readonly proxy: Secret | undefined
  /** PEM text. */
  readonly ca: string | undefined
  readonly identity: { readonly certificate: string; readonly key: Secret } | undefined
}

/** How references are read. */
export interface ReferenceReader {
  readonly read: (placed: { key: string; reference: string }) => Promise<string>
  readonly environment: Environment
}

/** @param index of the target in `ready.notify`. */
export function webhookReferences(target: WebhookTarget, index: number): PlacedReference[] {
  const { secret, headers, tls } = target
  const at = keyOf(index)
  const placed = (key: string, reference: SecretReference | undefined): PlacedReference[] =>
    reference === undefined ? [] : [{ key: `${at}.${key}`, reference }]
  return [
    ...placed('secret', secret),
    ...Object.entries(headers).flatMap(([name, value]) =>
      placed(`headers.${name}`, parseSecretReference(value)),
    ),
    ...placed('tls.key', tls?.key),
  ]
}

/** @throws {Fault} CONFIG_SECRET_MISSING. */
export async function readWebhook(
  target: WebhookTarget,
  index: number,
  reader: ReferenceReader,
): Promise<WebhookAccess> {
  const { secret, headers, tls } = target
  const at = keyOf(index)
  const read = (key: string, reference: string): Promise<string> =>
    reader.read({ key: `${at}.${key}`, reference })
  const values = new Map<string, MaybeSecret>()
  for (const [name, value] of Object.entries(headers)) {
    values.set(name, await headerOf({ key: `${at}.headers.${name}`, value }, reader))
  }
  const { ca, certificate, key } = tls ?? {}
  return {
    secret: new Secret(await read('secret', secret)),
    headers: values,
    proxy: readProxy(target, `${at}.proxy`, reader.environment),
    ca: ca === undefined ? undefined : await read('tls.ca', ca),
    identity:
      certificate === undefined || key === undefined
        ? undefined
        : {
            certificate: await read('tls.certificate', certificate),
            key: new Secret(await read('tls.key', key)),
          },
  }
}

const keyOf = (index: number): string => `ready.notify[${index}].webhook`

const variableKey = (index: number, name: string): string =>
  `ready.notify[${index}].command.environment.${name}`

/** @param index of the target in `ready.notify`. */
export const commandReferences = (
  { environment }: CommandTarget,
  index: number,
): PlacedReference[] =>
  Object.entries(environment).flatMap(([name, value]) => {
    const reference = parseSecretReference(value)
    return reference === undefined ? [] : [{ key: variableKey(index, name), reference }]
  })

/** @returns its variables by name. @throws {Fault} CONFIG_SECRET_MISSING. */
export async function readCommand(
  { environment }: CommandTarget,
  index: number,
  { read }: ReferenceReader,
): Promise<ReadonlyMap<string, MaybeSecret>> {
  const values = new Map<string, MaybeSecret>()
  for (const [name, value] of Object.entries(environment)) {
    const reference = parseSecretReference(value)
    const key = variableKey(index, name)
    const found = reference === undefined ? value : new Secret(await read({ key, reference }))
    if (reference !== undefined && revealed(found).includes('\0')) {
      const reason = 'its value has a NUL, which no variable of a process can hold'
      throw new Fault('CONFIG_SECRET_MISSING', { key, reference, reason })
    }
    values.set(name, found)
  }
  return values
}

async function headerOf(
  { key, value }: { readonly key: string; readonly value: string },
  { read }: ReferenceReader,
): Promise<MaybeSecret> {
  const reference = parseSecretReference(value)
  if (reference === undefined) return value
  const found = await read({ key, reference })
  if (headerValueShape.test(found)) return new Secret(found)
  const reason = 'its value is not one line of printable ASCII'
  throw new Fault('CONFIG_SECRET_MISSING', { key, reference, reason })
}

function readProxy(
  { url, proxy }: WebhookTarget,
  key: string,
  environment: Environment,
): Secret | undefined {
  if (proxy === undefined) return undefined
  if (proxy !== proxyOfEnvironment) return new Secret(proxy)
  const found = proxyOf(new URL(url), environment)
  if (found === undefined) return undefined
  const parsed = parseProxy(found.value)
  if (parsed !== undefined) return new Secret(parsed.href)
  const reason = 'its value is no proxy that we can ask; accepted: http://host:port'
  throw new Fault('CONFIG_SECRET_MISSING', { key, reference: `env:${found.variable}`, reason })
}
