/** A lake on HDFS from its settings. */
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { HdfsFiles } from './hdfs-files.ts'
import { HdfsHttp } from './hdfs-http.ts'
import { HdfsLake } from './hdfs-lake.ts'
import { HdfsRequests } from './hdfs-requests.ts'
import type { HdfsPlace } from './hdfs-url.ts'

export interface HdfsSettings {
  /** As configured: "hdfs://nn1:9870/warehouse". */
  readonly url: string
  readonly place: HdfsPlace
  /** Who we say that we are: "user.name". */
  readonly user: string
  /** Of files that we create; the cluster's without it. */
  readonly replication: number | undefined
  readonly blockBytes: number | undefined
}

export interface HdfsPorts {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

/** Nothing is asked before the first call. */
export function openHdfsLake(settings: HdfsSettings, ports: HdfsPorts): HdfsLake {
  const { url, place, user, replication, blockBytes } = settings
  const where = { address: place.namenodes.join(','), user }
  const requests = new HdfsRequests({ ...ports, namenodes: place.namenodes, where })
  const creation = {
    ...(replication === undefined ? {} : { replication: `${replication}` }),
    ...(blockBytes === undefined ? {} : { blocksize: `${blockBytes}` }),
  }
  const http = new HdfsHttp()
  const { folder } = place
  const { random } = ports
  return new HdfsLake(url, new HdfsFiles({ requests, http, random, user, folder, creation }))
}
