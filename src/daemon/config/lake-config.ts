import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { parseHdfsUrl } from '../../adapters/hdfs/hdfs-url.ts'
import { parseS3Url } from '../../adapters/s3/s3-url.ts'
import {
  addressForm,
  principal,
  secret,
  size,
  text,
  textForm,
  truth,
  wholeNumber,
} from '../../base/config-units.ts'
import { choice, configValue, notBuilt, section, type ValueForm } from '../../base/config-value.ts'
import type { DeepReadonly } from '../../base/deep-readonly.ts'
import { parseSecretReference, type SecretReference } from '../../base/secret.ts'
import { pemFile } from '../../base/tls-config.ts'

/**
 * The path in "file:./lake", "file:/lake" or "file:///lake"; undefined when there is none.
 *
 * Only the form with three slashes is a URL in full, with escapes; the others hold plain paths.
 */
export function pathOfFileUrl(url: string): string | undefined {
  if (!url.startsWith('file://')) return url.slice('file:'.length)
  try {
    return fileURLToPath(url)
  } catch {
    return undefined
  }
}

/** A folder as a URL; URLs of other storages are part of the grammar, but not built. */
function folderUrl(example: string, unbuilt: readonly string[]): ValueForm<string> {
  const form = textForm({ accepted: `${example}, a folder`, shape: /^file:[^\0]+$/ })
  return {
    ...form,
    read: (given) => {
      if (typeof given === 'string' && unbuilt.some((scheme) => given.startsWith(scheme))) {
        return { kind: 'not-supported' }
      }
      const read = form.read(given)
      if (read.kind === 'value' && pathOfFileUrl(read.value) === undefined) {
        return { kind: 'refused', because: 'is no path on this machine' }
      }
      return read
    },
  }
}

const folderOfMachine = folderUrl('file:./lake', [])

/** Storages that are no folder of this machine: how their URLs are read, and what is wrong. */
const remoteUrls = [
  {
    scheme: 's3:',
    parse: parseS3Url,
    because: 'names no bucket, or a prefix with empty parts',
  },
  {
    scheme: 'hdfs:',
    parse: parseHdfsUrl,
    because: 'names no namenodes as host:port, or a folder with empty parts or a colon',
  },
] as const

/** Root of the lake. Relative paths start from the folder of the configuration. */
const lakeUrl = configValue<string>({
  ...folderOfMachine,
  accepted: `${folderOfMachine.accepted}; s3://bucket/prefix; hdfs://nn1:9870,nn2:9870/warehouse`,
  jsonSchema: { type: 'string', pattern: '^(file:|s3://|hdfs://).+$' },
  read: (given) => {
    const remote = remoteUrls.find(
      ({ scheme }) => typeof given === 'string' && given.startsWith(scheme),
    )
    if (typeof given !== 'string' || remote === undefined) return folderOfMachine.read(given)
    if (remote.parse(given) === undefined) return { kind: 'refused', because: remote.because }
    return { kind: 'value', value: given.replace(/\/$/, '') }
  },
})

const trusted = 'Certificates that are trusted. Without it: those that come with Node.js.'
const hostName = () =>
  configValue<string>(
    addressForm(
      {
        accepted: 'a host, or host:port',
        shape: /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?$/,
      },
      (host) => `http://${host}`,
    ),
  )

/** A secret by reference, or the word for one that we get. */
const ownOrGiven = () =>
  configValue<SecretReference | 'own'>({
    accepted: 'own; env:NAME, file:path',
    jsonSchema: { type: 'string', pattern: '^(own|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$' },
    hidden: true,
    read: (given) => {
      if (given === 'own') return { kind: 'value', value: given }
      const value = typeof given === 'string' ? parseSecretReference(given) : undefined
      if (value !== undefined) return { kind: 'value', value }
      return { kind: 'refused', because: 'is not a reference, and secrets are not written here' }
    },
    print: (reference) => reference,
  })

/** How a cluster is told who we are. */
const hdfsLogins = ['simple', 'kerberos', 'token'] as const

