/** The lake that a configuration names. */
import type { HdfsLake } from '../adapters/hdfs/hdfs-lake.ts'
import { type HdfsPlace, parseHdfsUrl } from '../adapters/hdfs/hdfs-url.ts'
import { LocalLake } from '../adapters/local/local-lake.ts'
import { SystemClock } from '../adapters/local/system-clock.ts'
import { SystemRandom } from '../adapters/local/system-random.ts'
import type { S3Lake } from '../adapters/s3/s3-lake.ts'
import { parseS3Url } from '../adapters/s3/s3-url.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { Kerberos } from '../ports/kerberos.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { LakeConfig } from './config/lake-config.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import { type HdfsAccess, readHdfsAccess, readLakeCredentials } from './config/secrets.ts'

/**
 * Opens it; nothing is asked of it.
 * @throws {Fault} CONFIG_SECRET_MISSING: credentials, a token or a certificate are not there;
 *   KERBEROS_PACKAGE_MISSING.
 */
export async function openLake(
  config: Pick<ResolvedConfig, 'lake' | 'lakeUrl' | 'folder'>,
  files: ConfigFiles,
  telemetry: Telemetry,
): Promise<LocalLake | S3Lake | HdfsLake> {
  const { lake, folder } = config
  const onHdfs = parseHdfsUrl(lake.url)
  if (onHdfs !== undefined) {
    const access = await readHdfsAccess(config, files)
    return await hdfsLake(config, onHdfs, access, telemetry)
  }
  const place = parseS3Url(lake.url)
  if (place === undefined) return new LocalLake(lake.url, folder)
  const { url, endpoint, region, pathStyle } = lake
  const settings = {
    url,
    place,
    endpoint,
    region,
    pathStyle: pathStyle ?? endpoint !== undefined,
    credentials: await readLakeCredentials(config, files),
    encryption: encryptionOf(lake),
    requesterPays: lake.requesterPays ?? false,
  }
  // The client of S3 is large: who has no bucket does not load it.
  const { openS3Lake } = await import('../adapters/s3/open-s3-lake.ts')
  return openS3Lake(settings, { clock: new SystemClock(), random: new SystemRandom(), telemetry })
}

async function hdfsLake(
  { lake: { hdfs }, lakeUrl: url }: Pick<ResolvedConfig, 'lake' | 'lakeUrl'>,
  place: HdfsPlace,
  access: HdfsAccess,
  telemetry: Telemetry,
): Promise<HdfsLake> {
  const {
    user = 'lakeward',
    replication,
    blockSize: blockBytes,
    httpfs = false,
    proxy,
  } = hdfs ?? {}
  const datanodes = new Map(Object.entries(hdfs?.datanodes ?? {}))
  const settings = {
    url,
    place,
    user,
    replication,
    blockBytes,
    httpfs,
    proxy,
    datanodes,
    kerberos: await kerberosOf(hdfs),
    ...access,
  }
  const { openHdfsLake } = await import('../adapters/hdfs/open-hdfs-lake.ts')
  return openHdfsLake(settings, {
    clock: new SystemClock(),
    random: new SystemRandom(),
    telemetry,
  })
}

/** @throws {Fault} KERBEROS_PACKAGE_MISSING. */
async function kerberosOf(hdfs: LakeConfig['hdfs']): Promise<Kerberos | undefined> {
  if (hdfs?.auth !== 'kerberos') return undefined
  const { loadKerberos } = await import('../adapters/kerberos/kerberos.ts')
  return loadKerberos('lake.hdfs.auth', { principal: hdfs.principal })
}

function encryptionOf({ encryption, kmsKey }: LakeConfig) {
  if (encryption === undefined) return {}
  if (encryption === 'sse-s3') return { ServerSideEncryption: 'AES256' } as const
  const key = kmsKey === undefined ? {} : { SSEKMSKeyId: kmsKey }
  return { ServerSideEncryption: 'aws:kms', ...key } as const
}
