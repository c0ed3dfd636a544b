import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { FetchLimits } from '../../codec/kafka/fetch-request.ts'

/** How to log in. The password is the secret itself: references are resolved by the caller. */
export interface PasswordLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface TokenLogin {
  readonly mechanism: 'oauthbearer'
  /** Asked anew for each login: tokens expire sooner than we end. */
  readonly token: () => Promise<string>
}

export type SaslOptions = PasswordLogin | TokenLogin

/** Whom faults name. A token says itself who it is; it is not taken apart here. */
export const loginName = (sasl: SaslOptions): string =>
  sasl.mechanism === 'oauthbearer' ? 'of the token' : sasl.username

/** Which part of every topic a worker reads without a group. */
export interface StaticShare {
  /** 0-based. */
  readonly workerIndex: number
  readonly workerCount: number
}

/** How connections are made beside who is asked. */
export interface KafkaLogin {
  readonly sasl?: SaslOptions
  readonly tls?: TlsOptions
}

export interface KafkaSourceOptions extends KafkaLogin {
  /** "host:port" each; asked first, they name the others. */
  readonly brokers: readonly string[]
  readonly group: string
  /**
   * Static membership, group.instance.id: who restarts within the session takes its place again,
   * and of two with one id the first is fenced. Absent: a member like any other.
   */
  readonly instanceId?: string | undefined
  /** Names and patterns: `model/topic-selection.ts`. */
  readonly topics: readonly string[]
  readonly assignment: 'group' | { readonly static: StaticShare }
  readonly clientId: string
  /** Our rack: brokers then name the nearest replica. */
  readonly rack?: string
  readonly isolation: 'read_committed' | 'read_uncommitted'
  /** Classic when absent, where the group's leader assigns; consumer is KIP-848. */
  readonly groupProtocol?: 'classic' | 'consumer'
  /** Not of the protocol "consumer": there it is the brokers'. */
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly fetch: FetchLimits
  /** Between two looks at topics, partitions and leaders. 5 s when absent. */
  readonly metadataRefreshMs?: number
  /** How a group's leader balances by what members observe. 10 min and 1 min when absent. */
  readonly balance?: {
    /** Between two looks at the loads of all. */
    readonly everyMs: number
    /** A partition that was read for less time tells no load. */
    readonly observedMsMin: number
  }
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** "host:port", also "[::1]:9092". */
export function parseAddress(text: string): BrokerAddress {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(text.slice(colon + 1)) }
}
