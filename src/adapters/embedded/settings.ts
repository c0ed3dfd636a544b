/** What can be set for an embedded broker, with the values it has otherwise. */
export interface BrokerOptions {
  /** Folder of everything that outlives a start. One broker at a time holds it. */
  readonly directory: string
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** Make topics that a Metadata request names and allows to make. */
  readonly autoCreateTopics?: boolean
  /** Partitions of a topic that is made without a count. */
  readonly partitionsDefault?: number
  /** Per partition; oldest segments are dropped beyond it. -1 keeps everything. */
  readonly retentionBytes?: number
  readonly segmentBytes?: number
  readonly batchBytesMax?: number
  /** A larger request closes its connection. */
  readonly requestBytesMax?: number
  /**
   * `each`: a produce is answered when its bytes are on the disk. `interval`: bytes reach the disk
   * every `fsyncIntervalMs`; a killed process loses nothing either way, a lost machine that much.
   */
  readonly fsync?: 'each' | 'interval'
  readonly fsyncIntervalMs?: number
  /** How long the first member of an empty group waits for others. */
  readonly rebalanceDelayMs?: number
  readonly sessionTimeoutMsMin?: number
  readonly sessionTimeoutMsMax?: number
  /** KIP-848 groups: what the broker tells its members, and when it drops a silent one. */
  readonly consumerHeartbeatMs?: number
  readonly consumerSessionMs?: number
}

export type BrokerSettings = Required<BrokerOptions>

export function settingsOf(options: BrokerOptions): BrokerSettings {
  return {
    host: '127.0.0.1',
    port: 0,
    autoCreateTopics: false,
    partitionsDefault: 4,
    retentionBytes: -1,
    segmentBytes: 256 * 1024 * 1024,
    batchBytesMax: 1_048_588,
    requestBytesMax: 100 * 1024 * 1024,
    fsync: 'interval',
    fsyncIntervalMs: 1_000,
    rebalanceDelayMs: 0,
    sessionTimeoutMsMin: 100,
    sessionTimeoutMsMax: 1_800_000,
    consumerHeartbeatMs: 1_000,
    consumerSessionMs: 45_000,
    ...options,
  }
}

/** The only broker of the cluster. */
export const nodeId = 1