/** The section `lake.hdfs`: what a lake on HDFS is asked with, by WebHDFS. */
const hdfsConfig = section({
  auth: choice(hdfsLogins)
    .optional()
    .describe(
      'How the cluster is told who we are. Without it: by token where there is one, else simple.',
    ),
  user: text({ accepted: 'the name of a user: lakeward', shape: /^[A-Za-z_][\w.-]{0,63}\$?$/ })
    .optional()
    .describe('Who we say that we are, where the cluster believes it. Without it: lakeward.'),
  principal: principal()
    .optional()
    .describe('With auth: kerberos: who we are. Without it: the first of the keytab or the cache.'),
  replication: wholeNumber({ min: 1, max: 512 })
    .optional()
    .describe("Copies of a file. Without it: the cluster's dfs.replication."),
  blockSize: size({ min: '64KiB', max: '2GiB' })
    .optional()
    .describe(
      "Size of a file's blocks; needed where a stream has file.mode: continue. Without it: the " +
        "cluster's dfs.blocksize.",
    ),
  location: text({
    accepted: 'hdfs://nameservice/warehouse, a folder as its readers reach it',
    shape: /^hdfs:\/\/[^\s/?#]+(\/[^\s?#]*[^\s?#/])?$/,
  })
    .optional()
    .describe('The lake as manifests and "lakeward files" tell it. Without it: lake.url.'),
  httpfs: truth()
    .default(false)
    .describe('The addresses of the URL are of HttpFS, not of namenodes.'),
  tls: section({ ca: pemFile().optional().describe(trusted) })
    .optional()
    .describe('All are asked by HTTPS, also by the addresses of the URL.'),
  token: ownOrGiven()
    .optional()
    .describe('A delegation token: own is got as user and renewed; others are read each minute.'),
  datanodes: z
    .record(hostName(), hostName())
    .optional()
    .describe('Where datanodes are reached, by the host or host:port that they give themselves.'),
  proxy: configValue<string>(
    addressForm({ accepted: 'http://host:port', shape: /^http:\/\/[^\s/?#@]+:\d{1,5}$/ }),
  )
    .optional()
    .describe('An HTTP proxy that all requests go through; HTTPS by CONNECT.'),
})

/** The section `lake`. */
export const lakeConfig = section({
  url: lakeUrl.describe('Root of the lake.'),
  endpoint: configValue<string>(
    addressForm({
      accepted: "http://host:port, https://host; without it: Amazon's",
      shape: /^https?:\/\/[^\s/?#@]+$/,
    }),
  )
    .optional()
    .describe("S3 alone: the server, where it is not Amazon's."),
  region: text({ accepted: 'the name of a region: eu-central-1', shape: /^[a-z0-9-]{1,64}$/ })
    .optional()
    .describe('S3 alone: where the bucket is. Without it: as the environment says.'),
  pathStyle: truth()
    .optional()
    .describe(
      'S3 alone: the bucket stands in the path. Without it: true where there is an endpoint.',
    ),
  credentials: section({
    accessKey: secret().describe('Name of the key.'),
    secretKey: secret().describe('The key.'),
  })
    .optional()
    .describe(
      'S3 alone: who we are. Without it: environment, profile, web identity, container, instance.',
    ),
  encryption: choice(['sse-s3', 'sse-kms'])
    .optional()
    .describe('S3 alone: how the store encrypts. Without it: as the bucket says.'),
  kmsKey: text({ accepted: 'id or ARN of a key', shape: /^[\x21-\x7e]+$/ })
    .optional()
    .describe("With sse-kms: the key. Without it: the bucket's."),
  requesterPays: truth()
    .optional()
    .describe('S3 alone: we pay for requests, as some buckets want it. Without it: false.'),
  hdfs: hdfsConfig.optional().describe('HDFS alone: who we are, and how files are kept.'),
})

export type LakeConfig = DeepReadonly<z.output<typeof lakeConfig>>

/** The section `registry`. */
export const registryConfig = section({
  url: configValue(folderUrl('file:./proto', ['hdfs:', 's3:', 'http:', 'https:'])).describe(
    'Folder with .proto files, and with one file for each stream in its folder `streams/`.',
  ),
  poll: notBuilt('How often the registry is looked at while running.'),
})
