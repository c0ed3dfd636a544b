/**
 * Secrets of a configuration: read when a daemon starts, never before, and by reading commands only
 * those that reading takes. They travel as `Secret`, which prints as `***`.
 */
import { resolve } from 'node:path'
import { Fault } from '../../base/fault.ts'
import { type MaybeSecret, Secret, type SecretReference } from '../../base/secret.ts'
import type { ConfigFiles } from '../../ports/config-files.ts'
import { targetName } from '../../readiness/config.ts'
import { instanceShape } from '../../source/config.ts'
import type { ResolvedConfig } from './resolved-config.ts'
import {
  commandReferences,
  type ReferenceReader,
  readCommand,
  readWebhook,
  type WebhookAccess,
  webhookReferences,
} from './target-access.ts'

/** What a configuration refers to outside of itself. */
export interface ConfigSecrets {
  readonly kafkaPassword: Secret | undefined
  /** `kafka.instance`: no secret, but it may stand in the environment of each host. */
  readonly kafkaInstance: string | undefined
  /** Reads the token again each time: it is replaced before it expires. */
  readonly kafkaToken: (() => Promise<Secret>) | undefined
  /** PEM text of `kafka.tls.ca`: no secret, but read the same way. */
  readonly kafkaCertificates: string | undefined
  /** Our own certificate, PEM, with its key. */
  readonly kafkaIdentity: { readonly certificate: string; readonly key: Secret } | undefined
  readonly registryPassword: Secret | undefined
  readonly httpToken: Secret | undefined
  /** By the name of the target. */
  readonly webhooks: ReadonlyMap<string, WebhookAccess>
  /** Variables of commands, by the name of the target; theirs by name. */
  readonly commands: ReadonlyMap<string, ReadonlyMap<string, MaybeSecret>>
}

/** One reference and the path of its key. */
export interface PlacedReference {
  readonly key: string
  readonly reference: SecretReference
}

type Referring = Pick<
  ResolvedConfig,
  'kafka' | 'http' | 'ready' | 'lake' | 'folder' | 'schemaRegistry'
>

const registryPasswordKey = 'schemaRegistry.password'

/** All references to secrets, in the order of the file. */
export function secretReferences({
  kafka,
  http,
  ready,
  lake,
  schemaRegistry,
}: Referring): readonly PlacedReference[] {
  const { password, token } = kafka.sasl ?? {}
  const key = kafka.tls?.key
  const webhooks = ready.notify.flatMap((target, index) => {
    if (target.kind === 'command') return commandReferences(target, index)
    return target.kind === 'webhook' ? webhookReferences(target, index) : []
  })
  return [
    ...(password === undefined ? [] : [{ key: 'kafka.sasl.password', reference: password }]),
    ...(token === undefined ? [] : [{ key: 'kafka.sasl.token', reference: token }]),
    ...(key === undefined ? [] : [{ key: 'kafka.tls.key', reference: key }]),
    ...lakeReferences(lake),
    ...(schemaRegistry?.password === undefined
      ? []
      : [{ key: registryPasswordKey, reference: schemaRegistry.password }]),
    ...webhooks,
    ...(http.token === undefined ? [] : [{ key: 'http.token', reference: http.token }]),
  ]
}

const lakeReferences = (lake: Referring['lake']): readonly PlacedReference[] => [
  ...bucketReferences(lake),
  ...(lake.hdfs?.token === undefined || lake.hdfs.token === 'own'
    ? []
    : [{ key: hdfsTokenKey, reference: lake.hdfs.token }]),
]

const hdfsTokenKey = 'lake.hdfs.token'

const bucketReferences = ({ credentials }: Referring['lake']): readonly PlacedReference[] =>
  credentials === undefined
    ? []
    : [
        { key: 'lake.credentials.accessKey', reference: credentials.accessKey },
        { key: 'lake.credentials.secretKey', reference: credentials.secretKey },
      ]

/** What a lake on HDFS is reached with, besides what is no secret. */
export interface HdfsAccess {
  /** Read again each time: it is replaced before it expires. */
  readonly token: (() => Promise<string>) | 'own' | undefined
  readonly tls: { readonly ca: string | undefined } | undefined
}

/** @throws {Fault} CONFIG_SECRET_MISSING. */
export async function readHdfsAccess(
  { lake: { hdfs }, folder }: Pick<Referring, 'lake' | 'folder'>,
  files: ConfigFiles,
): Promise<HdfsAccess> {
  const { token: reference, tls } = hdfs ?? {}
  const read = (key: string, placed: string): Promise<string> =>
    readReference({ key, reference: placed }, folder, files)
  const given = reference === undefined || reference === 'own' ? undefined : reference
  const readToken = given === undefined ? undefined : () => read(hdfsTokenKey, given)
  await readToken?.()
  const token = reference === 'own' ? ('own' as const) : readToken
  if (tls === undefined) return { token, tls }
  return { token, tls: { ca: tls.ca && (await read('lake.hdfs.tls.ca', tls.ca)) } }
}

