/** A lake on HDFS from its settings. */
import type { Clock } from '../../ports/clock.ts'
import type { Kerberos } from '../../ports/kerberos.ts'
import type { Random } from '../../ports/random.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { type HdfsDoor, tokenIdentity } from './hdfs-door.ts'
import { HdfsFiles } from './hdfs-files.ts'
import { HdfsHttp } from './hdfs-http.ts'
import { HdfsLake } from './hdfs-lake.ts'
import { type HdfsLogin, HdfsRequests } from './hdfs-requests.ts'
import type { HdfsPlace } from './hdfs-url.ts'
import { OwnToken } from './own-token.ts'

export interface HdfsSettings {
  /** As readers are told: "hdfs://nn1:9870/warehouse", "hdfs://nameservice/warehouse". */
  readonly url: string
  readonly place: HdfsPlace
  /** Who we say that we are: "user.name". */
  readonly user: string
  /** A delegation token, which says it instead: as it is given, or one that is got as `user`. */
  readonly token: (() => Promise<string>) | 'own' | undefined
  /** By it a token of our own is got; then `user` and `token` are not looked at. */
  readonly kerberos: Kerberos | undefined
  /** By HTTPS, with these certificates trusted, PEM, or those that come with Node.js. */
  readonly tls: { readonly ca: string | undefined } | undefined
  readonly httpfs: boolean
  /** An HTTP proxy that all goes through: "http://proxy:3128". */
  readonly proxy: string | undefined
  /** Where datanodes are reached, by what they call themselves. */
  readonly datanodes: ReadonlyMap<string, string>
  /** Of files that we create; the cluster's without it. */
  readonly replication: number | undefined
  readonly blockBytes: number | undefined
}

export interface HdfsPorts {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

/** For people: which one it is the libraries choose. */
const ticketOwner = 'the owner of the Kerberos ticket'

/** Nothing is asked before the first call. */
export function openHdfsLake(settings: HdfsSettings, ports: HdfsPorts): HdfsLake {
  const { url, place, replication, blockBytes, tls, kerberos } = settings
  const token = kerberos === undefined ? settings.token : 'own'
  const user = kerberos === undefined ? settings.user : (kerberos.principal ?? ticketOwner)
  const where = { address: place.namenodes.join(','), user }
  // It asks by the same requests as all others.
  const login: HdfsLogin = {
    get version() {
      return own.version
    },
    forget: (version) => token === 'own' && own.forget(version),
  }
  const { namenodes } = place
  const requests = new HdfsRequests({ ...ports, namenodes, where, login })
  const creation = {
    ...(replication === undefined ? {} : { replication: `${replication}` }),
    ...(blockBytes === undefined ? {} : { blocksize: `${blockBytes}` }),
  }
  const http = new HdfsHttp({ ca: tls?.ca, proxy: settings.proxy })
  const scheme = tls === undefined ? 'http' : 'https'
  const own = new OwnToken({ ...ports, requests, http, scheme, where, kerberos })
  const identityOf = (): HdfsDoor['identity'] => {
    if (token === undefined) return async () => ({ 'user.name': user })
    return token === 'own' ? () => own.identity() : tokenIdentity(token, ports)
  }
  const { httpfs, proxy } = settings
  const datanodes = new Map([...settings.datanodes].map(([name, at]) => [name.toLowerCase(), at]))
  const isDirect = !httpfs && proxy === undefined && datanodes.size === 0
  const door: HdfsDoor = { httpfs, datanodes, isDirect, scheme, identity: identityOf() }
  const { folder } = place
  const { random } = ports
  return new HdfsLake(url, new HdfsFiles({ requests, http, random, door, folder, creation }))
}
