/** HDFS lakes for tests: on the system's clock, in a folder of their own. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { HdfsLake } from '../../src/adapters/hdfs/hdfs-lake.ts'
import {
  type HdfsPorts,
  type HdfsSettings,
  openHdfsLake,
} from '../../src/adapters/hdfs/open-hdfs-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { inParallel } from '../../src/committer/parallel.ts'
import type { Lake } from '../../src/ports/lake.ts'
import { SimTelemetry } from '../sim/telemetry.ts'

/** @param folder "/lakeward/one". */
export const hdfsSettings = (namenodes: readonly string[], folder: string): HdfsSettings => ({
  url: `hdfs://${namenodes.join(',')}${folder}`,
  place: { namenodes, folder },
  user: 'lakeward',
  replication: undefined,
  blockBytes: undefined,
  token: undefined,
  kerberos: undefined,
  tls: undefined,
  httpfs: false,
  proxy: undefined,
  datanodes: new Map(),
})

type TestPorts = Partial<Pick<HdfsPorts, 'clock'>> & {
  readonly telemetry?: SimTelemetry
}

export const openTestHdfsLake = (
  settings: HdfsSettings,
  { clock = new SystemClock(), telemetry = new SimTelemetry() }: TestPorts = {},
): HdfsLake => openHdfsLake(settings, { clock, random: new SystemRandom(), telemetry })

const copiedAtOnce = 16

/**
 * Brings folders of a lake to this machine, as any client does: there they are judged.
 * @returns the paths, from the lake's root on.
 */
export async function copyOut(
  lake: Lake,
  folders: readonly string[],
  root: string,
): Promise<readonly string[]> {
  const listed = (await Promise.all(folders.map((folder) => lake.list(folder)))).flat()
  const paths = listed.map(({ path }) => path).filter((path) => !path.includes('/_staging/'))
  await inParallel(paths, copiedAtOnce, async (path) => {
    const target = join(root, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, (await lake.read(path)) ?? new Uint8Array(0))
  })
  return paths
}