/** Who we are to the store; nobody in particular where the configuration does not say. */
export type LakeCredentials = { readonly accessKey: Secret; readonly secretKey: Secret } | undefined

/**
 * What a lake needs, for commands that only read it as well.
 * @throws {Fault} CONFIG_SECRET_MISSING.
 */
export async function readLakeCredentials(
  { lake, folder }: Pick<Referring, 'lake' | 'folder'>,
  files: ConfigFiles,
): Promise<LakeCredentials> {
  const values: Secret[] = []
  for (const placed of bucketReferences(lake)) {
    values.push(new Secret(await readReference(placed, folder, files)))
  }
  const [accessKey, secretKey] = values
  if (accessKey === undefined || secretKey === undefined) return undefined
  return { accessKey, secretKey }
}

/**
 * Reads every secret that a daemon needs.
 * @throws {Fault} CONFIG_SECRET_MISSING.
 */
export async function readSecrets(config: Referring, files: ConfigFiles): Promise<ConfigSecrets> {
  const values = new Map<string, Secret>()
  for (const placed of secretReferences(config)) {
    values.set(placed.key, new Secret(await readReference(placed, config.folder, files)))
  }
  const { ca, certificate } = config.kafka.tls ?? {}
  const read = (key: string, reference: string): Promise<string> =>
    readReference({ key, reference }, config.folder, files)
  const key = values.get('kafka.tls.key')
  const token = config.kafka.sasl?.token
  return {
    kafkaInstance: await instanceOf(config, files),
    kafkaPassword: values.get('kafka.sasl.password'),
    kafkaToken:
      token === undefined
        ? undefined
        : async () => new Secret(await read('kafka.sasl.token', token)),
    kafkaCertificates: ca === undefined ? undefined : await read('kafka.tls.ca', ca),
    kafkaIdentity:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate: await read('kafka.tls.certificate', certificate), key },
    registryPassword: values.get(registryPasswordKey),
    httpToken: values.get('http.token'),
    ...(await readTargets(config, files)),
  }
}

async function readTargets(
  { ready, folder }: Pick<Referring, 'ready' | 'folder'>,
  files: ConfigFiles,
): Promise<Pick<ConfigSecrets, 'webhooks' | 'commands'>> {
  const webhooks = new Map<string, WebhookAccess>()
  const commands = new Map<string, ReadonlyMap<string, MaybeSecret>>()
  const reader: ReferenceReader = {
    read: (placed) => readReference(placed, folder, files),
    environment: (name) => files.environment(name),
  }
  for (const [index, target] of ready.notify.entries()) {
    const name = targetName(target)
    if (target.kind === 'webhook') webhooks.set(name, await readWebhook(target, index, reader))
    if (target.kind === 'command') commands.set(name, await readCommand(target, index, reader))
  }
  return { webhooks, commands }
}

async function instanceOf(
  { kafka, folder }: Pick<Referring, 'kafka' | 'folder'>,
  files: ConfigFiles,
): Promise<string | undefined> {
  const { instance } = kafka
  if (instance === undefined || !instance.startsWith('env:')) return instance
  const placed = { key: 'kafka.instance', reference: instance }
  const name = await readReference(placed, folder, files)
  if (instanceShape.test(name)) return name
  const reason = `its value "${name}" is no name; accepted: 1 to 200 of A-Z a-z 0-9 . _ -`
  throw new Fault('CONFIG_SECRET_MISSING', { ...placed, reason })
}

/** The text that "env:NAME" or "file:path" stands for, without the line end a file closes with. */
async function readReference(
  { key, reference }: { readonly key: string; readonly reference: string },
  folder: string,
  files: ConfigFiles,
): Promise<string> {
  const place = reference.slice(reference.indexOf(':') + 1)
  const fromFile = reference.startsWith('file:')
  const text = fromFile
    ? (await files.readText(resolve(folder, place)))?.replace(/\r?\n$/, '')
    : files.environment(place)
  if (text !== undefined && text !== '') return text
  const what = fromFile ? 'file' : 'environment variable'
  const reason = text === undefined ? `there is no such ${what}` : `the ${what} is empty`
  throw new Fault('CONFIG_SECRET_MISSING', { key, reference, reason })
}
