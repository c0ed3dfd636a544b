/** HDFS lakes for tests: on the system's clock, in a folder of their own. */
import type { HdfsLake } from '../../src/adapters/hdfs/hdfs-lake.ts'
import {
  type HdfsPorts,
  type HdfsSettings,
  openHdfsLake,
} from '../../src/adapters/hdfs/open-hdfs-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
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

type TestPorts = Partial<Pick<HdfsPorts, 'clock' | 'deadline'>> & {
  readonly telemetry?: SimTelemetry
}

export const openTestHdfsLake = (
  settings: HdfsSettings,
  { clock = new SystemClock(), telemetry = new SimTelemetry(), ...more }: TestPorts = {},
): HdfsLake => openHdfsLake(settings, { clock, random: new SystemRandom(), telemetry, ...more })
